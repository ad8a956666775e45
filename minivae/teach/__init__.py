"""What the lessons call: is this answer right, what kind of mistake is it, and how can one go on?

    x, W, dy = given("1.2")                  # the arrays of an exercise that asks for arrays
    check("1.2", dx=dx, dW=dW)               # compares with the reference and with a numeric gradient
    check("1.3", dense_backward)             # an exercise that asks for a function: called on new arrays
    hint("1.3")                              # the next of up to three steps
    dense_backward = use_reference("1.3")    # go on without having solved it

Every exercise is an `Exercise` in the file of its lesson here, with the mistakes that people make in it.
"""

from .answers import NotYet, check, given, hint, progress, use_reference
from .exercise import Exercise, exercise, exercises_of
from .notebook import keep, kept, picture, quoted

__all__ = [
    "Exercise",
    "NotYet",
    "check",
    "exercise",
    "exercises_of",
    "given",
    "hint",
    "keep",
    "kept",
    "picture",
    "progress",
    "quoted",
    "use_reference",
]
