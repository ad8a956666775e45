"""Text tables: columns stand below each other, whatever is in them."""

import re

import pytest
from test_house import FILES, ROOT

from minivae.tables import aligned, four_digits, markdown


def test_aligned():
    assert aligned([("name", "n"), ("a", 100), ("longer", 2)]) == ["name      n", "a       100", "longer    2"]
    assert aligned([("a", "bb", 1), ("aa", "b", 10)], "<<>") == ["a   bb   1", "aa  b   10"]
    assert aligned([("a", ""), ("b", "x")], "<") == ["a", "b  x"]  # no space at the end of a line
    assert aligned([]) == []


def test_rows_of_one_length():
    with pytest.raises(ValueError, match="zip"):
        aligned([("a", "b"), ("a",)])


def test_markdown():
    assert markdown(("a", "b"), (1, "x")) == "| a | b |\n|---|---|\n| 1 | x |"


def test_four_digits():
    assert [four_digits(v) for v in (-0.0, 1 / 3, -12345.0)] == ["0", "0.3333", "-1.234e+04"]


def test_nobody_else_aligns_by_hand():
    """A width that is computed, or a rule of Markdown, belongs to the one table."""
    for file in [*FILES, *(ROOT / "bench").glob("*.py"), *(ROOT / "figures").glob("*.py")]:
        if file.name != "tables.py":
            by_hand = re.findall(r"\.[lr]just\(|:[<>^]\{width|\|---", file.read_text())
            assert not by_hand, file
