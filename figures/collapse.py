"""Why a VAE of lines does without z, and what helps: `python -m figures.collapse` writes collapse.md.

One set of lines, one pair of networks and one number of epochs: a language model, a VAE, and the VAE with each cure,
three seeds each. It trains what is not there yet and can be cut off at any time, as `figures.variants` does; `--budget
0` trains nothing, and leaves the rows of unfinished runs open. The lines come from the folder in MINIVAE_DATA.
"""

import json
import math
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from minivae.backend import generator
from minivae.evaluate import ACTIVE, activity, kl_parts, log_evidence, posteriors, sampled_evidence
from minivae.files import dump, write_atomic
from minivae.plot import CLASSES, GREY, figure_to
from minivae.tables import markdown

from .collapse_runs import CURES, RUNS, SEEDS, VAE
from .variants_runs import is_finished, page_main, run_of, settings_table, train

HERE = Path(__file__).parent
K = 100  # samples of z for log p(x) of a line
SHOWN = 5  # lines that are reconstructed
COPIED = 2000  # lines of the test split that are written again from their mean
INTRO = """# Collapse, and its cures

Written by `python -m figures.collapse`, which trains, measures and draws all of it, and goes on where it was cut off.

Names by characters, {n_train:,} training lines, and the same for all rows: a GRU of 128 units reads a line, one of 128
units writes it, z has {latent} numbers, batches of {batch_size}, {epochs} epochs, Adam from {lr:g} down along a cosine.
A decoder that sees the tokens before each place can do without z. Then KL(q(z|x) || p(z)) goes to 0, and the VAE is a
language model (Bowman et al. 2016).

Log p(x) of the VAEs is a bound by {K} samples of z for each of the {n_test:,} test lines, that of the language model is
exact. Of each run the epoch of the best ELBO on validation lines is measured; where beta rises in cycles, that is the
end of one. Perplexity is exp(-log p(x) / tokens), the end mark among the tokens; it is the mean over {seeds} seeds,
+- their standard deviation, and so are the others. "Beside the language model" is the difference of log p(x), paired
over the lines and the seeds, +- its standard error over the lines. Active units are latents whose posterior mean varies
by more than {active} over the lines. A line comes back if the likeliest line of its posterior mean is that line again.
"""
HEAD = ("cure", "perplexity", "log p(x) beside the language model, nats", "ELBO, nats", "KL, nats", "I(x; z), nats",
        "active units", "lines that come back", "seconds of training")  # fmt: skip


def measured(folder, name):
    """What the page shows of a finished run, and log p(x) of each line of the test split."""
    run = run_of(name, RUNS[name], folder)
    model, _ = run.load_model()
    data = run.read_data()
    x = data.test().x
    tokens = (x > 0).sum(axis=1) + 1  # the end mark among them
    found = {"parameters": model.theta.size, "tokens": float(tokens.mean()), "rows": len(x),
             "n_train": data.protocol.n_train, "seconds": sum(line["seconds"] for line in run.finished())}  # fmt: skip
    if model.latent is None:
        log_px = log_evidence(model, x, 1, generator(0, "evaluate"))
        return found | {"elbo": float(log_px.mean())}, log_px
    evidence = sampled_evidence(model, x, K, generator(0, "evaluate", 1), progress=True)
    mu, log_var = posteriors(model, x)
    parts = kl_parts(model, mu, log_var, generator(0, "evaluate", 2))
    again = model.decode(mu[:COPIED])
    found |= {
        "elbo": float(evidence.elbo.mean()),
        "kl": float(evidence.kl.mean()),
        "mutual_information": float(parts["mutual_information"].mean()),
        "active": int((activity(mu)[0] > ACTIVE).sum()),
        "back": float((again == x[:COPIED]).all(axis=1).mean()),
        "lines": [data.protocol.original(part[:SHOWN]) for part in (x, again)],
        "samples": data.protocol.original(model.sample(12, generator(0, "sample"), draw=generator(0, "sample", 1))),
        "kl_of_epochs": [line["validation"]["kl"] for line in run.finished()],
    }
    return found, evidence.log_px


def differences(log_px):
    """{cure: (mean, standard error)} of log p(x) less that of the language model of the same seed, over the lines."""
    result = {}
    for cure in CURES:
        pairs = [log_px[f"{cure}-{s}"] - log_px[f"lm-{s}"] for s in SEEDS
                 if f"{cure}-{s}" in log_px and f"lm-{s}" in log_px]  # fmt: skip
        if pairs and cure != "lm":
            mean = np.mean(pairs, axis=0)
            result[cure] = float(mean.mean()), float(mean.std(ddof=1) / math.sqrt(len(mean)))
    return result


def table(found, beside):
    """The table of the cures, of those of which a seed is finished."""
    rows = [HEAD]
    for cure, (what, _) in CURES.items():
        own = [found[f"{cure}-{s}"] for s in SEEDS if f"{cure}-{s}" in found]
        if not own:
            rows.append((what, f"open: `python -m figures.collapse --only {cure}-0`", *[""] * (len(HEAD) - 2)))
            continue
        what += f" ({len(own)} of {len(SEEDS)} seeds)" * (len(own) < len(SEEDS))
        perplexity = [math.exp(-of["log_px"] / of["tokens"]) for of in own]
        cells = [spread(perplexity, 3), ""]
        if cure in beside:
            cells[1] = "{:+.3f} +- {:.3f}".format(*beside[cure])
        for name, digits in (("elbo", 2), ("kl", 2), ("mutual_information", 2), ("active", 1)):
            cells.append(spread([of[name] for of in own], digits) if name in own[0] else "")
        cells.append(f"{100 * np.mean([of['back'] for of in own]):.1f} %" if "back" in own[0] else "")
        rows.append((what, *cells, f"{np.mean([of['seconds'] for of in own]):.0f}"))
    return markdown(*rows)


def spread(values, digits):
    """Mean +- standard deviation of the seeds."""
    error = f" +- {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{error}"


def examples(found):
    """Lines and what comes back of them, of the first seed of each cure."""
    names = {cure: f"{cure}-{SEEDS[0]}" for cure in CURES}
    own = {cure: found[name]["lines"] for cure, name in names.items() if "lines" in found.get(name, {})}
    if not own:
        return []
    lines = next(iter(own.values()))[0]
    samples = [(CURES[cure][0], ", ".join(found[names[cure]]["samples"])) for cure in own]
    return ["## Lines from their codes", "",
            markdown(("cure", *lines), *((CURES[cure][0], *again) for cure, (_, again) in own.items())), "",
            "## Samples", "", markdown(("cure", "z from the prior, tokens drawn"), *samples), ""]  # fmt: skip


def draw_curves(found, path):
    """KL on the validation split after each epoch, of each cure, mean of the seeds."""
    with figure_to(path, (8.2, 4.4)) as figure:
        ax = figure.subplots()
        cures = [cure for cure in CURES if cure != "lm"]
        for i, cure in enumerate(cures):
            curves = [found[f"{cure}-{s}"]["kl_of_epochs"] for s in SEEDS if f"{cure}-{s}" in found]
            if curves:
                mean = np.mean(curves, axis=0)
                ax.plot(range(1, len(mean) + 1), mean, color=CLASSES[i % len(CLASSES)], label=CURES[cure][0])
        ax.axhline(0, color=GREY, lw=0.8)
        ax.set(xlabel="epoch", ylabel="KL(q(z | x) || p(z)), nats", title="what z says of a name, validation lines")
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)


def draw_trade(found, beside, path):
    """What z says against what it costs or gains: I(x; z) and log p(x) beside the language model, a point for each."""
    with figure_to(path, (8.2, 4.4)) as figure:
        ax = figure.subplots()
        for i, cure in enumerate(cure for cure in CURES if cure != "lm"):
            own = [found[f"{cure}-{s}"] for s in SEEDS if f"{cure}-{s}" in found]
            if cure in beside:
                information = np.mean([of["mutual_information"] for of in own])
                ax.errorbar(information, beside[cure][0], 2 * beside[cure][1], fmt="o", ms=6, capsize=3,
                            color=CLASSES[i % len(CLASSES)], label=CURES[cure][0])  # fmt: skip
        ax.axhline(0, color=GREY, lw=0.8)
        ax.set(xlabel="I(x; z), nats", ylabel="log p(x) less the language model's, nats",
               title="what z says, and what it costs (+- 2 standard errors)")  # fmt: skip
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)


PICTURES = {
    "collapse_kl.png": "KL on validation lines after each epoch, a curve for each cure",
    "collapse_trade.png": "What z says of a line against what log p(x) gains or loses, a point for each cure",
}
READ = """What the numbers say. Without a cure z says next to nothing, and the VAE is the language model with 0.07
nats of loss. No VAE is better than the language model here: what z says must be paid in KL, and a GRU that has seen
the letters before knows most of it. What makes z speak is the loss. Free bits are the cheapest: 3.8 nats of
information for 0.22 nats of log p(x), though the ELBO, which charges for all of them, does not show it. A beta that
rises says a little more of a name, for more than twice that price; one that rises in cycles says less than free bits,
for more. Three cures together bring back the most names.

Three cures do not cure. A decoder of a quarter of the units is a worse language model and needs z no more than the
large one: it is weak in the wrong place. Hiding half of the tokens costs 0.7 nats and moves z by a third of a nat
where nothing else changes. Steps of the encoder alone fail in this budget: for eight epochs the decoder has a tenth
of its steps, and is behind in the end. He et al. (2019) give such steps for as long as I(x; z) rises, and do not
count them as epochs; whether z would speak then is open here. It is one set of short lines, and one size of networks:
long lines may be otherwise.
"""


def write(out, folder, names, minutes=None):
    """Train, measure, draw and write collapse.md and collapse.json into `out`; rows without a run stay as kept."""
    folder.mkdir(parents=True, exist_ok=True)
    train({name: RUNS[name] for name in names}, folder, minutes)
    file = out / "collapse.json"
    kept = json.loads(file.read_text()) if file.exists() else {"rows": {}, "beside": {}}
    found = {name: m for name, m in kept["rows"].items() if name in RUNS and m["options"] == RUNS[name]}
    log_px = {}
    for name in RUNS:
        scores = folder / f"{name}-scores.npy"
        if is_finished(folder / name) and not (name in found and scores.exists()):
            row, values = measured(folder, name)
            found[name] = row | {"log_px": float(values.mean()), "options": RUNS[name]}
            np.save(scores, values)
            write_atomic(file, dump(kept | {"rows": found}, indent=2))
            print(f"{name}: measured", flush=True)
        if scores.exists():
            log_px[name] = np.load(scores)
    if not found:
        raise ValueError("budget: no run is finished yet, expected time to train one")
    beside = kept["beside"] | differences(log_px)
    some = next(iter(found.values()))
    numbers = {name: VAE[name] for name in ("latent", "batch_size", "epochs", "lr")}
    text = [INTRO.format(n_train=some["n_train"], n_test=some["rows"], K=K, seeds=len(SEEDS), active=ACTIVE, **numbers),
            table(found, beside), "", READ]  # fmt: skip
    draw_curves(found, out / "collapse_kl.png")
    draw_trade(found, beside, out / "collapse_trade.png")
    for picture, alt in PICTURES.items():
        text += [f"![{alt}]({picture})", ""]
    settings = settings_table({cure: options for cure, (_, options) in CURES.items()})
    write_atomic(file, dump(kept | {"rows": found, "beside": beside}, indent=2))
    write_atomic(out / "collapse.md", "\n".join([*text, *examples(found), "## Settings", "", settings, ""]).encode())
    print(out / "collapse.md")


def main():
    page_main(write, __doc__, list(RUNS), "collapse.md", HERE)


if __name__ == "__main__":
    main()
