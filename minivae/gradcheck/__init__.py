"""The laboratory: is a gradient right, by how much is it wrong, where, and why? And what no gradient check can see."""

from .adjoint import check_adjoint
from .chain import diagnose, diagnose_problem
from .check import ORACLES, check_gradients, problems_of
from .checks import LIMIT, Check, Checks
from .complex_step import check_complex_step
from .coordinates import check_coordinates, numeric_gradient
from .diagnosis import Finding, explain
from .directional import check_directions
from .known_answers import check_known
from .laws import Laws, check_laws
from .loading import load_part
from .problems import Problem, operation_problem
from .rounding import curves_of, draw_curves

__all__ = [
    "LIMIT",
    "ORACLES",
    "Check",
    "Checks",
    "Finding",
    "Laws",
    "Problem",
    "check_adjoint",
    "check_complex_step",
    "check_coordinates",
    "check_directions",
    "check_gradients",
    "check_known",
    "check_laws",
    "curves_of",
    "diagnose",
    "diagnose_problem",
    "draw_curves",
    "explain",
    "load_part",
    "numeric_gradient",
    "operation_problem",
    "problems_of",
]
