"""Operations fused in kernels: one launch where the lines of NumPy take up to twelve.

On a GPU a small step costs its launches, not its arithmetic; on a CPU it costs passes over memory. `@fused` above an
operation or a layer says that there is a kernel for it under its name, in OPERATIONS or in LAYERS. The lines below it
are what the backend numpy runs, and say what the kernel computes. One text serves both machines, see `text`.
"""

from functools import wraps
from types import SimpleNamespace

from ..backend import has_kernels
from ..compiled import of_any_size
from .layers import LAYERS, OWN, Activation, StandIn, stand_ins, text_of
from .operations import OPERATIONS, columns_to_image, image_to_columns
from .rows import c_source, cuda, each, pays
from .text import KERNELS

__all__ = [
    "KERNELS",
    "LAYERS",
    "OPERATIONS",
    "OWN",
    "Activation",
    "StandIn",
    "c_source",
    "columns_to_image",
    "cuda",
    "each",
    "fused",
    "image_to_columns",
    "of_any_size",
    "over_fused",
    "text_of",
]


def fused(operation):
    """Decorator of a function in OPERATIONS or of a class in LAYERS: where arrays have kernels, its own does the work.

    A layer needs a Sequential around it; one whose forward or backward was replaced since has no kernel.
    """
    table = LAYERS if isinstance(operation, type) else OPERATIONS
    name = operation.__name__
    if name not in table:
        raise ValueError(f"fused: expected a name in the tables of minivae.kernels, got {name}")
    if isinstance(operation, type):
        OWN[operation.forward, operation.backward] = table[name]
        return operation

    @wraps(operation)
    def choose(*args, **data):
        return (table[name] if pays(args) else operation)(*args, **data)

    return choose


def over_fused(loop):
    """Decorator of a loop over the layers of a Sequential: where x has kernels it runs over their stand-ins."""

    @wraps(loop)
    def choose(net, x, *args, **named):
        if not has_kernels(x):
            return loop(net, x, *args, **named)
        masks = args[0] if args else named.get("noise", named.get("cache"))
        net = SimpleNamespace(layers=stand_ins(net.layers, masks), first_learning=net.first_learning)
        return loop(net, x, *args, **named)

    return choose
