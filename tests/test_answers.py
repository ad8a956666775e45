"""Planted answers, written as people write them: wrong ones are refused and named, right ones accepted however unusual.

How many: `python -m tests.answers`.
"""

import numpy as np
import pytest
from answers.__main__ import FILES, hand_in, planted

from minivae.teach import exercises_of
from minivae.teach.exercise import SEEDS

MODULES = {int(file.stem[-2:]): planted(file) for file in FILES}
TASKS = {number: (task, MODULES[lesson]) for lesson in MODULES for number, task in exercises_of(lesson).items()}
each = pytest.mark.parametrize("number", TASKS)


@each
def test_wrong_answers_are_refused_and_named(number):
    cases = TASKS[number][1].WRONG[number]
    assert len(cases) >= 4
    for answer, words in cases:
        right, said = hand_in(number, answer)
        assert not right
        assert words in said


@each
def test_right_answers_are_accepted(number):
    cases = TASKS[number][1].RIGHT[number]
    assert cases
    for answer in cases:
        right, said = hand_in(number, answer)
        assert right, said


@each
def test_a_slip_has_its_own_name_and_no_other(number):
    """Kernel, stride and padding, say, are never such that two mistakes have one answer."""
    task = TASKS[number][0]
    for text, slip in task.slips.items():
        answer = slip if task.name else lambda *_, slip=slip: _outputs(task, slip)
        right, said = hand_in(number, answer)
        assert not right
        assert [other for other in task.slips if said.count(f" {other}\n")] == [text]


def _outputs(task, slip):
    found = tuple(task.answers(slip, task.inputs(0)[0]).values())
    return found if len(found) > 1 else found[0]


@each
def test_no_size_can_be_written_into_an_answer(number):
    """Every axis and every whole number differs between the draws, unless it is the same by definition: FIXED."""
    task, module = TASKS[number]
    if not task.name:
        return
    sizes = {}
    for seed in SEEDS:
        for name, a in task.inputs(seed)[1].items():
            if isinstance(a, int | np.integer):
                sizes.setdefault(name, set()).add(int(a))
            for axis, n in enumerate(np.shape(a) if not callable(a) else ()):
                sizes.setdefault(f"{name}, axis {axis}", set()).add(n)
    fixed = {size for size, values in sizes.items() if len(values) == 1}
    assert fixed == getattr(module, "FIXED", {}).get(number, set())
