"""Every practice of the trade measured on scikit-learn's digits: `python -m figures.practice` writes practice.md.

Each topic trains one small VAE per setting and seed, some minutes in all on two cores. The verdict on what is said of a
practice comes from the numbers.
"""

import argparse
import multiprocessing
import os
import time
from contextlib import closing
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread for each of the processes

import numpy as np

from minivae import plot
from minivae.backend import generator
from minivae.data import load_data
from minivae.laboratory.timing import in_turns, quartiles, seconds_of, training_step
from minivae.layers import BatchNorm, Dense, glorot, he
from minivae.models import VAE
from minivae.runs import build_model, build_optimizer, read_data
from minivae.runs.settings import complete
from minivae.tables import markdown
from minivae.train import fit

SEEDS, EPOCHS, LR = 5, 100, 3e-3
HERE = Path(__file__).parent
INTRO = """# Practices of the trade, measured

Written by `python -m figures.practice`. The data are scikit-learn's digits, 8x8 pixels, 1,250 to train and 250 to
validate, bits drawn anew at every presentation; the model is the default dense VAE, 64-128-8-128-64, Adam with rate
{lr}, batches of 128, {epochs} epochs, where nothing else is said. Numbers are nats per example after the last epoch,
for early stopping after the best: mean ± standard deviation over {seeds} seeds. A latent is active if the variance of
its mean over the data is above 0.01.

Below each table stands what is said of the practice, and whether it holds here: a difference counts when it is above
two of its standard errors or, where a size is named, when the means differ so. The validation images are the same for
all settings. What holds on these small images need not hold on large ones: change a line and measure.
"""
COST = """## Cost against the image side

![Milliseconds per step against the image side, dense and conv](practice_cost.png)

Median milliseconds of a training step on 64 sprites (hidden 256, channels 32 and 64, 10 latents), one thread, dense and
conv in turns.
"""
DEEP = {"hidden": [128] * 3}
FEW = {"validation": 1300, "epochs": 300}  # 200 training digits
SGD = {"optimizer": "sgd", "lr": 0.1}


def unit_normal(rng, shape, fan_in, fan_out):
    """A bad initialization: standard deviation 1 whatever the width."""
    return rng.standard_normal(shape, dtype="float32")


def tiny_normal(rng, shape, fan_in, fan_out):
    """Another: standard deviation 0.01 whatever the width."""
    return 0.01 * rng.standard_normal(shape, dtype="float32")


def redraw(init):
    """A change of the model: every weight matrix drawn again."""

    def change(model, rng):
        for layer in model.named(Dense).values():
            n_in, n_out = layer.W.data.shape
            layer.W.data[...] = init(rng, (n_in, n_out), n_in, n_out)

    return change


def norm_before_latents(model, rng):
    """A change of the model: BatchNorm between the encoder's last layer and (mu, log_var)."""
    model.encoder.layers.insert(-1, BatchNorm(2 * model.L))
    model.bind()


def better(a, b, metric="elbo"):
    """Whether a is above b by more than two standard errors of the difference; what diverged is below everything."""

    def holds(m):
        mean_a, std_a = m[a][metric]
        mean_b, std_b = m[b][metric]
        if m[a]["diverged"] or m[b]["diverged"]:
            return m[b]["diverged"] > m[a]["diverged"]
        return mean_a - mean_b > 2 * ((std_a**2 + std_b**2) / m["seeds"]) ** 0.5

    return holds


def settings_of(name, values):
    return {f"{value:g}": ({name: value}, None) for value in values}


# topic: (title, {label: (settings, change of the model)}, [(what is said, condition)]);
# a condition is a function of {label: {metric: (mean, standard deviation)}}
TOPICS = {
    "latent": (
        "Latent size",
        settings_of("latent", (1, 2, 4, 8, 16, 32)),
        [
            ("Too few latents cost nats: 2 are worse than 8.", better("8", "2")),
            ("Too many cost little: 32 are within half a nat of 8.",
             lambda m: abs(m["32"]["elbo"][0] - m["8"]["elbo"][0]) < 0.5),
            ("What is not needed is switched off: of 32 latents fewer than 16 are active.",
             lambda m: m["32"]["active"][0] < 16),
        ],
    ),
    "beta": (
        "beta, the weight of the KL",
        settings_of("beta", (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)),
        [
            ("Reconstructions are best where beta is smallest.", lambda m: best(m, "log_px_z") == "0.1"),
            ("The ELBO is best where it is what is maximized, at beta = 1.", lambda m: best(m, "elbo") == "1"),
            ("A large beta collapses the posterior: below 0.1 nats of KL at 4.", lambda m: m["4"]["kl"][0] < 0.1),
        ],
    ),
    "beta_schedule": (
        "Schedules of beta and free bits, in a deep net (3 hidden layers)",
        {
            "constant": (DEEP, None),
            "linear": (DEEP | {"beta_schedule": "linear", "beta_epochs": 30}, None),
            "cyclical": (DEEP | {"beta_schedule": "cyclical", "beta_epochs": 25}, None),
            "0.25 free": (DEEP | {"free_bits": 0.25}, None),
            "0.5 free": (DEEP | {"free_bits": 0.5}, None),
        },
        [
            ("Without them latents are lost: fewer than 6 of 8 are active.", lambda m: m["constant"]["active"][0] < 6),
            ("A linear rise of beta keeps them.", lambda m: m["linear"]["active"][0] > 7.5),
            ("So do cycles.", lambda m: m["cyclical"]["active"][0] > 7.5),
            ("So do free bits, a quarter of a nat for each latent.", lambda m: m["0.25 free"]["active"][0] > 7.5),
            ("Latents that are kept gain nats: a linear rise beats a constant beta.", better("linear", "constant")),
        ],
    ),
    "init": (
        "Initial weights of a deep net (3 hidden layers, ReLU)",
        {
            "builder's": (DEEP, None),
            "He": (DEEP, redraw(he)),
            "Xavier": (DEEP, redraw(glorot)),
            "std 0.01": (DEEP, redraw(tiny_normal)),
            "std 1": (DEEP, redraw(unit_normal)),
        },
        [
            ("The builder's weights, He's but Xavier's for outputs, are better than He's all over.",
             better("builder's", "He")),
            ("Weights of standard deviation 1 diverge.", lambda m: m["std 1"]["diverged"] == m["seeds"]),
            ("From 0.01 too little signal gets through: the posterior collapses.",
             lambda m: m["std 0.01"]["kl"][0] < 0.1),
            ("He's weights, made for ReLU, are better than Xavier's.", better("He", "Xavier")),
        ],
    ),
    "norm": (
        "Normalization of a deep net (3 hidden layers), and just before the latents",
        {
            "none": (DEEP, None),
            "batch": (DEEP | {"norm": "batch"}, None),
            "layer": (DEEP | {"norm": "layer"}, None),
            "group": (DEEP | {"norm": "group"}, None),
            "before z": (DEEP, norm_before_latents),
            "batch, before z": (DEEP | {"norm": "batch"}, norm_before_latents),
        },
        [
            ("BatchNorm helps a deep net.", better("batch", "none")),
            ("So does LayerNorm.", better("layer", "none")),
            ("BatchNorm is better than LayerNorm, where it may be used.", better("batch", "layer")),
            ("BatchNorm just before the latents (of mu and log_var) keeps all of them alive.",
             lambda m: m["before z"]["active"][0] > 7.5),
            ("... but in a net that is normalized already it costs nats.", better("batch", "batch, before z")),
        ],
    ),
    "rates": (
        "Unequal rates: the encoder's over the decoder's",
        {f"{f:g}": ({"rates": {"encoder": f}}, None) for f in (0.1, 0.3, 1.0, 3.0, 10.0)},
        [
            ("A slow encoder (0.1) costs nats.", better("1", "0.1")),
            ("So does a very fast one (10).", better("1", "10")),
            ("A faster encoder (3) than decoder gains some.", better("3", "1")),
        ],
    ),
    "small": (
        "Against overfitting: 200 training digits, 300 epochs",
        {
            "nothing": (FEW, None),
            "early stop 20": (FEW | {"early_stop": 20}, None),
            "dropout 0.2": (FEW | {"dropout": 0.2}, None),
            "dropout 0.5": (FEW | {"dropout": 0.5}, None),
            "decay 0.1": (FEW | {"optimizer": "adamw", "weight_decay": 0.1}, None),
            "decay 1": (FEW | {"optimizer": "adamw", "weight_decay": 1.0}, None),
            "shifts by 1": (FEW | {"augment": 1}, None),
        },
        [
            ("Without any of it the training ELBO ends more than 2 nats above that of validation.",
             lambda m: m["nothing"]["train"][0] - m["nothing"]["elbo"][0] > 2),
            ("Weight decay of 1 helps.", better("decay 1", "nothing")),
            ("A little dropout (0.2) helps.", better("dropout 0.2", "nothing")),
            ("Much dropout (0.5) does not.", lambda m: not better("dropout 0.5", "nothing")(m)),
            ("Early stopping gains nats.", better("early stop 20", "nothing")),
            ("Shifted copies help (here one pixel is an eighth of the width, and all digits are centered).",
             better("shifts by 1", "nothing")),
        ],
    ),
    "clip": (
        "Clipping of the gradient, under SGD with momentum at a rate that is too large (0.1), and under Adam",
        {
            "no clip": (SGD, None),
            "clip 10": (SGD | {"clip": 10.0}, None),
            "clip 3": (SGD | {"clip": 3.0}, None),
            "clip 1": (SGD | {"clip": 1.0}, None),
            "Adam": ({}, None),
            "Adam, clip 1": ({"clip": 1.0}, None),
        },
        [
            ("Without a clip SGD diverges at this rate.", lambda m: m["no clip"]["diverged"] == m["seeds"]),
            ("With a clip at 1 it comes within half a nat of Adam.",
             lambda m: abs(m["clip 1"]["elbo"][0] - m["Adam"]["elbo"][0]) < 0.5),
            ("Adam, which divides by the size of the gradient, does not care: within 0.2 nats.",
             lambda m: abs(m["Adam, clip 1"]["elbo"][0] - m["Adam"]["elbo"][0]) < 0.2),
        ],
    ),
    "schedule": (
        "Schedules of the learning rate (from 0.01), and averaging",
        {
            "constant": ({"lr": 1e-2}, None),
            "cosine": ({"lr": 1e-2, "schedule": "cosine"}, None),
            "step": ({"lr": 1e-2, "schedule": "step"}, None),
            "iwae": ({"lr": 1e-2, "schedule": "iwae"}, None),
            "warm-up": ({"lr": 1e-2, "warm_up": 5.0}, None),
            "average": ({"lr": 1e-2, "ema": 0.99}, None),
        },
        [
            ("A cosine down to 0 gains nats.", better("cosine", "constant")),
            ("A moving average of the parameters (0.99) gains nats, at no change of the training.",
             better("average", "constant")),
            ("Warm-up over 5 epochs gains nats.", better("warm-up", "constant")),
            ("A tenth after each third gains nats.", better("step", "constant")),
        ],
    ),
}  # fmt: skip


def best(m, metric):
    return max((label for label in m if label != "seeds"), key=lambda label: m[label][metric][0])


def train(job):
    """Metrics of one training: (topic, label, seed, epochs or None) -> last line of both splits, active latents."""
    topic, label, seed, epochs = job
    given, change = TOPICS[topic][1][label]
    settings = complete({"epochs": EPOCHS, "lr": LR} | given | {"seed": seed} | ({"epochs": epochs} if epochs else {}))
    data = read_data(settings)
    model = build_model(settings, data.protocol)
    if change is not None:
        change(model, generator(seed, "weights", 1))
    optimizer = build_optimizer(settings, model, data.protocol)
    kept = {}

    def on_epoch(line):  # with early stopping the best epoch, as a run folder keeps it, else the last
        if not settings["early_stop"] or line["validation"]["elbo"] > kept.get("elbo", -np.inf):
            with optimizer.averaged():
                mu = model.encode(data.validation.x)[0]
            active = float((mu.var(axis=0) > 0.01).sum())  # Burda et al. 2016, sec. 5.2
            kept.update(line["validation"], train=line["train"]["elbo"], active=active)

    try:
        fit(model, optimizer, data, epochs=settings["epochs"], batch_size=settings["batch_size"], seed=seed,
            early_stop=settings["early_stop"], on_epoch=on_epoch, progress=False)  # fmt: skip
    except FloatingPointError:
        return None
    return kept


METRICS = ("elbo", "log_px_z", "kl", "train", "active")


def summarize(results):
    """{label: {metric: (mean, standard deviation)}} of {label: [metrics of a seed]}, and the number of seeds."""
    m = {"seeds": len(next(iter(results.values())))}
    for label, seeds in results.items():
        kept = [s for s in seeds if s is not None] or [dict.fromkeys(METRICS, float("nan"))]
        values = {name: np.array([s[name] for s in kept]) for name in METRICS}
        m[label] = {name: (float(v.mean()), float(v.std(ddof=1)) if len(v) > 1 else 0.0) for name, v in values.items()}
        m[label]["diverged"] = len(seeds) - sum(s is not None for s in seeds)
    return m


def draw(title, m, path):
    """Validation ELBO, reconstruction and KL of each setting, with bars of one standard deviation."""
    labels = [label for label in m if label != "seeds"]
    at = np.arange(len(labels))
    tilted = max(map(len, labels)) > 6
    panels = (
        ("elbo", "ELBO", plot.BLUE),
        ("log_px_z", "log p(x | z)", plot.ORANGE),
        ("kl", "KL", plot.GREY),
    )
    with plot.figure_to(path, (10, 3.6 if tilted else 3.1)) as figure:
        for ax, (metric, text, color) in zip(figure.subplots(1, 3), panels, strict=True):
            mean, std = np.array([m[label][metric] for label in labels]).T
            ax.errorbar(at, mean, std, fmt="o", color=color, capsize=4)
            for i in np.flatnonzero(np.isnan(mean)):
                ax.annotate(
                    "diverged", (i, 0.5), xycoords=("data", "axes fraction"), rotation=90, ha="center", va="center"
                )
            ax.set_xticks(at, labels, rotation=35 * tilted, ha="right" if tilted else "center")
            ax.set(ylabel=f"validation {text} (nats)", xlim=(-0.5, len(labels) - 0.5))
        figure.suptitle(title, fontsize=11)


def cost(sides=(8, 16, 32, 64), steps=8):
    """Milliseconds per step of 64 sprites against their side, dense and conv in turns: {arch: [medians]}."""
    result = {"dense": [], "conv": []}
    for side in sides:
        data = load_data("sprites", sprites={"side": side, "orientation": [0, 7], "x": [4, 16, 28], "y": [4, 16]})
        works = {}
        for arch in result:
            sizes = {"hidden": (256,), "channels": (32, 64), "latent": 10}
            model = VAE.build(data.shape, generator(0, "weights"), arch=arch, **sizes)
            works[arch] = partial(seconds_of, training_step(model, data.train.x[:64]))
        for arch, (_, *others) in in_turns(works, steps + 1).items():  # the first touches new memory
            result[arch].append(1000 * quartiles(others).median)
    return sides, result


def draw_cost(sides, result, path):
    with plot.figure_to(path, (5.2, 3.4)) as figure:
        ax = figure.subplots()
        for (arch, ms), color in zip(result.items(), (plot.BLUE, plot.ORANGE), strict=True):
            ax.loglog(sides, ms, "-o", color=color, label=arch)
        ax.set(title="cost of a step against the image side", xlabel="side (pixels)", ylabel="ms per step of 64 images")
        ax.set_xticks(sides, sides)
        ax.minorticks_off()
        ax.legend()


def section(topic, m):
    """Markdown of one topic: picture, table, sentences."""
    title, _, sentences = TOPICS[topic]
    lines = [f"## {title}", "", f"![{title}: validation ELBO, reconstruction, KL](practice_{topic}.png)", ""]
    rows = [("setting", "validation ELBO", "log p(x given z)", "KL", "training ELBO", "active latents")]
    for label, values in m.items():
        if label != "seeds":
            cells = [f"{mean:.2f} ± {std:.2f}" for mean, std in (values[name] for name in METRICS[:4])]
            if values["diverged"] == m["seeds"]:
                rows.append((label, "all diverged", "", "", "", ""))
                continue
            note = f" ({values['diverged']} of {m['seeds']} diverged)" * (values["diverged"] > 0)
            rows.append((label + note, *cells, f"{values['active'][0]:.1f}"))
    lines += [markdown(*rows), ""]
    lines += [f"- {text} {'Holds here.' if holds(m) else '**Does not hold here.**'}" for text, holds in sentences]
    return [*lines, ""]


def write(out, seeds=SEEDS, epochs=None, processes=2):
    """Train everything and write practice.md and its pictures into `out`; `epochs` replaces those of every topic."""
    began = time.perf_counter()
    jobs = [(t, label, seed, epochs) for t, topic in TOPICS.items() for label in topic[1] for seed in range(seeds)]
    pool = multiprocessing.get_context("spawn").Pool(processes)
    results = {}
    with closing(pool):
        for i, (job, metrics) in enumerate(zip(jobs, pool.imap(train, jobs), strict=True)):
            results.setdefault(job[0], {}).setdefault(job[1], []).append(metrics)
            if (i + 1) % 20 == 0:
                print(f"{i + 1} of {len(jobs)} trainings, {time.perf_counter() - began:.0f} s", flush=True)
    pool.join()
    text = [INTRO.format(lr=LR, epochs=epochs or EPOCHS, seeds=seeds)]
    for topic in TOPICS:
        m = summarize(results[topic])
        draw(TOPICS[topic][0], m, out / f"practice_{topic}.png")
        text += section(topic, m)
    sides, result = cost()
    draw_cost(sides, result, out / "practice_cost.png")
    rows = [(arch, *(f"{ms:.1f}" for ms in values)) for arch, values in result.items()]
    text += [COST, markdown(("", *(f"{s}x{s}" for s in sides)), *rows)]
    (out / "practice.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"{out / 'practice.md'}: {len(jobs)} trainings in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE, help="folder for practice.md and its pictures")
    write(parser.parse_args().out)
