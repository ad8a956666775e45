"""One call for whatever there is to check: a layer, likelihood, prior, posterior, bijector or model, by an oracle."""

from ..backend import generator, place
from .checks import Checks
from .complex_step import check_complex_step
from .coordinates import check_coordinates
from .directional import check_directions
from .kinds import kind_of
from .problems import model_problems, part_problems
from .rules import broken_rules

ORACLES = {
    "directional": check_directions,
    "coordinates": lambda problem, rng: check_coordinates(problem),
    "complex": check_complex_step,
}


def check_gradients(part, x, rng=None, *, noise=None, y=None, t=0, train=True, oracle="directional"):
    """Check every gradient of a layer, likelihood, prior, posterior, bijector or model; it is bound to float64.

    Parameters
    ----------
    part : Layer or Model
        A layer is checked through sum(w * y) with random w, a model through each of its objectives, on the parameters
        that this trains.
    x : array, or tuple of arrays
        Its input: of a likelihood (x, out), of a posterior (heads, eps), of a bijector (z, context), of a prior z.
        Integers have no gradient.
    rng : numpy.random.Generator, optional
        Of the directions, w and the noise.
    noise : optional
        As `part.draw_noise` gives it. None: drawn, or for `train=False` that of evaluation.
    y, t
        For a model: labels or condition, and the step at which schedules are read.
    oracle : {"directional", "coordinates", "complex"}
        Differences along random directions; of every coordinate, with the worst entries; or the complex step.

    Returns
    -------
    Checks
        {name: Check} of every parameter and, but for a model, of the inputs (x, or x0, x1, ... of a tuple); `ok`, the
        rules that a layer breaks, and all of it as text. Names of what a prior's KL gives begin with kl.

    Raises
    ------
    ValueError
        For an unknown oracle, and for a layer without dx.
    """
    if oracle not in ORACLES:
        raise ValueError(f"oracle: expected one of {', '.join(ORACLES)}, got {oracle!r}")
    rng = generator(0, "gradcheck") if rng is None else rng
    problems, x, noise = problems_of(part, x, rng, noise, y, t, train)
    checks = Checks()
    written = set()
    for key, problem in problems.items():
        found = ORACLES[oracle](problem, rng)
        checks |= {f"kl: {name}": check for name, check in found.items()} if key == "kl" else found
        written |= problem.written
    if kind_of(part) == "layer":
        checks.broken = broken_rules(part, x, noise, problems["loss"].w)
    else:
        checks.broken = [f"forward or backward writes into {name}" for name in sorted(written)]
    return checks


def problems_of(part, x, rng, noise=None, y=None, t=0, train=True, dtype="float64"):
    """({objective: Problem}, x, noise) of any part, which is bound to `dtype`; x is cast and the noise drawn."""
    part.bind(dtype)
    x = place(x, like=part.theta)
    kind = kind_of(part)
    if kind == "model":
        y = None if y is None else place(y, like=part.theta)
        noise = place(part.draw_noise(rng, len(x), train) if noise is None else noise, like=part.theta)
        return model_problems(part, x, noise, y, t), x, noise
    if kind == "layer" and noise is None and train:
        n = len(x[0] if isinstance(x, tuple) else x)
        noise = place(part.draw_noise(rng, n), like=part.theta)
    return part_problems(part, x, rng, noise), x, noise
