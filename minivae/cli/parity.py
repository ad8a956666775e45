"""minivae parity: the same model on every backend and dtype that this machine has."""

from ..backend import load_backend
from ..data import load_data
from ..laboratory.parity import machines, milliseconds, names_of, table
from ..laboratory.parity import parity as compare
from ..models import MODELS, Labels
from ..options import whole
from ..plot import draw_parity
from .base import FORCE, argument, command, output
from .checks import ARCHS, arch_of

SIZES = (32, 128, 512)
SMALL = {"hidden": (64,), "channels": (8, 16), "latent": 8, "dropout": 0.1, "word_dropout": 0.1}


@command(
    argument("--model", default="vae", choices=tuple(MODELS)),
    argument("--arch", choices=ARCHS, help="(default: dense; of text gru)"),
    argument("--steps", default=100, metavar="T", help="of Adam, over which the losses drift apart (default: 100)"),
    argument("--out", metavar="FILE.png", help="draw errors, drift and milliseconds per step"),
    FORCE,
)  # fmt: skip
def parity(model, arch, steps, out, force):
    """Compare backends and dtypes number by number: the same weights, data and noise on each.

    Errors and drift are those of the kernels, also of arrays that are too small to be worth one; the milliseconds are
    those of training, where compiled takes a kernel for large arrays only.
    """
    path = output(out, ".png", force=force)
    steps = whole(1)("steps", steps)
    cls = MODELS[model]
    data = load_data("expressions" if cls.reads_text else "digits")
    x = data.train.x if cls.reads_text else (data.train.x > 0.5).astype("float32")
    own = {"labels": Labels("classes", 10)} if cls.conditional else {}
    if cls.reads_text:
        own["vocabulary"] = len(data.protocol.vocabulary)
    own |= arch_of(model, arch)
    sizes = {name: value for name, value in SMALL.items() if name in cls.options}

    def build(rng):
        return cls.build(data.shape, rng, **sizes, **own)

    found = machines()
    backends = {backend for backend, _ in found}
    if "cupy" not in backends:
        print("CuPy has no GPU here: nothing is said of one; " + ", ".join(" ".join(pair) for pair in found))
        print("the tests' stand-in for one is compared by python -m figures.gpu, in a clone")
    if "compiled" not in backends:
        print(f"nothing is said of compiled: {_missing('compiled')}")
    y = data.train.y if cls.conditional else None
    errors = compare(build, x, steps, y=y)
    print(table(errors))
    times = milliseconds(build, x, SIZES, y=y)
    print("milliseconds per step, batches of " + ", ".join(map(str, SIZES)))
    for name, row in times.items():
        print(f"{name}  " + "  ".join(f"{ms:.2f}" for ms in row))
    if path is not None:
        draw_parity(errors, names_of(errors), times, SIZES, path)
        print(path)


def _missing(backend):
    """Why this machine does not have it."""
    try:
        load_backend(backend)
    except ValueError as reason:
        return reason
