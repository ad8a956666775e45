"""What each latent means: the section of figures.control on factors."""

import numpy as np

from minivae.evaluate import kl_parts, posteriors
from minivae.models import MODELS
from minivae.runs import Run
from minivae.tables import markdown
from minivae.train import batch_starts

from . import control_plots as plots
from .control_measures import all_measured, error_of, mean_and_spread, open_cell
from .control_runs import METHODS, UPRIGHT_METHODS, seeds_of
from .variants_runs import command, is_finished, lines_of

DRAWS = 5000  # z of which the total correlation is the mean
SCORES = ("beta-VAE", "FactorVAE", "MIG", "DCI disentanglement", "SAP")
FACTORS = """## Factors

Sprites of 32 x 32 pixels: one shape, the heart, of 6 scales, 5 orientations from 0 to 74 degrees, 32 places in x and 16
in the middle half of y: 15,360 images. Of x and y that vary alike any turn of both would serve a VAE as well. All have
1024-200-200-10, 200 epochs, batches of 64. Numbers are means over seeds, in brackets their standard deviation over
seeds; nats are of the test split at the best epoch by validation. The total correlation is that of q(z), the mean of
the posteriors of all 15,360 images: of fewer it would be too large, since I(x; z) cannot come out above the log of
their number. What the models print in training depends on the batch, and is not to be compared. Scores are described
in [disentanglement.py](../minivae/evaluate/disentanglement.py); 1 is best.
"""
RATE = """![Distortion against rate of every run, and total correlation against reconstruction](variants_rate.png)

Left: what is kept (KL, the rate) and what is lost (-log p(x | z), the distortion). Right: the total
correlation at that reconstruction. A method does better than the beta-VAE where its points lie below the line. Effects
are differences to that line, interpolated at the reconstruction of each run, +- the standard error over seeds:
"""
SCORED = """![Scores of every run](variants_scores.png)

"""
FOLLOWS = """![KL and C over the epochs](variants_capacity.png)

The KL of the training batches, the mean of an epoch, beside the mean of C in that epoch; and the KL of the validation
split after each epoch beside C there. The loss pushes the KL to C with full force from either side, so that it swings
about C from step to step, the less the smaller the learning rate is.
"""
ONE_ANGLE = """### Hearts of one angle

No latent of these codes tells more than 0.1 of the 1.6 nats of the angle, with any beta, and the beta-VAE score asks
for every factor. So the same once more with hearts that are all at angle 0: 3,072 images of three factors, 1,000
epochs, which are as many steps.
"""
WALKS = """One latent at a time from -3 to 3, of the runs of seed 0; the others stay at the code of one image.

![Traversals of the beta-VAE with beta 1](variants_walks_beta1.png)
![Traversals of the beta-VAE with beta 4](variants_walks_beta4.png)
![Traversals of beta-TCVAE](variants_walks_tcvae.png)
"""


def factors(folder, out, kept):
    """The section on factors, and {run: what was measured}."""
    names = [name for method in (*METHODS, *UPRIGHT_METHODS) for name in seeds_of(method)]
    found = all_measured(names, folder, kept, ("disentanglement",))
    found = {name: m if "scores" in m else _slim(m, folder, name) for name, m in found.items()}
    by_method = {method: [found[name] for name in seeds_of(method) if name in found]
                 for method in (*METHODS, *UPRIGHT_METHODS)}  # fmt: skip
    by_method = {method: there for method, there in by_method.items() if there}
    upright = {method: by_method.pop(method) for method in UPRIGHT_METHODS if method in by_method}
    text = [FACTORS, table_of(METHODS, by_method, folder), ""]
    if by_method:
        plots.draw_rate(by_method, {m: METHODS[m][0] for m in by_method}, out / "variants_rate.png")
        plots.draw_scores(by_method, {m: METHODS[m][0] for m in by_method}, SCORES, out / "variants_scores.png")
        text += [RATE, *correlations(by_method), "", SCORED, *score_effects(by_method, "beta1", "beta4"), ""]
        held = {name: found[name]["curve"] for name in seeds_of("capacity") if name in found}
        if held:
            plots.draw_capacity(held, out / "variants_capacity.png")
            text += [FOLLOWS, *distances(held), ""]
    text += [ONE_ANGLE, table_of(UPRIGHT_METHODS, upright, folder), "", *score_effects(upright, *UPRIGHT_METHODS), ""]
    for method in ("beta1", "beta4", "tcvae"):
        name, path = seeds_of(method)[0], out / f"variants_walks_{method}.png"
        if is_finished(folder / name):
            command(name, folder, ["traverse", str(folder / name), "--n", "6", "--out", str(path), "--force"])
    if all((out / f"variants_walks_{method}.png").exists() for method in ("beta1", "beta4", "tcvae")):
        text += [WALKS]
    return text, found


def table_of(methods, by_method, folder):
    """A row for each method, open where no seed is measured."""
    head = ("method", "model", "seeds", "log p(x given z)", "KL", "total correlation", *SCORES, "s per epoch", "lines")
    table = [head]
    for method, (what, options, seeds) in methods.items():
        if method not in by_method:
            table.append((what, open_cell(seeds_of(method), folder), *[""] * (len(head) - 2)))
            continue
        there = by_method[method]
        numbers = [np.array([m[part] for m in there]) for part in ("log_px_z", "kl", "total_correlation")]
        scores = [np.array([m["scores"][score] for m in there]) for score in SCORES]
        count = f"{len(there)}" if len(there) == seeds else f"{len(there)} of {seeds}"
        seconds = f"{np.median([m['seconds'] for m in there]):.2f}"
        table.append((what, options["model"], count, *(mean_and_spread(part, "{:.2f}") for part in numbers),
                      *(mean_and_spread(part) for part in scores), seconds,
                      lines_of(MODELS[options["model"]])))  # fmt: skip
    return markdown(*table)


def _slim(m, folder, name):
    """Of what is measured of a run of sprites, what the page needs."""
    run = Run.open(folder / name)
    model, _ = run.load_model()
    scores = m["measures"]["disentanglement"]["scores"]
    slim = {part: m[part] for part in ("options", "parameters", "seconds", "epochs")}
    slim |= {part: m["metrics"][part] for part in ("log_px_z", "kl", "elbo")}
    slim |= {"total_correlation": total_correlation(run, model),
             "scores": {score: scores[score]["score"] for score in SCORES}}  # fmt: skip
    if m["options"]["model"] == "capacity":
        steps = len(batch_starts(run.protocol.n_train, run.settings["batch_size"], False))  # of an epoch
        slim["curve"] = [(line["train"]["kl"], np.mean([model.C(t) for t in range(i * steps, (i + 1) * steps)]),
                          line["validation"]["kl"], model.C((i + 1) * steps))
                         for i, line in enumerate(run.finished())]  # fmt: skip
    return slim


def total_correlation(run, model):
    """KL(q(z) || prod_l q(z_l)) in nats, q(z) the mean of the posteriors of all images of the run's grid."""
    data = run.read_data()
    x = np.concatenate([data.train.x, data.validation.x, data.test().x])
    return float(kl_parts(model, *posteriors(model, x), np.random.default_rng(0), DRAWS)["total_correlation"].mean())


def distances(curves):
    """How far the KL is from C, in % of C, where C is 1 nat or more."""
    lines = []
    for what, first in (("training, means of an epoch", 0), ("validation, after an epoch", 2)):
        off = [100 * abs(part[first] - part[first + 1]) / part[first + 1]
               for curve in curves.values() for part in curve if part[first + 1] >= 1]  # fmt: skip
        if off:
            lines.append(f"- {what}: {np.mean(off):.1f} % from C on average, {max(off):.1f} % at most, over {len(off)} "
                         f"epochs with C >= 1 nat of {len(curves)} seeds.")  # fmt: skip
    return lines


def line_of(by_method):
    """(reconstructions, total correlations) of the beta-VAEs, means over seeds, in the order of reconstruction."""
    means = [[np.mean([m[part] for m in there]) for part in ("log_px_z", "total_correlation")]
             for method, there in by_method.items() if method.startswith("beta")]  # fmt: skip
    return np.array(sorted(means)).T


def correlations(by_method):
    """How far the total correlation of each other method is from that of a beta-VAE of equal reconstruction."""
    if sum(method.startswith("beta") for method in by_method) < 2:
        return []
    x, y = line_of(by_method)
    lines = []
    for method, there in by_method.items():
        if method.startswith("beta"):
            continue
        at = np.array([m["log_px_z"] for m in there])
        if at.min() < x[0] or at.max() > x[-1]:
            lines.append(f"- {METHODS[method][0]}: no beta-VAE here has its reconstruction.")
            continue
        effect = np.array([m["total_correlation"] for m in there]) - np.interp(at, x, y)
        lines.append(f"- {METHODS[method][0]}: {verdict(-effect, 'lower by ')} nats.")
    return lines


def verdict(gain, words=""):
    """Whether gains (seeds,) are above two standard errors, and how large they are."""
    error = error_of(gain)
    appears = "the effect appears" if gain.mean() > 2 * error else "the effect **does not appear**"
    return f"{appears}, {words}{gain.mean():.2f} +- {error:.2f}"


def score_effects(by_method, low, high):
    """Each score of the method `high` less that of `low`, seeds side by side."""
    if not {low, high} <= by_method.keys():
        return []
    lines = []
    for score in SCORES:
        one, four = (np.array([m["scores"][score] for m in by_method[method]]) for method in (low, high))
        n = min(len(one), len(four))
        gain = four[:n] - one[:n]
        where = "above" if gain.mean() > 0 else "**below**"
        lines.append(f"- {score}: beta 4 is {where} beta 1 in the mean, {gain.mean():+.3f} +- {error_of(gain):.3f} "
                     f"over {n} seeds.")  # fmt: skip
    return lines
