"""`--measure disentanglement`: does each latent go with one of the factors that sprites are drawn from? Six scores."""

from functools import partial

import numpy as np

from ...backend import take
from ...data import batches
from ...data.sources import sprite_grid
from ...data.sprites import GRID
from ...evaluate import (
    beta_vae_score,
    codes,
    dci,
    factor_vae_score,
    modularity,
    mutual_information,
    mutual_information_gap,
    posteriors,
    separated_attribute_predictability,
)
from ...evaluate.disentanglement import entropy
from ...evaluate.latents import mean_kl
from ...plot import COLLAPSED, draw_disentanglement
from .base import Findings, family

IMAGES = 50_000  # of the grid that are encoded, at most
ROWS = 10_000  # of them in a score, at most
REPEATS = 5
SAYS = {  # with 1 / F and 1 / K, chance for F factors of K values
    "beta-VAE": "share of votes that tell which factor is shared; {F:.2f} by chance",
    "FactorVAE": "share of votes that tell which factor is fixed; {F:.2f} by chance",
    "MIG": "information of the best latent of a factor less that of the second",
    "DCI disentanglement": "a latent goes with one factor",
    "DCI completeness": "a factor goes with one latent",
    "DCI informativeness": "accuracy of forests that predict the factors; {K:.2f} by chance",
    "SAP": "the best latent of a factor predicts it better than the second",
    "modularity": "a latent tells of one factor; above 0 for noise, too",
}


@family
def disentanglement(case):
    """Scores of the run's grid of sprites, which is drawn again, so of images of all splits.

    Orientations 0 and 39 are one angle and count as one. A square looks the same every 90 degrees and an ellipse every
    180: no code tells all of the orientation. Of a conditional model the shape is given, and not scored.
    """
    model, settings = case.model, case.run.settings
    if settings["data"] != "sprites":
        raise ValueError(f"measure: disentanglement needs data with known factors, sprites, the run has "
                         f"{settings['data']}")  # fmt: skip
    if model.latent == "codes":
        raise ValueError(f"measure: disentanglement needs latents that are numbers, those of {settings['model']} are "
                         "codes")  # fmt: skip
    if case.run.protocol.quadrants is not None:
        raise ValueError("measure: disentanglement needs whole sprites, those of the run are cut")
    images, factors = sprite_grid(settings["sprites"])
    factors[:, 2] %= len(GRID["orientation"]) - 1
    scored = {name: k for k, name in enumerate(GRID) if np.ptp(factors[:, k])}
    if model.conditional:
        scored.pop("shape", None)
    if len(scored) < 2:
        raise ValueError(f"measure: disentanglement needs two factors that vary, the run's sprites have "
                         f"{', '.join(scored) or 'none'}")  # fmt: skip
    rows = case.rng(20).permutation(len(images))[:IMAGES]
    z, alive = _encoded(case, images[rows], factors[rows, 0])
    if not len(alive):
        raise ValueError(f"measure: disentanglement needs a latent that carries something, all {model.L} have a KL "
                         f"below {COLLAPSED} nats")  # fmt: skip
    z, v = z[:, alive], factors[rows][:, list(scored.values())]
    scores = _scores(z, v, list(scored), case)
    information = mutual_information(z, v)
    numbers = {
        "images": len(z),
        "images_in_a_score": min(ROWS, len(z)),
        "repeats": REPEATS,
        "latents": alive.tolist(),
        "scores": {name: {"score": mean, "standard_error": error} for name, (mean, error) in scores.items()},
        "mutual_information": dict(zip(scored, information.T.tolist(), strict=True)),
    }
    lines = [
        f"{len(z):,} of the {len(images):,} images of the run's grid, those of all splits",
        f"{len(alive)} of {model.L} latents" + f" have a KL of {COLLAPSED} nats or more" * model.has_kl,
        *_lines(scores, dict(zip(scored, (len(np.unique(factor)) for factor in v.T), strict=True))),
        f"+-: standard error over {REPEATS} draws of {min(ROWS, len(z)):,} images and of votes; not over trainings",
    ]
    share = information / [entropy(factor) for factor in v.T]
    draw = partial(draw_disentanglement, share, [f"z[{i}]" for i in alive], list(scored), scores)
    return Findings(numbers, lines, {"disentanglement": draw})


def _lines(scores, values):
    """What is scored, {factor: how many values}, and {score: (mean, standard error)}, for people."""
    lines = ["factors: " + ", ".join(f"{name} ({n} values)" for name, n in values.items())]
    if "orientation" in values:
        lines.append(
            "orientation: a square looks alike every 90 degrees, an ellipse every 180: no code tells all of it"
        )
    chance = {"F": 1 / len(values), "K": sum(1 / n for n in values.values()) / len(values)}
    for name, (mean, error) in scores.items():
        lines.append(f"{name} {mean:.3f} +- {error:.3f} ({SAYS[name].format(**chance)})")
    return lines


def _encoded(case, images, shapes):
    """(codes (N, L), which latents carry something) of sprites and their shapes, which a conditional model is given."""
    model, protocol = case.model, case.run.protocol
    encode = posteriors if model.has_kl else lambda *args: (codes(*args),)
    y = protocol.prepare_labels(shapes, "shapes", len(images)) if model.conditional else None
    parts = []
    for rows in batches(len(images), 4096):
        x = protocol.prepare(images[rows], "sprites", case.run.settings["likelihood"])
        parts.append(encode(model, x, take(y, rows)))
    z, *log_var = (np.concatenate(part) for part in zip(*parts, strict=True))
    alive = mean_kl(model, z, *log_var, y) >= COLLAPSED if log_var else np.ones(z.shape[1], bool)
    return z, np.flatnonzero(alive)


def _scores(z, v, names, case):
    """{score: (mean, standard error)} over draws of rows, each score with a generator of its own."""
    categorical = [i for i, name in enumerate(names) if name == "shape"]
    scores = {
        ("beta-VAE",): beta_vae_score,
        ("FactorVAE",): factor_vae_score,
        ("MIG",): lambda z, v, rng: mutual_information_gap(z, v),
        ("DCI disentanglement", "DCI completeness", "DCI informativeness"): dci,
        ("SAP",): lambda z, v, rng: separated_attribute_predictability(z, v, categorical),
        ("modularity",): lambda z, v, rng: modularity(z, v),
    }
    found = {}
    for number, (titles, score) in enumerate(scores.items(), 21):
        rng = case.rng(number)
        drawn = [rng.permutation(len(z))[:ROWS] for _ in range(REPEATS)]
        values = np.array([np.atleast_1d(score(z[rows], v[rows], rng)) for rows in drawn])  # (repeats, 1 or 3)
        errors = values.std(axis=0, ddof=1) / REPEATS**0.5
        found |= dict(zip(titles, zip(values.mean(axis=0).tolist(), errors.tolist(), strict=True), strict=True))
    return found
