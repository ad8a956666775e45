"""What an exercise is. Those of a lesson are the tuple EXERCISES of its file, exercises/lesson01.py and so on."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..backend import tree_map
from ..gradcheck import Problem, numeric_gradient
from ..gradcheck.problems import as_tuple

LESSONS = sorted(int(file.stem[-2:]) for file in (Path(__file__).parent / "exercises").glob("lesson[0-9][0-9].py"))
SEEDS = 1, 2, 3  # of the arrays that a function is tried on


@dataclass(frozen=True)
class Exercise:
    """One thing to write, what is right, and what goes wrong.

    Attributes
    ----------
    number : str
        "8.2", the second of lesson 8.
    name : str
        Of the function that the learner writes; "" where the exercise asks for arrays (or any values) by name.
    outputs : str
        Names of what the function returns, or of the arrays, "dmu, dlog_var".
    draw : callable(rng) -> {name: array}
        New inputs; of sizes that differ between draws, if the function must not depend on them.
    reference : callable
        The right answer: takes inputs by their names, and so does the learner's function; returns the outputs.
    hints : tuple of str
        Up to three steps, none of which is the solution.
    value : callable, optional
        A number, of inputs by their names. Then each output called d + NAME is its gradient in input NAME.
    slips : {str: callable}
        A mistake in words, and what one who makes it would have written in the place of `reference`.
    around : callable, optional
        Of inputs by their names: what the diagnosis is told besides, arguments of `gradcheck.explain`.
    tolerance : float
        Largest relative error of an output, max|yours - true| / max|true|.
    indices : bool
        Whether the answer must be whole numbers by their type, since it is used as an index.
    points : int
        What it is worth where it is graded: 1 for a formula, 2 for several gradients or a derivation of one's own, 3
        for a whole model.
    """

    number: str
    name: str
    outputs: str
    draw: Callable
    reference: Callable
    hints: tuple
    value: Callable | None = None
    slips: dict = field(default_factory=dict)
    around: Callable | None = None
    tolerance: float = 1e-6
    indices: bool = False
    points: int = 1

    @property
    def names(self):
        """What the learner's code must define."""
        return (self.name,) if self.name else self.output_names

    @property
    def output_names(self):
        return tuple(self.outputs.split(", "))

    def inputs(self, seed):
        """{name: array} of a draw, and those of them that the answer takes, in its order."""
        inputs = self.draw(np.random.default_rng(seed))
        return inputs, {name: inputs[name] for name in inspect.signature(self.reference).parameters}

    def answers(self, function, inputs):
        """{output: value} of the reference, a slip or a learner's function; each gets copies of its inputs."""
        given = [tree_map(np.copy, inputs[name]) for name in inspect.signature(self.reference).parameters]
        found = function(*given)
        found = as_tuple(found) if len(self.output_names) > 1 else (found,)
        return dict(zip(self.output_names, found, strict=True))

    def numeric(self, output, inputs):
        """The numeric gradient that `output` should be, NaN at kinks; None where it is no gradient."""
        name = output[1:]
        if self.value is None or output[0] != "d" or name not in inputs:
            return None
        names = inspect.signature(self.value).parameters
        smooth = {n: np.asarray(inputs[n], "float64") for n in names}
        truth = np.asarray(self.answers(self.reference, inputs)[output], "float64")
        problem = Problem(lambda v: self.value(**v), smooth, {name: truth}, None)
        return numeric_gradient(problem, name)


def exercises_of(lesson):
    """{number: Exercise} of a lesson, in order."""
    module = importlib.import_module(f".exercises.lesson{lesson:02d}", __package__)
    return {exercise.number: exercise for exercise in module.EXERCISES}


def exercise(number):
    """The Exercise of that number, "8.2"; ValueError if there is none."""
    if not isinstance(number, str):
        raise ValueError(f'number: expected a text, with quotes, such as "8.2", got {number!r}')
    lesson = number.partition(".")[0]
    if not lesson.isdecimal() or int(lesson) not in LESSONS:
        raise ValueError(f'number: expected a lesson and its exercise, such as "8.2", got {number!r}')
    found = exercises_of(int(lesson))
    if number not in found:
        raise ValueError(f"number: expected one of {', '.join(found)}, got {number!r}")
    return found[number]
