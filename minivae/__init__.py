"""minivae: variational autoencoders from scratch in NumPy, C and CuPy, every gradient derived by hand and checked."""

from importlib import import_module

__version__ = "0.1.0"

ROOMS = {
    "Dataset": "data",
    "load_data": "data",
    "VAE": "models",
    "SGD": "optim",
    "Adam": "optim",
    "AdamW": "optim",
    "fit": "train",
    "mean_metrics": "metrics",
    "log_evidence": "evaluate",
    "load_run": "trained",
    "check_gradients": "gradcheck",
    "diagnose": "gradcheck",
}
__all__ = [*ROOMS, "plot"]


def __getattr__(name):
    """A name from its room, or a room, imported when it is first asked for: an import can be interrupted."""
    if name in ROOMS:
        return getattr(import_module(f".{ROOMS[name]}", __name__), name)
    room = f"{__name__}.{name}"
    try:
        return import_module(room)
    except ModuleNotFoundError as error:
        if error.name != room:  # another one, which the room needs
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__():
    return __all__
