"""minivae gradcheck: our models, and the layers or models of a user's file."""

from ..backend import generator
from ..gradcheck import LIMIT, check_gradients, load_part
from ..likelihoods import LIKELIHOODS
from ..models import MODELS
from ..settings import whole
from .base import argument, command


@command(
    argument("part", nargs="?", metavar="FILE.py:NAME", help="a layer, a model, or a function rng -> (one of them, x); "
             "without it, one of minivae's own models"),
    argument("--shape", nargs="+", metavar="N", help="of the input of FILE.py:NAME (default: 5 rows of its n_in)"),
    argument("--model", default="vae", choices=tuple(MODELS)),
    argument("--arch", default="dense", choices=("dense", "conv")),
    argument("--likelihood", default="bernoulli", choices=tuple(LIKELIHOODS)),
)  # fmt: skip
def gradcheck(part, shape, model, arch, likelihood):
    """Check every gradient of a small model, or of your own layer; exit code 1 when one is wrong."""
    rng = generator(0, "gradcheck")
    if part is None:
        if shape is not None:
            raise ValueError("shape: expected a FILE.py:NAME that it is for")
        title = f"{model}, {arch}, {likelihood}"
        instance, x = _small(model, arch, likelihood, rng)
    else:
        title = part
        instance, x = load_part(part, rng, None if shape is None else [whole(1)("shape", n) for n in shape])
    try:
        checks = check_gradients(instance, x, rng)
    except Exception as error:
        if part is None:
            raise
        raise ValueError(f"{part}: checking raised {type(error).__name__}: {error}") from error
    print(f"{title}: {instance.theta.size} parameters, float64, limit {LIMIT:.0e}\n{checks}")
    return 0 if checks.ok else 1


def _small(model, arch, likelihood, rng):
    """One of minivae's models, so small that every parameter is quickly checked, and data for it."""
    options = {"hidden": [10], "channels": [3, 4], "latent": 2, "dropout": 0.2, "levels": 3}
    instance = MODELS[model].build((4, 4, 1), rng, arch=arch, likelihood=likelihood, **options).bind("float64")
    instance.theta += 0.1 * rng.standard_normal(instance.theta.shape)  # zero biases sit exactly on kinks of ReLU
    x = rng.random((5, 16))
    return instance, (x < 0.5).astype("float64") if likelihood == "bernoulli" else x
