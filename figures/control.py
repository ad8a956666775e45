"""Control, the second half of variants.md: what each latent means, what is generated, and what few labels can do."""

import numpy as np

from minivae.models import MODELS
from minivae.reports import read_result
from minivae.runs import Run
from minivae.runs.settings import complete, read_options
from minivae.tables import markdown

from . import control_plots as plots
from .control_runs import CONDITIONAL, LABEL_DRAWS, METHODS, PUBLISHED, RUNS, seeds_of
from .variants_runs import command, evaluate, is_finished, lines_of, report_of, state_of

SCORES = ("beta-VAE", "FactorVAE", "MIG", "DCI disentanglement", "SAP")


# ---- What is measured


def measured(name, folder, kept, measures=(), K=None):
    """{name: value} of a finished run, evaluated where that is not kept; else what was kept of it, or None.

    Raises ValueError for a run of other options.
    """
    if not is_finished(folder / name):
        return kept[name] if name in kept and kept[name]["options"] == RUNS[name] else None
    run = Run.open(folder / name)
    wanted = complete(read_options(RUNS[name]))
    others = [option for option in RUNS[name] if run.settings[option] != wanted[option]]
    if others:
        raise ValueError(f"{run.path}: expected {others[0]} = {wanted[others[0]]}, got {run.settings[others[0]]}")
    model, meta = run.load_model()
    report = report_of(run, meta)
    missing = [measure for measure in measures if measure not in report["measures"]]
    if missing or "loss" not in report or (K is not None and str(K) not in report["evidence"]):
        more = [*(("--measure", *missing) if missing else ()), *(("--samples", K) if K is not None else ())]
        evaluate(name, folder, *more)
        report = report_of(run, meta)
    return {
        "options": RUNS[name],
        "parameters": model.theta.size,
        "seconds": float(np.median([line["seconds"] for line in run.finished()])),
        "epochs": run.settings["epochs"],
        "metrics": {metric: report[metric] for metric in model.metrics},
        "measures": {measure: report["measures"][measure] for measure in measures},
    }


def over_seeds(names, found, value):
    """The values of the runs of `names` that are measured, an array (seeds,)."""
    return np.array([value(found[name]) for name in names if name in found])


def mean_and_spread(values, form="{:.3f}"):
    """The mean and, of two values or more, their standard deviation."""
    if not len(values):
        return ""
    spread = f" ({form.format(values.std(ddof=1))})" if len(values) > 1 else ""
    return form.format(values.mean()) + spread


def open_cell(names, folder):
    """Where a row's runs stand, and the command that goes on."""
    done = sum(is_finished(folder / name) for name in names)
    part = [state for name in names if (state := state_of(folder / name)) is not None and state[0] < state[1]]
    under_way = f", {part[0][0]} of {part[0][1]} epochs of the next" if part else ""
    return f"open, {done} of {len(names)} runs{under_way}: `python -m figures.variants --only {' '.join(names)}`"


# ---- Factors

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
                      f"{np.median([m['seconds'] for m in there]):.2f}", lines_of(MODELS[options["model"]])))  # fmt: skip
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
            worst = [max(abs(kl - C) / C for kl, C in curve if C >= 1) for curve in held.values()]
            text += [FOLLOWS, f"From C = 1 nat on it is {100 * max(worst):.1f} % from C at most, over all epochs and "
                     f"{len(worst)} seeds.", ""]  # fmt: skip
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
        steps = run.settings["epochs"] and -(-run.protocol.n_train // run.settings["batch_size"])
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


# ---- Conditions

COMPLETED = """## The rest of a digit

Static MNIST: of each digit 1, 2 or 3 quadrants are given, the rest is to be predicted (Sohn et al. 2015). The plain net
gives every pixel a probability of its own; the CVAE has latents for what hangs together, and a prior p(z | y) that is
learned. log p(x | y) in nats, of all 10,000 test images, +- one standard error; of the net exact, of the CVAE a bound of
100 samples. The effect is paired over the images. Published: Sohn et al. 2015, table 1 and 2, from memory, 100 samples;
their net and their CVAE are larger. Both here have hidden layers of 500 and 500 units and 16 epochs; the net's dropout
was chosen by validation.
"""
QUADRANT_SAMPLES = 100


def conditions(folder, out, kept):
    """The section on structured prediction, and {run: what was measured}."""
    found, results = {}, {}
    for name in (f"quadrants{q}-{kind}" for q in PUBLISHED for kind in CONDITIONAL):
        m = measured(name, folder, kept, K=QUADRANT_SAMPLES)
        if m is None:
            continue
        found[name] = m
        if is_finished(folder / name):
            results[name] = read_result(Run.open(folder / name), "test", QUADRANT_SAMPLES)
            m |= {"log_px": results[name].mean, "error": results[name].standard_error, "effect": None}
    for q in PUBLISHED:
        net, cvae = f"quadrants{q}-net", f"quadrants{q}-cvae"
        if net in results and cvae in results:
            found[cvae]["effect"] = results[cvae].minus(results[net])
    head = (
        "quadrants",
        "variant",
        "parameters",
        "epochs",
        "s per epoch",
        "log p(x | y)",
        "effect",
        "published",
        "lines",
    )
    table, verdicts = [head], []
    for q, published in PUBLISHED.items():
        for (kind, (what, options)), nll in zip(CONDITIONAL.items(), published, strict=True):
            name = f"quadrants{q}-{kind}"
            gain = f"{published[0] - nll:+.2f}"
            says = f"{nll:.2f}" + f" ({gain})" * (kind == "cvae")
            if name not in found:
                table.append((q, what, open_cell([name], folder), *[""] * (len(head) - 5), says, ""))
                continue
            m = found[name]
            effect = "" if m["effect"] is None else "{:+.2f} +- {:.2f}".format(*m["effect"])
            table.append((q, what, f"{m['parameters']:,}", m["epochs"], f"{m['seconds']:.1f}",
                          f"{m['log_px']:.2f} +- {m['error']:.2f}", effect, says,
                          lines_of(MODELS[options["model"]])))  # fmt: skip
            if effect:
                verdicts.append(f"- {q} of 4 quadrants: the CVAE is ahead by {effect} nats, published {gain}.")
    text = [COMPLETED, markdown(*table), "", *verdicts, *[""] * bool(verdicts)]
    pairs = [[folder / f"quadrants{q}-{kind}" for kind in CONDITIONAL] for q in PUBLISHED]
    if all(is_finished(path) for pair in pairs for path in pair):
        plots.draw_completions([[Run.open(path) for path in pair] for pair in pairs], out / "variants_completions.png")
    if (out / "variants_completions.png").exists():
        text += ["![Digits of which 1, 2 or 3 quadrants are given, completed](variants_completions.png)", ""]
    return text, found


# ---- Few labels

LABELED = """## A hundred labels

MNIST, 50,000 training digits of which 100, ten of each class, keep their labels; five draws of them, which are also five
seeds. Errors in % of all 10,000 test digits. M1 learns codes from all digits, and a support vector machine learns from
those of the hundred; M2 learns from both at once, classes summed out (Kingma et al. 2014). Published: table 1 there,
11.82 % for M1 with a transductive machine; 11.97 % for M2, from memory.
"""


def few_labels(folder, out, kept):
    """The section on semi-supervised learning, and {run: what was measured}."""
    found = {}
    seeds = {what: [f"{name}-seed{seed}" for seed in range(LABEL_DRAWS)] for name, what in
             (("m2-labels", "the net q(y \\| x) of M2, on the labels alone"), ("m2", "M2"))}  # fmt: skip
    rows = {}
    m1 = measured("m1", folder, kept, ("labels",))
    if m1 is not None:
        found["m1"] = m1
        of = m1["measures"]["labels"]
        rows = {"support vector machine on pixels": of["rows"]["errors"], "M1": of["codes"]["errors"]}
    table = [("way", "error of each draw", "mean", "standard deviation", "published")]
    for what, names in seeds.items():
        for name in names:
            m = measured(name, folder, kept, ("labels",))
            if m is not None:
                found[name] = m
        rows[what] = [found[name]["measures"]["labels"]["error"] for name in names if name in found]
    published = {"M1": "11.82", "M2": "11.97"}
    for what, errors in rows.items():
        if not len(errors):
            table.append((what, open_cell(seeds[what], folder), "", "", published.get(what, "")))
            continue
        numbers = np.array(errors)
        spread = f"{numbers.std(ddof=1):.2f}" if len(numbers) > 1 else ""
        table.append((what, ", ".join(f"{error:.2f}" for error in errors), f"{numbers.mean():.2f}", spread,
                      published.get(what, "")))  # fmt: skip
    if m1 is None:
        table.append(("M1", open_cell(["m1"], folder), "", "", published["M1"]))
    if rows:
        plots.draw_errors({what: errors for what, errors in rows.items() if len(errors)}, out / "variants_labels.png")
    return [LABELED, markdown(*table), "", "![Errors of each draw](variants_labels.png)", ""], found
