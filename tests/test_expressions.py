"""The grammar whose entropy is known."""

import itertools
import math

import numpy as np
import pytest

from minivae.data import corpora, load_data
from minivae.data.expressions import DIGITS, LETTERS, MORE, NESTED, RULES, entropy, expressions, log_prob, mean_length

N = 20_000


@pytest.fixture(scope="module")
def drawn():
    """-log p (N,) and length (N,) of drawn lines."""
    lines = expressions(N, np.random.default_rng(1))
    return -np.array([log_prob(line) for line in lines]), np.array([len(line) + 1 for line in lines])


def score(nll, length, entropy, mean_length):
    """Standard errors between the mean of nll and the entropy, what lines' lengths explain of it taken off."""
    slope = np.polyfit(length, nll, 1)[0]
    rest = nll - slope * (length - mean_length)
    return (rest.mean() - entropy) / (rest.std() / math.sqrt(N))


def test_the_mean_of_log_prob_is_the_entropy(drawn):
    assert abs(score(*drawn, entropy(), mean_length())) < 4
    assert abs(score(*drawn, 1.01 * entropy(), mean_length())) > 8
    assert abs(score(*drawn, entropy(), 1.01 * mean_length())) > 8
    nll, length = drawn
    assert abs(nll.mean() - entropy()) < 4 * nll.std() / math.sqrt(N)
    assert abs(length.mean() - mean_length()) < 4 * length.std() / math.sqrt(N)


def test_chances_sum_to_one():
    for rules in RULES.values():
        assert sum(p for p, _ in rules) == pytest.approx(1)
    assert MORE + NESTED < 1


def lengths(most):
    """p(len(E) = n) for n <= most, by the grammar's recursion, without a line."""
    E, F = np.zeros(most + 1), np.zeros(most + 1)
    for n in range(1, most + 1):
        F[n] = (1 - NESTED) * (n == 1) + (NESTED * E[n - 2] if n > 2 else 0)
        E[n] = (1 - MORE) * F[n] + MORE * F[1 : n - 1] @ E[1 : n - 1][::-1]
    return E


def test_the_mean_length():
    p = lengths(1500)
    assert p.sum() == pytest.approx(1, rel=1e-9)
    assert 3 + p @ np.arange(1501) == pytest.approx(mean_length(), rel=1e-9)  # v, =, and the end mark


def test_chances_of_all_lines_of_a_length():
    symbols = LETTERS + DIGITS[:2] + "+-*()"
    found = np.zeros(4)
    for n in (1, 2, 3):
        for v in LETTERS:
            for rest in itertools.product(symbols, repeat=n):
                weight = 5 ** sum(s in DIGITS for s in rest)  # two digits stand for ten
                found[n] += weight * math.exp(log_prob(f"{v}={''.join(rest)}"))
    np.testing.assert_allclose(found, lengths(3), rtol=1e-12)


@pytest.mark.parametrize("line", ["", "a", "a=", "=a", "e=a", "a=e", "ab=a", "a=a+", "a=+a", "a=()", "a=(a", "a=a)",
                                  "aa", "a=a a", "a=(a)(b)", "a=(a+)", "a==a", "a=a=a", "a=ab", "a=10"])  # fmt: skip
def test_what_is_no_line(line):
    assert log_prob(line) == -math.inf


def test_a_line_by_hand():
    """b=(b-7): the letter, the nest, inside it a letter, an operator, a digit, the end, and the end of the line."""
    p = 1 / 4 * (1 - MORE) * NESTED * MORE * (0.47 * 0.7) * 0.8 * (1 - MORE) * 0.047
    assert log_prob("b=(b-7)") == pytest.approx(math.log(p))


def test_deep_lines_need_no_deep_stack():
    assert log_prob("a=" + 10**5 * "(" + "a" + 10**5 * ")") < -1e5


def test_the_set(monkeypatch):
    assert corpora.DRAWN == (24_000, 6000)
    monkeypatch.setattr(corpora, "DRAWN", (600, 100))
    data = load_data("expressions")
    p = data.protocol
    assert [p.name, p.tokens, p.n_train, p.n_validation] == ["expressions", "characters", 500, 100]
    assert p.vocabulary[2:] == tuple(sorted("abcd0123456789+-*()="))
    assert p == load_data("expressions").protocol
    made = p.original(data.test().x)
    assert made == expressions(700, np.random.default_rng(0))[600:]
    assert data.notes[0].startswith(f"x: the entropy of such lines is {entropy():.4f} nats each")
