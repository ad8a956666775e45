"""What each latent means: the section of figures.control on factors."""

import numpy as np

from minivae.models import MODELS
from minivae.runs import Run
from minivae.tables import markdown

from . import control_plots as plots
from .control_measures import mean_and_spread, measured, open_cell
from .control_runs import METHODS, seeds_of
from .variants_runs import command, is_finished, lines_of

SCORES = ("beta-VAE", "FactorVAE", "MIG", "DCI disentanglement", "SAP")
FACTORS = """## Factors

Sprites of 32 x 32 pixels: one shape, the heart, of 6 scales, 5 orientations from 0 to 74 degrees, 32 places in x and 16
in the middle half of y: 15,360 images. Of x and y that vary alike any turn of both would serve a VAE as well. All have
1024-200-200-10, 200 epochs, batches of 64. Numbers are means over seeds, in brackets their standard deviation over
seeds; nats and scores are of the best epoch by validation, of the test split. The total correlation is that of q(z)
over the test images, estimated in the same way for all; what the models print in training depends on the batch, and is
not to be compared. Scores are described in `minivae/evaluate/disentanglement.py`; 1 is best.
"""
RATE = """![Distortion against rate of every run, and total correlation against reconstruction](variants_rate.png)

Left: what is kept (KL, the rate) and what is lost (-log p(x | z), the distortion). Right: the
total correlation at that reconstruction. A method does better than the beta-VAE where its points lie below the line.
Effects are differences to that line, interpolated at the reconstruction of each run, +- the standard error over seeds:
"""
SCORED = """![Scores of every run](variants_scores.png)

"""
FOLLOWS = """![KL and C over the epochs](variants_capacity.png)

The KL of the validation split after each epoch, and C there.
"""
WALKS = """One latent at a time from -3 to 3, of the runs of seed 0; the others stay at the code of one image.

![Traversals of the beta-VAE with beta 1](variants_walks_beta1.png)
![Traversals of the beta-VAE with beta 4](variants_walks_beta4.png)
![Traversals of beta-TCVAE](variants_walks_tcvae.png)
"""


def factors(folder, out, kept):
    """The section on factors, and {run: what was measured}."""
    found = {}
    for name in (name for method in METHODS for name in seeds_of(method)):
        m = measured(name, folder, kept, ("disentanglement", "latents"))
        if m is not None:
            found[name] = _slim(m, folder, name) if "scores" not in m else m
    head = ("method", "model", "seeds", "log p(x | z)", "KL", "total correlation", *SCORES, "s per epoch", "lines")
    table = [head]
    for method, (what, options, seeds) in METHODS.items():
        names = seeds_of(method)
        there = [found[name] for name in names if name in found]
        if not there:
            table.append((what, open_cell(names, folder), *[""] * (len(head) - 2)))
            continue
        numbers = [np.array([m[part] for m in there]) for part in ("log_px_z", "kl", "total_correlation")]
        scores = [np.array([m["scores"][score] for m in there]) for score in SCORES]
        count = f"{len(there)}" if len(there) == seeds else f"{len(there)} of {seeds}"
        table.append((what, options["model"], count, *(mean_and_spread(part, "{:.2f}") for part in numbers),
                      *(mean_and_spread(part) for part in scores),
                      f"{np.median([m['seconds'] for m in there]):.2f}", lines_of(MODELS[options["model"]])),
                     )  # fmt: skip
    text = [FACTORS, markdown(*table), ""]
    if found:
        by_method = {m: [found[name] for name in seeds_of(m) if name in found] for m in METHODS}
        by_method = {m: there for m, there in by_method.items() if there}
        plots.draw_rate(by_method, {m: METHODS[m][0] for m in by_method}, out / "variants_rate.png")
        plots.draw_scores(by_method, {m: METHODS[m][0] for m in by_method}, SCORES, out / "variants_scores.png")
        text += [RATE, *correlations(by_method), "", SCORED, *score_effects(by_method), ""]
        held = {name: found[name]["curve"] for name in seeds_of("capacity") if name in found}
        if held:
            plots.draw_capacity(held, out / "variants_capacity.png")
            off = [abs(kl - C) / C for curve in held.values() for kl, C in curve if C >= 1]
            text += [FOLLOWS, f"From C = 1 nat on it is {100 * max(off, default=0):.1f} % from C at most, over all "
                     f"epochs and {len(held)} seeds.", ""]  # fmt: skip
    for method in ("beta1", "beta4", "tcvae"):
        name, path = seeds_of(method)[0], out / f"variants_walks_{method}.png"
        if is_finished(folder / name):
            command(name, folder, ["traverse", str(folder / name), "--n", "6", "--out", str(path), "--force"])
    if all((out / f"variants_walks_{method}.png").exists() for method in ("beta1", "beta4", "tcvae")):
        text += [WALKS]
    return text, found


def _slim(m, folder, name):
    """Of what is measured of a run of sprites, what the page needs."""
    latents, scores = m["measures"]["latents"], m["measures"]["disentanglement"]["scores"]
    slim = {part: m[part] for part in ("options", "parameters", "seconds", "epochs")}
    slim |= {part: m["metrics"][part] for part in ("log_px_z", "kl", "elbo")}
    slim |= {"total_correlation": latents["total_correlation"]["value"],
             "scores": {score: scores[score]["score"] for score in SCORES}}  # fmt: skip
    if m["options"]["model"] == "capacity":
        run = Run.open(folder / name)
        model, _ = run.load_model()
        lines = run.finished()
        steps = -(-run.protocol.n_train // run.settings["batch_size"])
        slim["curve"] = [(line["validation"]["kl"], model.C(steps * line["epoch"])) for line in lines]
    return slim


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
    error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else np.nan
    appears = "the effect appears" if gain.mean() > 2 * error else "the effect **does not appear**"
    return f"{appears}, {words}{gain.mean():.2f} +- {error:.2f}"


def score_effects(by_method):
    """Each score of beta 4 less that of beta 1, seeds side by side."""
    if not {"beta1", "beta4"} <= by_method.keys():
        return []
    lines = []
    for score in SCORES:
        one, four = (np.array([m["scores"][score] for m in by_method[method]]) for method in ("beta1", "beta4"))
        n = min(len(one), len(four))
        gain = four[:n] - one[:n]
        error = gain.std(ddof=1) / n**0.5 if n > 1 else np.nan
        where = "above" if gain.mean() > 0 else "**below**"
        lines.append(
            f"- {score}: beta 4 is {where} beta 1 in the mean, {gain.mean():+.3f} +- {error:.3f} over {n} seeds."
        )
    return lines
