"""minivae evaluate --measure latents: what the KL is spent on, what the ELBO misses, which latents have collapsed."""

import math
from textwrap import wrap

import numpy as np

from ...backend import take
from ...evaluate import (
    ACTIVE,
    activity,
    approximation_gap,
    by_level,
    collapse_doctor,
    decoder_gain,
    kl_parts,
    posteriors,
    standard_error,
)
from ...evaluate.latents import row_kl
from ...evaluate.levels import DRAWS
from ...plot import draw_kl
from ...tables import aligned
from .base import Findings, family

GAP_ROWS = 100  # random rows of the approximation gap
GAP_DRAWS = 2000  # z for each of them
GAIN_ROWS = 1000  # first rows of the decoder's gain
NEAR = 2.0  # nats below log N from where I(x; z) is clearly too small


@family
def latents(case):
    """The KL in its parts, active units, the approximation gap, the collapse doctor; of a hierarchy, its levels."""
    model, L = case.model, case.model.L
    if model.levels is not None:
        return _levels(case)
    if not model.has_kl or model.log_weights is None:
        raise ValueError(f"measure: latents needs a KL of each latent, the model {case.run.settings['model']} has none")
    if len(case.x) < 2:
        raise ValueError(f"measure: latents needs 2 rows or more, the {case.split} split has {len(case.x)}")
    mu, log_var = posteriors(model, case.x, case.y)
    kl = row_kl(model, mu, log_var).astype("float64")
    per_latent = kl.mean(axis=0)
    parts, part_lines = _parts(kl, kl_parts(model, mu, log_var, case.rng(10)))
    variances, errors = activity(mu)
    active, near = int((variances > ACTIVE).sum()), int((abs(variances - ACTIVE) < 2 * errors).sum())
    gap, gap_lines = _gap(case)
    gain = decoder_gain(model, case.x[:GAIN_ROWS], case.rng(13), take(case.y, slice(GAIN_ROWS)))
    history = [(line["epoch"], line["ledger"]["kl"]) for line in case.run.finished() if "ledger" in line]
    seen = [(epoch, line) for epoch, line in history if case.epoch is None or epoch <= case.epoch]
    doctor = collapse_doctor(per_latent, variances, gain.mean(), case.run.settings, seen)
    numbers = {
        "rows": len(mu),
        **parts,
        "kl_per_latent": per_latent.tolist(),
        "active_units": active,
        "variance_of_mean_per_latent": {"value": variances.tolist(), "standard_error": errors.tolist()},
        "approximation_gap": gap,
        "decoder_gain": _mean(gain),
        "doctor": doctor,
    }
    lines = [
        *part_lines,
        f"active units: {active} of {L} (variance of the posterior mean > {ACTIVE}), {near} of them in doubt by two "
        "standard errors",
        *gap_lines,
        "+-: standard errors over the rows",
        *wrap(doctor, 116, break_on_hyphens=False),
    ]
    return Findings(numbers, lines, {"kl": lambda path: draw_kl(per_latent, history, path, f"{case.split} split")})


def _levels(case):
    """KL and active units of each level of a hierarchy."""
    if len(case.x) < 2:
        raise ValueError(f"measure: latents needs 2 rows or more, the {case.split} split has {len(case.x)}")
    widths = case.model.levels
    found = by_level(case.model, case.x, case.rng(14), case.y, progress=True)
    starts = np.cumsum([0, *widths[:-1]])
    active = np.add.reduceat(found.variances > ACTIVE, starts, dtype="int64")
    near = np.add.reduceat(abs(found.variances - ACTIVE) < 2 * found.errors, starts, dtype="int64")
    kl = [_mean(column) for column in found.kl.T]
    numbers = {
        "rows": len(case.x),
        "draws": DRAWS,
        "kl": _mean(found.kl.sum(axis=1)),
        "kl_per_level": kl,
        "active_units_per_level": active.tolist(),
        "variance_of_mean_per_latent": {"value": found.variances.tolist(), "standard_error": found.errors.tolist()},
    }
    rows = [(f"z{i}", f"KL {_shown(part)} nats", f"active units: {a} of {width}", f"{n} of them in doubt")
            for i, (part, a, width, n) in enumerate(zip(kl, active, widths, near, strict=True), 1)]  # fmt: skip
    lines = [*aligned(rows, "<"), f"of {DRAWS} z for each row; active: the variance of E_q[z | x] is above {ACTIVE}, "
             "in doubt: by two standard errors", "+-: standard errors over the rows"]  # fmt: skip
    return Findings(numbers, lines)


def _parts(kl, parts):
    """(numbers, lines) of the KL, (N, L) of each row, and of what `kl_parts` gives."""
    marginal = parts["total_correlation"] + parts["dimension_kl"].sum(axis=1)
    found = {
        "kl": _mean(kl.sum(axis=1)),
        "mutual_information": _mean(parts["mutual_information"]),
        "marginal_kl": _mean(marginal),
        "total_correlation": _mean(parts["total_correlation"]),
        "dimension_kl": _mean(parts["dimension_kl"].sum(axis=1)),
    }
    cap = math.log(len(kl))
    names = ("average KL(q(z | x) || p(z))", "= mutual information I(x; z)", "+ marginal KL(q(z) || p(z)), which is",
             "  total correlation of z", "  + the sum of KL(q(z_l) || p(z_l))")  # fmt: skip
    notes = ["nats", f"nats, at most log N = {cap:.3f}", "nats", "nats", "nats"]
    lines = aligned(zip(names, map(_shown, found.values()), notes, strict=True), "<><")
    if found["mutual_information"]["value"] > cap - NEAR:
        lines += ["I(x; z) is near its cap: with more rows it would be larger, up to the average KL, and so the",
                  "marginal KL and the total correlation smaller by as much"]  # fmt: skip
    found["mutual_information"]["cap"] = cap
    numbers = {**found, "dimension_kl_per_latent": parts["dimension_kl"].mean(axis=0).tolist()}
    return numbers, lines


def _gap(case):
    """(numbers, lines) of the approximation gap of a few random rows."""
    rows = case.rng(11).permutation(len(case.x))[:GAP_ROWS]
    gap = approximation_gap(case.model, case.x[rows], case.rng(12), take(case.y, rows), K=GAP_DRAWS)
    found = {
        "log_px": _mean(gap.log_px),
        "elbo": _mean(gap.elbo),
        "gap": _mean(gap.log_px - gap.elbo),
        "amortization": _mean(gap.amortization),
        "family": _mean(gap.family),
    }
    names = (f"log p(x) of {len(rows)} random rows", "ELBO of them", "approximation gap log p(x) - ELBO, which is",
             "  amortization: what the best Gaussian of each row gains",
             "  + family: what that one still misses")  # fmt: skip
    lines = aligned([(name, _shown(part), "nats") for name, part in zip(names, found.values(), strict=True)], "<><")
    lines.append(f"log p(x) is an importance-weighted bound of {GAP_DRAWS} draws: the gap is at least this")
    return {"rows": len(rows), "samples": GAP_DRAWS, **found}, lines


def _mean(values):
    """Mean of values (N,), nats, and its standard error over them."""
    return {"value": float(values.mean()), "standard_error": standard_error(values)}


def _shown(part):
    return f"{part['value']:.3f} +- {part['standard_error']:.3f}"
