"""figures/practice.py: the verdicts follow the numbers, and the page is complete."""

import math

import pytest

from figures import practice


def figures_of(elbo, std=0.1, diverged=0):
    return {name: (elbo, std) for name in practice.METRICS} | {"diverged": diverged}


@pytest.mark.parametrize(
    ("a", "b", "holds"),
    [
        (figures_of(-20.0), figures_of(-21.0), True),
        (figures_of(-21.0), figures_of(-20.0), False),
        (figures_of(-20.0), figures_of(-20.1), False),  # two standard errors of the difference are 0.126
        (figures_of(-20.0), figures_of(-20.14), True),
        (figures_of(-20.0), figures_of(math.nan, math.nan, diverged=5), True),
        (figures_of(math.nan, math.nan, diverged=5), figures_of(-20.0), False),
    ],
)
def test_better(a, b, holds):
    assert practice.better("a", "b")({"a": a, "b": b, "seeds": 5}) == holds


def test_summary_of_seeds():
    seeds = [dict.fromkeys(practice.METRICS, value) for value in (-1.0, -3.0)]
    m = practice.summarize({"a": seeds, "b": [None, None], "c": [None, seeds[0]]})
    assert m["seeds"] == 2
    assert m["a"]["elbo"] == (-2.0, pytest.approx(2**0.5))
    assert [m[label]["diverged"] for label in "abc"] == [0, 2, 1]
    assert math.isnan(m["b"]["elbo"][0])
    assert m["c"]["elbo"] == (-1.0, 0.0)


def test_page(tmp_path, monkeypatch, capsys):
    """Two topics, one seed, one epoch: tables, verdicts and pictures are written."""
    monkeypatch.setattr(practice, "TOPICS", {name: practice.TOPICS[name] for name in ("init", "norm")})
    monkeypatch.setattr(practice, "cost", lambda: ((8, 16), {"dense": [1.0, 2.0], "conv": [3.0, 4.0]}))
    practice.write(tmp_path, seeds=1, epochs=1, processes=1)
    page = (tmp_path / "practice.md").read_text()
    for label in (*practice.TOPICS["init"][1], *practice.TOPICS["norm"][1]):
        assert f"\n| {label}" in page
    for text, _ in (*practice.TOPICS["init"][2], *practice.TOPICS["norm"][2]):
        assert f"- {text} Holds here." in page or f"- {text} **Does not hold here.**" in page
    assert "| conv | 3.0 | 4.0 |" in page
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"practice.md", "practice_init.png", "practice_norm.png", "practice_cost.png"}
    assert str(tmp_path / "practice.md") in capsys.readouterr().out


def test_the_published_page_has_every_topic_and_saying():
    page = (practice.HERE / "practice.md").read_text()
    for title, settings, sentences in practice.TOPICS.values():
        assert f"## {title}\n" in page
        assert all(f"\n| {label}" in page for label in settings)
        assert all(f"\n- {text} " in page for text, _ in sentences)
