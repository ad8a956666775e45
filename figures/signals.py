"""Signals by dense networks, convolutions and a GRU: `python -m figures.signals` writes signals.md.

Heartbeats, of which unusual ones are to be found, and spoken digits. It trains what is not there yet, one run at a
time, and can be cut off at any time, as `figures.variants` does; `--budget 0` trains nothing, and leaves the rows of
unfinished runs open. The signals come from the folder in MINIVAE_DATA.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from minivae.files import dump, write_atomic
from minivae.tables import markdown

from . import signals_plots as plots
from .signals_measures import SAMPLES, SCORES, linear_rows, measured, of_seeds
from .signals_runs import BANDS, NETWORKS, RUNS, STEPS, make_files, networks_of, seeds_of, with_data
from .variants_runs import is_finished, page_main, settings_table, train

HERE = Path(__file__).parent
ABOUT = ("networks", "seeds", "parameters", "epochs", "ms", "seconds")
BOUNDS = ("elbo", "kl", "log_px")
INTRO = """# Signals

Written by `python -m figures.signals`, which trains, measures and draws all of it, and goes on where it was cut off.

One VAE with a Gaussian likelihood, whose one standard deviation is learned, and three kinds of networks. Dense ones see
a row of numbers; convolutions go along its positions; a GRU reads it position after position, and q(z given x) is made
of its last state. Its decoder is a GRU that sees z at every step, and each of its states makes a position. Trainings
take one core about two minutes at most, so the epochs differ: what is compared is what little time gives, and not the
best that each can do. The milliseconds are the least that a step took, on batches of 64; seconds are those of all
steps. Nats are densities. Numbers are means over the seeds, and in brackets their standard deviation.
"""
ECG = """## Unusual heartbeats

ECG5000: beats of 140 samples, each sample scaled to [0, 1] by its range in normal training beats. The model learns from
1,946 normal beats, and 389 choose the best epoch. Scores are of 584 other normal beats and of 2,081 unusual ones; the
AUROC is the chance that an unusual beat has the higher score. Bounds are of those normal beats, log p(x) by {samples}
samples. PCA is that of all 2,335 normal beats; its -log p(x) is that of probabilistic PCA, a VAE whose networks are
linear, and exact. The latents are 8.
"""
DIGITS = """## Spoken digits

The Free Spoken Digit Dataset: ten digits, six speakers, fifty recordings of each. A recording, as loud as the others at
its peak, is {steps} frames of {bands} log-mel bands, 20 milliseconds apart, all minus their mean and over their
standard deviation. 2,700 recordings to learn from, a sixth of which choose the best epoch, and the official 300 to test
on, by the same speakers. Bounds are of these, log p(x) by {samples} samples. The digit and the speaker are read off the
mean of q(z given x) by a logistic regression, in % of the test recordings; with 300 of these, a share of 80 % is known
to +- 2.3. The latents are 16.
"""


# ---- Tables


def spread(values, form="{:.1f}"):
    """Mean, and behind it the standard deviation of two values or more."""
    values = np.array(values)
    return form.format(values.mean()) + (f" ({form.format(values.std(ddof=1))})" if len(values) > 1 else "")


def open_row(name, cells):
    """The row of a network without a run."""
    command = f"`python -m figures.signals --only {' '.join(seeds_of(name))}`"
    return (NETWORKS[name][0], f"open: {command}", *[""] * (cells - 2))


def about(name, there):
    """The first cells of a row, those of ABOUT."""
    what, options = NETWORKS[name]
    epochs, seconds = options["epochs"], min(m["seconds"] for m in there)
    times = f"{1000 * seconds:.1f}", f"{seconds * epochs * there[0]['steps']:.0f}"
    return what, len(there), f"{there[0]['parameters']:,}", epochs, *times


def ecg_table(found, linear):
    """Bounds, and how well each score finds the unusual beats."""
    rows = [(*ABOUT, "ELBO", "KL", "log p(x)", *(f"AUROC of {score}" for score in SCORES.values()))]
    for name in networks_of("ecg"):
        there = of_seeds(name, found)
        if not there:
            rows.append(open_row(name, len(rows[0])))
            continue
        scores = [spread([m["auroc"][score][0] for m in there], "{:.4f}") for score in SCORES]
        bounds = [spread([m[bound][0] for m in there]) for bound in BOUNDS]
        rows.append((*about(name, there), *bounds, *scores))
    for what, m in linear.items():
        of = [f"{m['auroc'][score][0]:.4f}" if score in m["auroc"] else "" for score in SCORES]
        rows.append((what, *[""] * 7, f"{m['log_px'][0]:.1f}", *of))
    return markdown(*rows)


def digits_table(found, linear):
    """Bounds, and what can be read off the codes."""
    rows = [(*ABOUT, "ELBO", "KL", "log p(x)", "active of 16", "digit, %", "speaker, %")]
    for name in networks_of("digits"):
        there = of_seeds(name, found)
        if not there:
            rows.append(open_row(name, len(rows[0])))
            continue
        bounds = [spread([m[bound][0] for m in there]) for bound in BOUNDS]
        shares = [spread([100 * m[label][0] for m in there]) for label in ("digit", "speaker")]
        rows.append((*about(name, there), *bounds, spread([m["active"] for m in there]), *shares))
    for what, m in linear.items():
        bound = f"{m['log_px'][0]:.1f}" if "log_px" in m else ""
        rows.append((what, *[""] * 7, bound, "", *(f"{100 * m[label][0]:.1f}" for label in ("digit", "speaker"))))
    return markdown(*rows)


def verdicts(found):
    """AUROC of each network beside that of PCA with two components, on the same beats."""
    lines = []
    for name in networks_of("ecg"):
        there = of_seeds(name, found)
        parts = []
        for score, what in SCORES.items() if there else ():
            difference, error = np.mean([m["auroc"][score][2:] for m in there], axis=0)
            parts.append(f"{what} {difference:+.4f} +- {error:.4f}")
        lines += [f"- {NETWORKS[name][0]}: {', '.join(parts)}."] * bool(there)
    head = "AUROC minus that of PCA with two components, +- the standard error over the beats, of one seed:"
    return [head, "", *lines, ""] if lines else []


# ---- The page

PICTURES = {
    "signals_ecg.png": "Two normal and two unusual heartbeats, and their reconstructions by every network",
    "signals_curves.png": "ELBO of the validation beats against seconds of training, a line for each network and seed",
    "signals_digits.png": "Spoken digits as log-mel frames, and their reconstructions by every network",
}


def write(out, folder, names, minutes=None):
    """Train, measure, draw and write signals.md and signals.json into `out`; rows without a run stay as they were."""
    folder.mkdir(parents=True, exist_ok=True)
    if minutes != 0:
        make_files(folder)
        train({name: with_data(name, RUNS[name], folder) for name in names}, folder, minutes, processes=1)
    file = out / "signals.json"
    kept = json.loads(file.read_text()) if file.exists() else {"rows": {}}
    found = {name: m for name, m in kept["rows"].items() if name in RUNS and m["options"] == RUNS[name]}
    new = [name for name in RUNS if is_finished(folder / name) and name not in found]
    for name in new:
        print(f"{name}: measured", flush=True)
        found[name] = measured(name, RUNS[name], folder)
        write_atomic(file, dump(kept | {"rows": found}, indent=2))
    if new:
        kept["linear"] = linear_rows(folder)
        plots.draw_beats(folder, out / "signals_ecg.png")
        plots.draw_digits(folder, out / "signals_digits.png")
        plots.draw_curves(found, out / "signals_curves.png")
        write_atomic(file, dump(kept | {"rows": found}, indent=2))
    linear = kept.get("linear", {"ecg": {}, "digits": {}})
    pictures = {name: [f"![{alt}]({name})", ""] * (out / name).exists() for name, alt in PICTURES.items()}
    text = [INTRO, ECG.format(samples=SAMPLES), ecg_table(found, linear["ecg"]), "",
            *verdicts(found), *pictures["signals_ecg.png"], *pictures["signals_curves.png"],
            DIGITS.format(steps=STEPS, bands=BANDS, samples=SAMPLES), digits_table(found, linear["digits"]), "",
            *pictures["signals_digits.png"], "## Settings", "", settings_table(RUNS), ""]  # fmt: skip
    write_atomic(out / "signals.md", "\n".join(text).encode())
    print(out / "signals.md")


def main():
    page_main(write, __doc__, list(RUNS), "signals.md", HERE)


if __name__ == "__main__":
    main()
