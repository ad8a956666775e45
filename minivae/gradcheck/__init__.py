"""The laboratory: is a gradient right, by how much is it wrong, where, and why? And what no gradient check can see.

Laws, known answers, the zoo, exact models and whatever draws are read from their own files, so that importing minivae
stays quick.
"""

from .adjoint import check_adjoint
from .chain import diagnose, diagnose_problem
from .check import ORACLES, check_gradients, problems_of
from .checks import LIMIT, Check, Checks
from .complex_step import check_complex_step
from .coordinates import check_coordinates, numeric_gradient
from .diagnosis import Finding, explain
from .directional import check_directions
from .loading import load_part
from .problems import Problem, operation_problem

__all__ = [
    "LIMIT",
    "ORACLES",
    "Check",
    "Checks",
    "Finding",
    "Problem",
    "check_adjoint",
    "check_complex_step",
    "check_coordinates",
    "check_directions",
    "check_gradients",
    "diagnose",
    "diagnose_problem",
    "explain",
    "load_part",
    "numeric_gradient",
    "operation_problem",
    "problems_of",
]
