"""minivae gradcheck: our models, and the layers or models of a user's file."""

import math
from pathlib import Path

import numpy as np

from ..backend import generator
from ..gradcheck import ORACLES, check_gradients, diagnose, load_part
from ..gradcheck.kinds import kind_of
from ..gradcheck.loading import raised
from ..laboratory.rounding import curves_of
from ..likelihoods import LIKELIHOODS
from ..models import MODELS
from ..models.examples import small
from ..options import whole
from ..params import Module
from ..plot import draw_error_curves
from ..truth.known_answers import check_known
from ..truth.laws import Laws, check_laws
from .base import FORCE, argument, command, output

ARCHS = tuple(dict.fromkeys(arch for cls in MODELS.values() if "arch" in cls.options
                            for arch in cls.options["arch"].metavar.split("|")))  # fmt: skip
FLAT = ("theta", "_flat_grad", "state", "pull")  # the vectors of a bound module


@command(
    argument("part", nargs="?", metavar="FILE.py:NAME", help="a layer, a model, or a function rng -> (one of them, x); "
             "without it, one of minivae's own models"),
    argument("--shape", nargs="+", metavar="N", help="of the input of FILE.py:NAME (default: 5 rows of its n_in)"),
    argument("--model", choices=tuple(MODELS), help="(default: vae)"),
    argument("--arch", choices=ARCHS, help="(default: dense; of text gru)"),
    argument("--likelihood", choices=tuple(LIKELIHOODS), help="(default: the model's, else bernoulli)"),
    argument("--oracle", default="directional", choices=tuple(ORACLES), help="differences along random directions, "
             "or of every coordinate, with the worst of them; or the complex step"),
    argument("--laws", action="store_true", help="of a model: also what no gradient check sees"),
    argument("--out", metavar="FILE.png", help="draw the error against the step size, in float32 and float64"),
    FORCE,
)  # fmt: skip
def gradcheck(part, shape, model, arch, likelihood, oracle, laws, out, force):
    """Check every gradient of a small model, or of your own layer, and say what is wrong; exit code 1 if one is."""
    rng = generator(0, "gradcheck")
    path = output(out, ".png", force=force)
    if part is None:
        if shape is not None:
            raise ValueError("shape: expected a FILE.py:NAME that it is for")
        model = model or "vae"
        own = arch_of(model, arch) | {"likelihood": likelihood or MODELS[model].options["likelihood"].default
                                      or "bernoulli"}  # fmt: skip
        title = ", ".join((model, *own.values()))
        instance, x, y = small(model, rng, **own)
    else:
        for name, value in (("model", model), ("arch", arch), ("likelihood", likelihood)):
            if value is not None:
                raise ValueError(f"{name}: expected none beside {part}, got {value}; it is for minivae's own models")
        title = part
        instance, x, y = load_part(part, rng, None if shape is None else [whole(1)("shape", n) for n in shape])
        if laws and kind_of(instance) != "model":
            raise ValueError(f"laws: expected a model, {part} is a {kind_of(instance)}")
    try:
        checks = check_gradients(instance, x, rng, y=y, oracle=oracle)
        findings = [] if checks.ok else diagnose(instance, x, y=y)
        finite = all(math.isfinite(check.error) for check in checks.values())
        curves = curves_of(instance, x, y=y) if path is not None and finite else None
        found = Laws(check_laws(instance, x, rng, y) | check_known(instance, x, rng, y)) if laws else Laws()
    except BaseException as error:  # a file may raise anything, and exit
        if part is None or isinstance(error, KeyboardInterrupt):
            raise
        raise ValueError(f"{part}: checking raised {raised(error, Path(part.rpartition(':')[0]))}") from error
    limit = next((check.limit for check in checks.values()), 0)
    print(f"{title}: {instance.theta.size} parameters, float64, limit {limit:.0e}\n{checks}")
    for name in [] if part is None else _plain_arrays(instance):
        print(f"note: {name} is an array and has no gradient; what is to learn is a Param")
    for finding in findings:
        if finding.where:  # broken rules stand above already
            print(f"why: {finding}")
    if finite and not (checks.ok or findings):
        print("why: along directions nothing is wrong: something rounds more than float64 must")
    if laws:
        print(found)
    if curves is not None:
        draw_error_curves(curves, path)
        print(*(f"{dtype}: {curve.verdict}" for dtype, curve in curves.items()), path, sep="\n")
    elif path is not None:
        print(f"{path} is not drawn: not every error is finite")
    return 0 if checks.ok and found.ok else 1


def arch_of(model, arch):
    """{"arch": the one that is given, else the model's usual one}, or {} of a model without networks to choose."""
    options = MODELS[model].options
    if "arch" not in options:
        if arch is not None:
            raise ValueError(f"arch: model {model} has none, got {arch}")
        return {}
    return {"arch": arch or options["arch"].default}


def _plain_arrays(instance):
    """Names of the arrays of a module that are no Param, State or Constant."""
    parts = instance.named(Module).items()
    found = [(name, field) for name, module in parts for field, a in vars(module).items() if isinstance(a, np.ndarray)]
    return [f"{name}.{field}".lstrip(".") for name, field in found if field not in FLAT]
