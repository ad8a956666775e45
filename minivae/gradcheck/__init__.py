"""The laboratory: is a gradient right, and by how much is it wrong?"""

from .directional import LIMIT, Check, Checks, check_array, check_gradients, check_operation, check_params
from .loading import load_part

__all__ = [
    "LIMIT",
    "Check",
    "Checks",
    "check_array",
    "check_gradients",
    "check_operation",
    "check_params",
    "load_part",
]
