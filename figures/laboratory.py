"""The gradient laboratory's numbers and pictures: `python -m figures.laboratory` writes laboratory.md, some minutes."""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the networks are small

import numpy as np

from minivae.backend import generator
from minivae.data import load_data
from minivae.evaluate import ledger_line, log_evidence
from minivae.gradcheck import ORACLES, problems_of
from minivae.laboratory.detectors import DETECTORS, SUBJECTS, TITLES, matrix, price
from minivae.laboratory.estimators import study
from minivae.laboratory.pencil import pencil
from minivae.laboratory.rounding import curves_of, error_curve
from minivae.models import VAE
from minivae.models.catalog import EXAMPLES
from minivae.models.examples import small
from minivae.optim import Adam
from minivae.plot import (
    draw_bound_and_gap,
    draw_error_curves,
    draw_estimators,
    draw_ledger,
    draw_linear_training,
    draw_matrix,
    draw_pencil,
)
from minivae.tables import markdown
from minivae.train import fit
from minivae.truth import linear_gaussian, quadrature

HERE = Path(__file__).parent
STEPS = 3000  # of the digits' VAE with two latents
PAGE = """# The gradient laboratory, measured

Written by `python -m figures.laboratory`.

## Whole models

Float64, one small instance of each; relative errors as each oracle defines them. The limits are 1e-7, 1e-7 and 1e-12.

{errors}

## Rounding

![Relative error of two numeric derivatives against the step size, in float32 and float64](lab_rounding.png)

A numeric derivative truncates where h is large and rounds where h is small. Stars are the minima predicted from the
noise of f and from its third and fifth derivatives. A wrong gradient shows as a floor that no h lowers, unless it hides
below what rounding allows, as 0.05 % does in float32.

{rounding}

## The bug zoo

![Which detector sees which mistake, and what a training with it logs and has](lab_zoo.png)

Mistakes of published VAEs, planted one at a time (`minivae zoo`). The gradient of a wrong function is right, so most
pass every gradient check, and all but one have a loss curve like any other. The nats are of a training on digits: what
it logs as its loss, and what the right code says of the model that comes out; a training of a VAE of bits does not run
what 6 to 9, 13, 14, 19 and 21 are about, so these cost it nothing.

{zoo}

## Pencil and paper

![A VAE as a graph, with values in its nodes and gradients on its edges](lab_pencil.png)

Every value, and every derivative as formula = number = finite difference (`minivae pencil`).

{paper}

## Exact answers

![The ELBO and log p(x) of a linear VAE reach the closed-form optimum](lab_linear_gaussian.png)

![How far the bound of K samples is below log p(x), and a posterior beside q](lab_quadrature.png)

A linear-Gaussian VAE is probabilistic PCA; with one or two latents log p(x) is an integral that can be computed.

{exact}

## The gradient ledger

![Reconstruction against KL in the gradients of 20 latents over the epochs](lab_ledger.png)

Each gradient split into its reconstruction and its KL part: `ledger = true` in the configuration, then `minivae
ledger RUN`. Part of a gradient's reconstruction part is noise of eps; the upper left panel compares what of it pulls
against the KL. In the first epochs, when most of the KL is lost, the KL wins clearly; a slow collapse is a lean of a
few percent for many epochs, and what has collapsed balances again at small norms.

{ledger}

## Estimators

![Bias and variance of five gradient estimators, per encoder layer](lab_estimators.png)

The gradient of the ELBO of 16 digits, two latents, 2,000 draws of eps. The exact gradient is a quadrature over eps;
variances are of one draw, over the squared norm of the exact gradient.

{estimators}
"""


def errors(folder):
    """The worst error of whole models, by each oracle."""
    rows = [("model", "parameters", "directions", "every coordinate", "complex step")]
    worst = dict.fromkeys(ORACLES, 0.0)
    for label, make in EXAMPLES.items():
        model, x, y = make(np.random.default_rng(0))
        problems = problems_of(model, x, generator(0, "gradcheck"), y=y)[0]
        cells = []
        for name, oracle in ORACLES.items():
            checked = [oracle(problem, generator(0, "gradcheck", 1)) for problem in problems.values()]
            assert all(checks.ok for checks in checked), checked
            error = max(check.error for checks in checked for check in checks.values())
            kinks = sum(check.kinks for checks in checked for check in checks.values())
            worst[name] = max(worst[name], error)
            cells.append(f"{error:.1e}" + (f" ({kinks} at a kink)" if kinks else ""))
        rows.append((label, model.theta.size, *cells))
    text = ", ".join(f"{name} {error:.1e}" for name, error in worst.items())
    return f"{markdown(*rows)}\n\nWorst of all: {text}."


def rounding(folder):
    """The U-curve, in both dtypes, and that of a gradient wrong by 0.05 %."""
    name = "encoder.layers.0.W"
    wrong = {}
    model, x, _ = small("vae", np.random.default_rng(0), activation="tanh")
    curves = curves_of(model, x, name)
    for dtype in curves:
        problem = problems_of(model, x, generator(0, "gradcheck"), dtype=dtype)[0]["loss"]
        bent = problem._replace(grads={name: 1.0005 * problem.grads[name]})
        wrong[dtype] = error_curve(bent, name, generator(0, "gradcheck", 1))
    draw_error_curves(curves, folder / "lab_rounding.png", wrong)
    lines = [f"- {dtype}, the right gradient: {curve.verdict}." for dtype, curve in curves.items()]
    return "\n".join(lines + [f"- {dtype}, 1.0005 times it: {curve.verdict}." for dtype, curve in wrong.items()])


def zoo(folder):
    """What catches which mistake, and its price."""
    verdicts = matrix()
    prices = {name: price(mutant) for name, mutant in SUBJECTS.items()}
    draw_matrix(verdicts, prices, folder / "lab_zoo.png", TITLES, DETECTORS)
    rows = [("mistake", "seen in", "caught by", "first sign")]
    for name, mutant in SUBJECTS.items():
        letters = [letter for letter in DETECTORS if verdicts[name][letter]]
        assert mutant is None or "".join(letters) == mutant.caught_by
        sign = verdicts[name][letters[0]][0] if letters else ""
        title, seen = (f"{mutant.title} ({mutant.pitfall})", mutant.seen_in) if mutant else (name, "")
        rows.append((title, seen, ", ".join(DETECTORS[k] for k in letters) or "nothing", sign))
    return markdown(*rows)


def paper(folder):
    """A VAE that can be redone by hand."""
    worked = pencil()
    draw_pencil(worked, folder / "lab_pencil.png")
    return f"```text\n{worked}\n```"


def two_latents(steps=STEPS):
    """A tanh VAE with two latents on digits as bits, (model, x), yielded at its start and after training."""
    rng = np.random.default_rng(0)
    x = (load_data("digits").train.x > 0.5).astype(float)
    model = VAE.build((8, 8, 1), rng, hidden=(32,), latent=2, activation="tanh").bind("float64")
    optimizer = Adam(model, lr=0.003)
    yield model, x
    for t in range(steps):
        rows = x[rng.integers(0, len(x), 128)]
        model.loss_and_grads(rows, model.draw_noise(rng, 128), t=t)
        optimizer.step()
    yield model, x


def estimators(folder):
    """Bias and variance of five estimators of one gradient."""
    studies = {}
    for label, (model, x) in zip(("at initialization", f"after {STEPS:,} steps"), two_latents(), strict=True):
        studies[label] = study(model, x[:16], 2000, np.random.default_rng(0))
    draw_estimators(studies, folder / "lab_estimators.png")
    return "\n".join(f"{label}:\n\n```text\n{table}\n```\n" for label, table in studies.items())


def exact(folder):
    """Models whose evidence is known."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2)) @ rng.standard_normal((2, 6)) * 1.5 + 0.4 * rng.standard_normal((400, 6))
    model = VAE.build((6,), rng, hidden=(), latent=2, likelihood="gaussian", std=1.0).bind("float64")
    best = linear_gaussian.optimum(x, 2)
    history = linear_gaussian.train(model, x, 2000, rng)
    draw_linear_training(history, best.log_px, folder / "lab_linear_gaussian.png")
    closed = linear_gaussian.log_evidence(model, x[:20])
    off = np.abs(quadrature.log_evidence_by_quadrature(model, x[:20]) - closed).max()
    lines = [
        f"- Linear VAE, 6 dimensions, 2 latents, 400 examples: the largest possible mean log p(x) is {best.log_px:.5f} "
        f"nats; training ends at {history['log_px'][-1]:.5f} with an ELBO of {history['elbo'][-1]:.5f} and a principal "
        f"angle of {history['angle'][-1]:.2g} degrees.",
        f"- Its log p(x) by quadrature is the closed form's within {off:.1e} nats.",
    ]
    data = load_data("digits")
    model = VAE.build(data.shape, np.random.default_rng(0), hidden=(64, 32), latent=2, activation="tanh")
    model.bind("float64")
    fit(model, Adam(model, lr=0.01), data, epochs=40, progress=False)
    rows = data.validation.x[:10].astype("float64")
    log_px = quadrature.log_evidence_by_quadrature(model, rows)
    elbo, gap = quadrature.elbo_by_quadrature(model, rows)
    sampled = log_evidence(model, rows, 20_000, np.random.default_rng(0))
    lines += [
        f"- VAE of digits with two latents, ten images: log p(x) {log_px.mean():.4f}, ELBO {elbo.mean():.4f}, KL(q || "
        f"p(z | x)) {gap.mean():.4f} nats; ELBO and KL add up to log p(x) within {abs(elbo + gap - log_px).max():.1e}.",
        f"- `log_evidence` with 20,000 samples: mean {sampled.mean():.4f}, at most {abs(sampled - log_px).max():.4f} "
        "nats away on one image.",
    ]
    result = quadrature.bound_and_gap(model, rows[1:2], np.random.default_rng(0))
    draw_bound_and_gap(result, folder / "lab_quadrature.png")
    return "\n".join(lines)


def ledger(folder):
    """A training in which latents collapse."""
    data = load_data("digits")
    model = VAE.build(data.shape, np.random.default_rng(0), hidden=(128,), latent=20, beta=2.0)
    history = fit(model, Adam(model, lr=3e-3), data, epochs=100, ledger=ledger_line, progress=False)
    draw_ledger(history, folder / "lab_ledger.png")
    kl = np.array(history[-1]["ledger"]["kl"])
    largest = ", ".join(f"{v:.2f}" for v in np.sort(kl)[::-1][:3])
    collapsed = int((kl < 0.01).sum())
    return f"20 latents, beta = 2, after 100 epochs: {collapsed} with a KL below 0.01 nats; the largest {largest}."


TOPICS = {f.__name__: f for f in (errors, rounding, zoo, paper, exact, ledger, estimators)}


def write(folder, topics=TOPICS):
    """laboratory.md and its pictures, into a folder."""
    texts = {}
    for name, measure in topics.items():
        print(name, flush=True)
        texts[name] = measure(folder)
    (folder / "laboratory.md").write_text(PAGE.format(**texts))
    print(folder / "laboratory.md")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    write(HERE)
