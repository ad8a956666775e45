"""`--measure recovery`: are the latents the known sources of which the data are a mixture?"""

from functools import partial

import numpy as np

from ...data.rows import find_rows
from ...data.sources import known_sources
from ...evaluate import codes, mean_correlation_coefficient
from ...evaluate.recovery import METHODS, turned_score
from ...plot import draw_recovery
from .base import Findings, family


@family
def recovery(case):
    """Mean correlation of sources and latents, each source with one latent, and what chance gives."""
    settings = case.run.settings
    if settings["data"] != "sources":
        raise ValueError(f"measure: recovery needs data with known sources, sources, the run has {settings['data']}")
    if case.model.latent == "codes":
        raise ValueError(f"measure: recovery needs latents that are numbers, those of {settings['model']} are codes")
    if case.model.levels is not None:
        raise ValueError(f"measure: recovery needs one level of latents, the model {settings['model']} has several")
    if len(case.x) < 2:
        raise ValueError(f"measure: recovery needs 2 rows or more, the {case.split} split has {len(case.x)}")
    sources = _sources_of(case)
    z = codes(case.model, case.x, case.y)
    n = sources.shape[1]
    others = z[case.rng(50).permutation(len(z))]
    turned = turned_score(n, case.rng(51))
    found = {method: mean_correlation_coefficient(z, sources, method) for method in METHODS}
    chance = {method: mean_correlation_coefficient(others, sources, method).score for method in METHODS}
    numbers = {"rows": len(z), "sources": n, "latents": case.model.L, "turned": turned}
    numbers |= {method: {"score": part.score, "of_other_rows": chance[method], "latents": part.latents.tolist(),
                         "correlations": part.correlations.tolist()} for method, part in found.items()}  # fmt: skip
    lines = [
        f"mean |correlation| of {n} sources, each with one of {case.model.L} latents, over {len(z):,} rows",
        *(f"{method} {part.score:.4f}; {chance[method]:.4f} with the codes of other rows"
          for method, part in found.items()),
        f"sources that are turned at random have {turned:.4f} on average: up to there none is found",
    ]  # fmt: skip
    if case.model.labels is not None:
        lines.append("codes are E[z | x, y]: the encoder is given the segment y, too")
    best = found["pearson"]
    return Findings(numbers, lines, {"recovery": partial(draw_recovery, sources, z, *best[1:], best.score)})


def _sources_of(case):
    """The sources (N, n) of the rows: the set is drawn again, and rows are found by their values."""
    x, _, sources = known_sources(case.run.settings["sources"])
    x = case.run.protocol.prepare(x, "sources", case.run.settings["likelihood"])
    return sources[find_rows(np.asarray(case.x), [x])]
