"""Operations fused in CUDA C: one launch where the lines of NumPy take up to twelve.

On a GPU a small step costs its launches, not its arithmetic. `@fused` above an operation or a layer says that there is
a kernel for it under its name, in OPERATIONS or in LAYERS. The lines below it run everywhere else and say what the
kernel computes. `backend` compiles the texts.
"""

from functools import wraps
from types import SimpleNamespace

from ..backend import has_kernels
from .layers import LAYERS, OWN, Activation, StandIn, stand_ins, text_of
from .operations import OPERATIONS
from .rows import each
from .text import CUDA

__all__ = ["CUDA", "LAYERS", "OPERATIONS", "OWN", "Activation", "StandIn", "each", "fused", "over_fused", "text_of"]


def fused(operation):
    """Decorator of a function in OPERATIONS or of a class in LAYERS: on a device, its kernel does what its lines say.

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
        return (table[name] if args and has_kernels(args[0]) else operation)(*args, **data)

    return choose


def over_fused(loop):
    """Decorator of a loop over the layers of a Sequential: on a device it runs over their stand-ins."""

    @wraps(loop)
    def choose(net, x, *args, **named):
        if has_kernels(x):
            masks = args[0] if args else named.get("noise", named.get("cache"))
            net = SimpleNamespace(layers=stand_ins(net.layers, masks), first_learning=net.first_learning)
        return loop(net, x, *args, **named)

    return choose
