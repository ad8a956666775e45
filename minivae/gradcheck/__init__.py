"""The laboratory: is a gradient right, and by how much is it wrong?"""

from .directional import LIMIT, Check, check_array, check_layer, check_model, check_operation, check_params

__all__ = ["LIMIT", "Check", "check_array", "check_layer", "check_model", "check_operation", "check_params"]
