"""minivae evaluate --measure latents: what the KL is spent on, what the ELBO misses, which latents have collapsed."""

import math
from dataclasses import replace
from textwrap import wrap

import numpy as np

from ...backend import take, to_numpy
from ...densities import reparameterize
from ...evaluate import (
    ACTIVE,
    activity,
    aggregate_kl,
    approximation_gap,
    by_level,
    choice_parts,
    code_terms,
    code_use,
    codes,
    collapse_doctor,
    decoder_gain,
    kl_parts,
    posteriors,
    standard_error,
)
from ...evaluate.latents import mean_kl, row_kl
from ...evaluate.levels import DRAWS
from ...plot import COLLAPSED, draw_code_use, draw_kl, samples
from ...priors import StandardNormal, VampPrior
from ...tables import aligned
from .base import Findings, family

GAP_ROWS = 100  # random rows of the approximation gap
GAP_DRAWS = 2000  # z for each of them
GAIN_ROWS = 1000  # first rows of the decoder's gain
DRAWN = 10_000  # random rows of which one z each is drawn, for q(z) by draws
PSEUDO = 64  # pseudo-inputs that are drawn
NEAR = 2.0  # nats below log N from where I(x; z) is clearly too small


@family
def latents(case):
    """The KL in its parts, active units; where each latent has a KL, the approximation gap and the collapse doctor.

    Of a hierarchy the KL and the active units of each level; of points z how far they are from N(0, I); of codes how
    they are used, and their length; where these are choices, the KL of each in its parts.
    """
    if not case.model.explains_y:
        return _latents(case)
    found = _latents(replace(case, y=None))
    return replace(found, lines=["of q(z | x) and log p(x): here nothing is told y", *found.lines])


def _latents(case):
    model, L = case.model, case.model.L
    if len(case.x) < 2:
        raise ValueError(f"measure: latents needs 2 rows or more, the {case.split} split has {len(case.x)}")
    if model.levels is not None:
        return _levels(case)
    normal = isinstance(getattr(model, "prior", None), StandardNormal)
    if model.latent == "point" and normal and not model.spreads_z:
        return _points(case)
    if model.choices is not None:
        return _choices(case)
    if model.latent == "codes":
        return _codes(case)
    if model.latent != "gaussian" or model.log_weights is None:
        raise ValueError(f"measure: latents needs a Gaussian q(z | x), the model {case.run.settings['model']} has none")
    mu, log_var = posteriors(model, case.x, case.y)
    parts, part_lines = _parts(model, mu, log_var, kl_parts(model, mu, log_var, case.rng(10)))
    variances, errors = activity(mu)
    units, unit_line = _active(variances, errors, "posterior mean")
    numbers, lines = {"rows": len(mu), **parts, **units}, [*part_lines, unit_line]
    if normal and len(mu) > L + 1:
        eps = case.rng(15).standard_normal(mu.shape, dtype="float32")
        drawn, drawn_lines = _drawn(case, reparameterize(mu, log_var, eps=eps))
        numbers, lines = numbers | drawn, lines + drawn_lines
    if not model.has_kl:
        return Findings(numbers, [*lines, "+-: standard errors over the rows"], _pseudo(case))
    per_latent = mean_kl(model, mu, log_var)
    gap, gap_lines = _gap(case)
    gain = decoder_gain(model, case.x[:GAIN_ROWS], case.rng(13), take(case.y, slice(GAIN_ROWS)))
    history = [(line["epoch"], line["ledger"]["kl"]) for line in case.run.finished() if "ledger" in line]
    seen = [(epoch, line) for epoch, line in history if case.epoch is None or epoch <= case.epoch]
    doctor = collapse_doctor(per_latent, variances, gain.mean(), case.run.settings, seen)
    numbers |= {
        "kl_per_latent": per_latent.tolist(),
        "approximation_gap": gap,
        "decoder_gain": _mean(gain),
        "doctor": doctor,
    }
    lines += [*gap_lines, "+-: standard errors over the rows", *wrap(doctor, 116, break_on_hyphens=False)]
    return Findings(numbers, lines, {"kl": lambda path: draw_kl(per_latent, history, path, f"{case.split} split")})


def _points(case):
    """How far the codes of all rows are from N(0, I), and which latents move, where each x has one code."""
    z = codes(case.model, case.x, case.y)
    units, unit_line = _active(*activity(z), "code")
    drawn, lines = _drawn(case, z)
    return Findings({"rows": len(z), **units, **drawn}, [*lines, unit_line, "+-: standard errors over the rows"])


def _active(variances, errors, of):
    """(numbers, line) of the active units."""
    active, near = int((variances > ACTIVE).sum()), int((abs(variances - ACTIVE) < 2 * errors).sum())
    each = {"value": variances.tolist(), "standard_error": errors.tolist()}
    line = (f"active units: {active} of {len(variances)} (variance of the {of} > {ACTIVE}), {near} of them in doubt by "
            "two standard errors")  # fmt: skip
    return {"active_units": active, "variance_of_mean_per_latent": each}, line


def _drawn(case, z):
    """(numbers, lines) of the marginal KL of q(z) from one z of each row alone, z (N, L)."""
    rows = case.rng(16).permutation(len(z))[:DRAWN]
    parts = aggregate_kl(z[rows], case.rng(17))
    found = {"value": _mean(sum(parts.values()))} | {name: _mean(part) for name, part in parts.items()}
    names = (f"marginal KL from one z of each of {len(rows)} rows", "= of mean and covariance", "+ of the shape")
    lines = aligned([(name, _shown(part), "nats") for name, part in zip(names, found.values(), strict=True)], "<><")
    return {"drawn_marginal_kl": {"rows": len(rows), **found}}, lines


def _choices(case):
    """The KL of each choice, what of it is information on x, and what is left between q(z_t) and the prior."""
    parts = choice_parts(case.model, case.x, case.y)
    kl, information, marginal = (part.sum() for part in parts)
    collapsed, T = int((parts.kl < COLLAPSED).sum()), len(parts.kl)
    numbers = {"rows": len(case.x), **{f"{name}_per_latent": part.tolist() for name, part in parts._asdict().items()}}
    lines = [
        f"KL {kl:.2f} nats of {T} choices among {case.model.K}, at most {T * math.log(case.model.K):.2f}: the sums of "
        f"I(x; z_t) {information:.2f} and of KL(q(z_t) || p(z_t)) {marginal:.2f}",
        f"collapsed: {collapsed} of {T}, whose KL is below {COLLAPSED} nats",
    ]
    return Findings(numbers, lines, {"kl": lambda path: draw_kl(parts.kl, [], path, f"{case.split} split")})


def _codes(case):
    """How the codes of the rows are used, and where the prior is theirs, how long they are under it."""
    model, K, T = case.model, case.model.K, case.model.T
    use = code_use(codes(model, case.x, case.y), K)
    numbers = {"rows": len(case.x), "codes": K, "places": T, "perplexity": use.perplexity, "codes_used": use.used,
               "entropy_per_place": use.place_entropy.tolist()}  # fmt: skip
    lines = [
        f"perplexity {use.perplexity:.1f} of {K} codes, {use.used} of them used, over all {T} places of the rows",
        f"entropy of a place {use.place_entropy.mean():.3f} nats on average, {use.place_entropy.min():.3f} to "
        f"{use.place_entropy.max():.3f}; log K = {math.log(K):.3f}",
    ]
    if getattr(model, "prior", None) is not None and model.prior.K is not None:
        length = -code_terms(model, case.x, case.y)[1]
        numbers["code_length"] = _mean(length)
        lines.append(f"length of the codes under the prior: {_shown(numbers['code_length'])} nats, "
                     f"{length.mean() / math.log(2):.1f} bits; T log K = {T * math.log(K):.3f} nats")  # fmt: skip
    return Findings(numbers, lines, {"codes": lambda path: draw_code_use(use, path, f"{case.split} split")})


def _levels(case):
    """KL and active units of each level of a hierarchy."""
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


def _parts(model, mu, log_var, parts):
    """(numbers, lines) of the KL and of what `kl_parts` gives; without a closed form the KL is the sum of its parts."""
    kl = parts["mutual_information"] + parts["marginal_kl"]
    if model.has_kl:
        kl = row_kl(model, mu, log_var).astype("float64").sum(axis=1)
    found = {"kl": _mean(kl)} | {name: _mean(part.reshape(len(part), -1).sum(axis=1)) for name, part in parts.items()}
    cap = math.log(len(mu))
    names = ("average KL(q(z | x) || p(z))", "= mutual information I(x; z)",
             "+ marginal KL(q(z) || p(z))" + ", which is" * model.has_kl,
             "  total correlation of z", "  + the sum of KL(q(z_l) || p(z_l))")  # fmt: skip
    notes = ["nats", f"nats, at most log N = {cap:.3f}", "nats", "nats", "nats"]
    lines = aligned(zip(names, map(_shown, found.values()), notes, strict=False), "<><")
    if found["mutual_information"]["value"] > cap - NEAR:
        lines += ["I(x; z) is near its cap: with more rows it would be larger, up to the average KL, and so the",
                  f"marginal KL{' and the total correlation' * model.has_kl} smaller by as much"]  # fmt: skip
    found["mutual_information"]["cap"] = cap
    if model.has_kl:
        found["dimension_kl_per_latent"] = parts["dimension_kl"].mean(axis=0).tolist()
    return found, lines


def _pseudo(case):
    """The picture of the pseudo-inputs of a VampPrior; none of another prior, or where x is no image."""
    shape = case.run.protocol.shape
    if not isinstance(case.model.prior, VampPrior) or len(shape) < 3:
        return {}
    u = to_numpy(case.model.prior.inputs()[:PSEUDO])
    return {"pseudo": lambda path: samples(u, shape, path, f"the first {len(u)} pseudo-inputs of the prior")}


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
