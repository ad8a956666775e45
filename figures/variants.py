"""Variants of the VAE beside it, at equal architecture and epochs: `python -m figures.variants` writes variants.md.

It trains what is not there yet, two runs at once with one thread each, and evaluates it; both can be cut off at any
time, and the next call goes on. `--budget 0` trains nothing, and leaves the rows of unfinished runs open. All in all
some days on two cores, the first part of RUNS some hours; the sets come from the folder in MINIVAE_DATA.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from minivae.files import dump, write_atomic
from minivae.laboratory.units import bits_per_dimension
from minivae.likelihoods import LIKELIHOODS
from minivae.models import MODELS
from minivae.options import whole
from minivae.reproduce.burda import RESAMPLED
from minivae.runs import Run
from minivae.tables import markdown

from . import codes, control
from . import variants_plots as plots
from .codes_runs import RUNS as CODES
from .control_runs import RUNS as CONTROL
from .variants_runs import (
    is_finished,
    latents_of,
    lines_of,
    measure,
    minutes_of,
    page_parser,
    sample,
    settings_table,
    state_of,
    train,
)

HERE = Path(__file__).parent
BURDA = RESAMPLED | {"epochs": 492, "schedule": "iwae-scaled"}
STATIC = {"data": "static-mnist", "hidden": [300, 300], "latent": 40, "activation": "relu", "batch_size": 200,
          "epochs": 300, "lr": 1e-3, "schedule": "cosine"}  # fmt: skip
GREY_SAMPLES = 100  # of the evidence of grey pixels, whose likelihoods take longer
GREY = {"binarize": "none", "hidden": [400], "latent": 20, "batch_size": 200, "epochs": 15}
VAMP, PLANAR = {"model": "vamp", "components": 500}, {"model": "flow", "flows": 20}
IAF = {"model": "iaf", "flows": 4, "flow_width": 320, "context": 100}
LEVELS = STATIC | {"upper": [20, 10], "between": [100]}
NORMED = LEVELS | {"norm": "batch", "epochs": 150}
WARM = {"beta_schedule": "linear", "beta_epochs": 15}
LIKELIHOOD = {  # of grey pixels: name, options
    "gaussian": {"likelihood": "gaussian", "dequantize": True},
    "beta-binomial": {"likelihood": "beta-binomial"},
    "logistic-mixture": {"likelihood": "logistic-mixture"},
}

RUNS = {  # name: options; they are trained in this order
    "k1": BURDA | {"model": "vae"},
    "k5": BURDA | {"model": "iwae", "samples": 5},
    "static-vae": STATIC | {"model": "vae"},
    "static-vamp": STATIC | VAMP,
    "static-planar20": STATIC | PLANAR,
    "static-iaf": STATIC | IAF,
    "static-ladder-bn": NORMED | WARM | {"model": "ladder"},
    "static-hvae-bn": NORMED | {"model": "hvae"},
    "static-hvae-bn-warm": NORMED | WARM | {"model": "hvae"},
    **{f"grey-{data}-{name}": GREY | {"data": data} | options
       for data in ("mnist", "fashion") for name, options in LIKELIHOOD.items()},
    # what needs more time
    "static-ladder": LEVELS | WARM | {"model": "ladder", "epochs": 200, "beta_epochs": 30},
    "static-hvae": LEVELS | {"model": "hvae", "epochs": 200},
    "k50": BURDA | {"model": "iwae", "samples": 50},
    "static-planar80": STATIC | PLANAR | {"flows": 80},
    "static-mixture": STATIC | {"model": "mixture", "components": 500},
    "static-realnvp": STATIC | {"model": "realnvp", "flows": 4, "flow_width": 128},
    "static-radial20": STATIC | PLANAR | {"flow": "radial"},
    **{f"static-{name}-seed1": STATIC | options | {"seed": 1}
       for name, options in (("vae", {"model": "vae"}), ("vamp", VAMP), ("planar20", PLANAR), ("iaf", IAF))},
}  # fmt: skip
EVERY = RUNS | CONTROL | CODES


@dataclass(frozen=True)
class Row:
    """A row of a comparison: its run, the run that it is compared with, and the published NLL of this variant."""

    run: str
    what: str
    base: str | None = None
    nll: float | None = None


def _seeds():
    yield Row("static-vae-seed1", "N(0, I), seed 1")
    for name, what in (("vamp", "VampPrior"), ("planar20", "20 planar flows"), ("iaf", "4 steps of IAF")):
        yield Row(f"static-{name}-seed1", f"{what}, seed 1", "static-vae-seed1")


COMPARISONS = {  # title: (text, rows)
    "More samples in the bound": (
        "Resampled MNIST. Published: Burda et al. 2016, table 1, 3,280 epochs of the same schedule, IS-5000. Expected: "
        "the evidence rises with k.",
        [Row("k1", "VAE", None, 86.76), Row("k5", "IWAE, k = 5", "k1", 85.54), Row("k50", "IWAE, k = 50", "k1", 84.78)],
    ),
    "Priors": (
        "Static MNIST, one posterior, several priors. Published: Tomczak & Welling 2018, table 1, gated layers of 300 "
        "and 300 units, 40 latents, early stopping, IS-5000; 88.56 is from memory. Expected: a learned prior gains.",
        [
            Row("static-vae", "N(0, I)", None, 88.56),
            Row("static-vamp", "VampPrior, 500 pseudo-inputs", "static-vae", 85.57),
            Row("static-mixture", "mixture of 500 Gaussians", "static-vae"),
            Row("static-realnvp", "RealNVP, 4 couplings", "static-vae"),
        ],
    ),
    "Planar and radial flows": (
        "Static MNIST, N(0, I), and a posterior that goes through flows. Published: Rezende & Mohamed 2015, figure 4 "
        "and table 2, 40 latents, maxout layers of 400 units, 500,000 steps, an estimate with 200 samples; "
        "86.5 is from memory. Expected: "
        "more flows gain nats.",
        [
            Row("static-vae", "0 flows", None, 89.9),
            Row("static-planar20", "20 planar flows", "static-vae", 86.5),
            Row("static-planar80", "80 planar flows", "static-vae", 85.1),
            Row("static-radial20", "20 radial flows", "static-vae"),
        ],
    ),
    "Inverse autoregressive flow": (
        "Static MNIST, N(0, I). Published: altosaar/variational-autoencoder, static MNIST, 784-256-256-128, IS-128. "
        "Expected: it gains nats, and more than planar flows of the same time.",
        [
            Row("static-vae", "Gaussian posterior", None, 97.10),
            Row("static-iaf", "4 steps, MADE of 320 units", "static-vae", 95.33),
        ],
    ),
    "Autoregressive beside planar flows": (
        "The same two runs, one beside the other.",
        [Row("static-planar20", "20 planar flows"), Row("static-iaf", "4 steps of IAF", "static-planar20")],
    ),
    "Levels of latents, with batch normalization": (
        "Static MNIST, z1 of 40 latents, z2 of 20, z3 of 10. Published: Soenderby et al. 2016, five levels of 64 to 4 "
        "latents, resampled MNIST, batch normalization, warm-up of beta, IS-5000: 81.74 for the ladder. Expected: the "
        "ladder uses the levels above the first, which a posterior from the data upward leaves idle. It does: 20 "
        "units of z2 are active, not 6, and 2 of z3, not 0; the table of the levels below says more. But warm (beta "
        "rises from 0 to 1 over the first 15 epochs, as it does for the ladder) the posterior from the data upward "
        "has 18 and 5, and is better than the ladder: here the warm-up counts for more. Over 45 epochs the warm-up "
        "gives the ladder -88.39 +- 0.23 nats, 20 and 3 active units.",
        [
            Row("static-hvae-bn", "from the data upward"),
            Row("static-hvae-bn-warm", "the same, warm", "static-hvae-bn"),
            Row("static-ladder-bn", "ladder, warm", "static-hvae-bn"),
        ],
    ),
    "Levels of latents, without normalization": (
        "The same without normalization, which the paper found necessary.",
        [Row("static-hvae", "from the data upward"), Row("static-ladder", "ladder, warm", "static-hvae")],
    ),
    "The same with another seed": ("Static MNIST: is an effect larger than what a seed does?", list(_seeds())),
}
TRIED = {  # run: [sentences] on what was tried where its effect does not appear
    "static-ladder": ["With batch normalization, above, it does: there the posterior from the data upward leaves z3",
                      "idle."],
}  # fmt: skip
INTRO = """# Variants, beside the VAE that they vary

Written by `python -m figures.variants`, which trains, evaluates and draws all of it, and goes on where it was cut off.

Each comparison has one architecture, one schedule and the same number of epochs for all of its rows. log p(x) is the
bound of K samples by importance sampling, over all 10,000 test images, in nats per image, +- one standard error over
the images. The effect is the difference to the row that the comparison begins with, paired over the images: so its
standard error is far smaller than that of either. It says nothing of another seed; the last comparison does. Beside it
stands the published NLL, and in brackets how much better it is than the published one of the first row. An effect is
said to appear where it is above two of its standard errors. Seconds are of the median epoch on one thread of a shared
machine; lines are those of the file that the variant is written in. A row whose run is not finished is open, and names
the command that fills it. Steps beside PyTorch's: [bench/NOTES.md](../bench/NOTES.md).
"""
EVIDENCE = """## All of them

![ELBO and log p(x) of every variant, with standard errors, and the paired effect above](variants_evidence.png)

The ELBO and the evidence of each finished run; above each the paired effect. What lies between the two points of a
run is what its posterior misses, as far as K samples show it.
"""
KL = """## What the prior costs

E KL(q(z | x) || p(z)) = I(x; z) + KL(q(z) || p(z)), q(z) the mean of the posteriors of the 10,000 test images. A prior
that is learned should lower the second part. I(x; z) cannot come out above log 10,000 = 9.21, so where it is near that,
the second part is an upper bound, and the difference between two rows is that of their average KL.
"""
PSEUDO = """![Pseudo-inputs of the VampPrior, their reconstructions, samples of it and of N(0, I)](variants_pseudo.png)

Pseudo-inputs, which began as noise and to the eye are noise still; their reconstructions, in which the encoder reads
digits of them; decoded draws from both priors. Where they begin dark and alike, at sigmoid(-3), they show strokes, and
learn more slowly: after 12 epochs of 784-200-20 with 100 of them the validation ELBO is -104.6 nats, not -103.6.
"""
GREYS = """## Grey pixels under several likelihoods

MNIST and Fashion-MNIST with 256 grey levels. Bits per dimension are -log2 p(x) / 784; of a density, which sees each
level spread by uniform noise, with 8 bits added for the width 1/256 of a level: then it is a bound on the bits of the
levels themselves (Theis et al. 2016).
"""
ENERGY = """## Planar flows in two dimensions

![Four energies, and what 2, 8 and 32 planar flows make of N(0, I)](variants_energies.png)

Four densities exp(-U) / Z of Rezende & Mohamed 2015, table 1 and figure 3: planar flows are fitted to U alone, by their
free energy, 2,000 steps of Adam. KL(q || p) in nats, by a sum over a grid:
"""
SNR = """## Signal and noise of the encoder's gradient

![Signal-to-noise ratio of two gradients of the encoder against the number of samples](variants_snr.png)

Rainforth et al. 2018: more samples in the bound leave the encoder less signal, like 1 / sqrt(K); the doubly
reparameterized gradient (Tucker et al. 2019) gains like sqrt(K). Near the optimum of a linear model both laws hold.
On digits, where a few of the K samples dominate the weights, both fall, slower than 1 / sqrt(K); the second stays about
three times above the first.
"""
LEVELED = {
    "static-hvae-bn": "upward, batch norm",
    "static-hvae-bn-warm": "upward, batch norm, warm",
    "static-ladder-bn": "ladder, batch norm, warm",
    "static-hvae": "upward",
    "static-ladder": "ladder, warm",
}
LADDER = "static-ladder-bn"  # whose samples are drawn
LEVEL = """## What each level carries

![Samples of the ladder: in a row the same upper levels](variants_levels.png)

KL in nats and active units of each level, over the 10,000 test images; a unit is active where the variance over the
images of its mean E_q[z | x] is above 0.01. The picture: in each row the same z2 and z3, and new draws of z1.
"""
PRIORS = {"static-vae": "N(0, I)", "static-vamp": "VampPrior"}
HEAD = ("variant", "model", "architecture", "epochs", "parameters", "s per epoch", "ELBO", "log p(x)", "effect",
        "published", "lines")  # fmt: skip

# ---- The page


def compare(rows, folder, K, kept):
    """{run: what its row shows} of the finished runs, by the largest K that all of them have; else what was kept."""
    there = {row.run: measure(row.run, RUNS[row.run], folder, K) for row in rows if is_finished(folder / row.run)}
    common = set.intersection(*(set(m["results"]) for m in there.values())) if there else {K}
    if not common:
        common = {K}
        there = {run: measure(run, RUNS[run], folder, K, exactly=True) for run in there}
    K = max(common)
    found = {}
    for row in rows:
        if row.run in there:
            m = there[row.run]
            result = m["results"][K]
            effect = result.minus(there[row.base]["results"][K]) if row.base in there else None
            found[row.run] = {name: value for name, value in m.items() if name != "results"} | {
                "K": K, "log_px": result.mean, "error": result.standard_error, "effect": effect,
                "options": RUNS[row.run], "line": result.line()}  # fmt: skip
        elif row.run in kept and kept[row.run]["options"] == RUNS[row.run]:
            found[row.run] = kept[row.run]
    return found


def table_of(rows, found, folder):
    """The table of a comparison, and below it whether each effect appears."""
    nll = {row.run: row.nll for row in rows}
    table, verdicts = [HEAD], []
    for row in rows:
        published, gain = "" if row.nll is None else f"{row.nll:.2f}", ""
        if row.nll and nll.get(row.base):
            gain = f"{nll[row.base] - row.nll:+.2f}"
            published += f" ({gain})"
        if row.run not in found:
            table.append((row.what, *open_row(row.run, folder, len(HEAD) - 3), published, ""))
            continue
        m, effect = found[row.run], ""
        if m["effect"] is not None:
            effect = "{:+.2f} +- {:.2f}".format(*m["effect"])
            appears = "appears" if m["effect"][0] > 2 * m["effect"][1] else "**does not appear**"
            beside = f", published {gain}" if gain else ""
            verdicts.append(" ".join([f"- {row.what}: the effect {appears}, {effect} nats{beside}.",
                                      *TRIED.get(row.run, ())]))  # fmt: skip
        table.append((row.what, *cells(m), f"{m['elbo']:.2f} +- {m['elbo_error']:.2f}",
                      f"{m['log_px']:.2f} +- {m['error']:.2f} (K = {m['K']:,})", effect, published,
                      lines_of(MODELS[m["model"]])))  # fmt: skip
    return [markdown(*table), "", *verdicts, *[""] * bool(verdicts)]


def cells(m):
    """What all tables show of a run."""
    return m["model"], m["architecture"], f"{m['epochs']:,}", f"{m['parameters']:,}", f"{m['seconds']:.1f}"


def open_row(name, folder, columns):
    """The cells of a run that is not finished."""
    state = state_of(folder / name)
    done = "open" if state is None else f"open, {state[0]} of {state[1]} epochs"
    return [done, f"`python -m figures.variants --only {name}`", *[""] * (columns - 2)]


def grey_table(found, folder):
    """Bits per dimension of each set under each likelihood."""
    head = ("data", "likelihood", "model", "architecture", "epochs", "parameters", "s per epoch", "log p(x)",
            "bits per dimension", "lines")  # fmt: skip
    table = [head]
    for name in (name for name in RUNS if name.startswith("grey-")):
        what = RUNS[name]["data"], RUNS[name]["likelihood"]
        if name not in found:
            table.append((*what, *open_row(name, folder, len(head) - 2)))
            continue
        m = found[name]
        bits, error = bits_per_dimension(-m["log_px"], m["D"], m["levels"]), bits_per_dimension(m["error"], m["D"], 1)
        table.append((*what, *cells(m), f"{m['log_px']:.1f} +- {m['error']:.1f} (K = {m['K']:,})",
                      f"{bits:.3f} +- {error:.3f}", lines_of(LIKELIHOODS[what[1]])))  # fmt: skip
    return markdown(*table)


def kl_table(found, folder):
    """What the KL to each prior is spent on."""
    head = ("prior", "average KL", "I(x; z)", "marginal KL(q(z) to p(z))", "active units")
    table = [head]
    for name, what in PRIORS.items():
        if name in found:
            parts = [found[name][part] for part in ("kl", "mutual_information", "marginal_kl")]
            shown = (f"{part['value']:.2f} +- {part['standard_error']:.2f}" for part in parts)
            table.append((what, *shown, found[name]["active_units"]))
        else:
            table.append((what, *open_row(name, folder, len(head) - 1)))
    return markdown(*table)


def level_table(found, folder):
    """KL and active units of each level."""
    table = [("posterior", "z1", "z2", "z3")]
    for name, what in LEVELED.items():
        if name in found:
            kl, active = found[name]["kl_per_level"], found[name]["active_units_per_level"]
            table.append((what, *(f"{part['value']:.2f} +- {part['standard_error']:.2f} nats, {n} active"
                                  for part, n in zip(kl, active, strict=True))))  # fmt: skip
        else:
            table.append((what, *open_row(name, folder, 3)))
    return markdown(*table)


def write(out, folder, names, K=500, minutes=None):
    """Train, evaluate, draw and write variants.md and variants.json into `out`.

    Rows whose run is not in `folder` stay as variants.json has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train({name: EVERY[name] for name in names}, folder, minutes)
    file = out / "variants.json"
    kept = json.loads(file.read_text()) if file.exists() else {"rows": {}, "kl": {}}
    found = {title: compare(rows, folder, K, kept["rows"].get(title, {})) for title, (_, rows) in COMPARISONS.items()}
    text = [INTRO]
    for title, (intro, rows) in COMPARISONS.items():
        text += [f"## {title}", "", fill(intro, 120), "", *table_of(rows, found[title], folder)]
    plots.draw_evidence(COMPARISONS, found, out / "variants_evidence.png")
    kl = kept["kl"] | latents_of(folder, [*PRIORS, *LEVELED])
    text += [EVIDENCE, KL, kl_table(kl, folder), ""]
    if all(is_finished(folder / name) for name in PRIORS):
        runs = [Run.open(folder / name) for name in PRIORS]
        models = [run.load_model()[0] for run in runs]
        plots.draw_pseudo(*models, runs[0].protocol.shape, out / "variants_pseudo.png")
    if (out / "variants_pseudo.png").exists():
        text += [PSEUDO]
    text += [LEVEL, level_table(kl, folder), ""]
    if is_finished(folder / LADDER):
        sample(LADDER, folder, out / "variants_levels.png")
    grey = kept["rows"].get("grey", {})
    found["grey"] = {}
    for name in (name for name in RUNS if name.startswith("grey-")):
        found["grey"] |= compare([Row(name, name)], folder, min(K, GREY_SAMPLES), grey)
    text += [GREYS, grey_table(found["grey"], folder), ""]
    drawn = {name: draw(out / f"variants_{name}.png", kept.get(name)) for name, draw in plots.WITHOUT_RUNS.items()}
    text += [ENERGY, plots.energy_table(drawn["energies"]), "", SNR]
    parts = {}
    for name, part in (("control", control), ("codes", codes)):
        lines, parts[name] = part.sections(folder, out, kept.get(name, {}))
        text += lines
    text += ["## Settings", "", settings_table(EVERY), ""]
    write_atomic(file, dump({"rows": found, "kl": kl} | parts | drawn, indent=2))
    write_atomic(out / "variants.md", "\n".join(text).encode())
    print(out / "variants.md")


def main():
    parser = page_parser(__doc__, list(EVERY), "variants.md", HERE)
    parser.add_argument("--samples", default=500, metavar="K", help="of the evidence (default: 500)")
    given = parser.parse_args()
    try:
        minutes = minutes_of(given.budget)
        write(given.out, given.runs, given.only or [*EVERY], whole(1)("samples", given.samples), minutes)
    except ValueError as error:
        parser.error(error)


if __name__ == "__main__":
    main()
