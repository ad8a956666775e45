"""Lines of a small probabilistic grammar, whose entropy is known: a floor under the NLL of every model.

    S   -> v = E_v                      v one of a, b, c, d; what follows is in the style of v
    E_v -> F_v  |  F_v O_v E_v
    F_v -> a letter, mostly v  |  a digit  |  ( E_v )
    O_v -> +  |  -  |  *                each v has its own chances

Each line has one derivation, so that p(line) is the product of the chances of its rules. To end a line is such a choice
as well: E_v -> F_v.
"""

import math
from bisect import bisect
from itertools import accumulate

import numpy as np

LETTERS = "abcd"
DIGITS = "0123456789"
OPERATORS = {"a": (0.8, 0.1, 0.1), "b": (0.1, 0.8, 0.1), "c": (0.1, 0.1, 0.8), "d": (0.4, 0.3, 0.3)}  # of + - *
MORE = 0.68  # chance that an operator follows a term
NESTED = 0.06  # chance that a term is in parentheses; MORE + NESTED < 1, else lines would not end
LETTER = 0.47  # chance of a letter, as of a digit
SAME = 0.7  # chance that it is v


def _rules():
    """{symbol: [(chance, symbols in its place)]}; what has no rule stands in the line."""
    rules = {"S": [(1 / len(LETTERS), (v, "=", f"E_{v}")) for v in LETTERS]}
    for v in LETTERS:
        E, F, O = (f"{name}_{v}" for name in "EFO")
        others = [(LETTER * (1 - SAME) / 3, (u,)) for u in LETTERS if u != v]
        rules[E] = [(1 - MORE, (F,)), (MORE, (F, O, E))]
        rules[F] = [(NESTED, ("(", E, ")")), (LETTER * SAME, (v,)), *others, *((LETTER / 10, (d,)) for d in DIGITS)]
        rules[O] = [(p, (o,)) for p, o in zip(OPERATORS[v], "+-*", strict=True)]
    return rules


RULES = _rules()
CHANCES = {name: list(accumulate(p for p, _ in rules)) for name, rules in RULES.items()}


def expressions(n, rng):
    """n lines, drawn: list of str."""
    return [_line(rng) for _ in range(n)]


def _line(rng):
    line, todo = [], ["S"]  # symbols that are left, the next one last
    while todo:
        name = todo.pop()
        if name in RULES:
            chosen = bisect(CHANCES[name], rng.random() * CHANCES[name][-1])
            todo.extend(reversed(RULES[name][chosen][1]))
        else:
            line.append(name)
    return "".join(line)


def log_prob(line):
    """log p(line) in nats, its end included; -inf where it is none of the grammar."""
    v = line[:1]
    if v not in LETTERS or line[1:2] != "=":
        return -math.inf
    term, operator = ({right[0]: math.log(p) for p, right in RULES[f"{name}_{v}"]} for name in "FO")
    total, depth, open_ = math.log(1 / len(LETTERS)), 0, True  # open_: a term must follow
    for symbol in line[2:]:
        if open_ and symbol in term:
            total += term[symbol]
            open_ = symbol == "("
            depth += open_
        elif not open_ and symbol in operator:
            total += math.log(MORE) + operator[symbol]
            open_ = True
        elif not open_ and symbol == ")" and depth:
            total += math.log(1 - MORE)  # E_v -> F_v, within
            depth -= 1
        else:
            return -math.inf
    return -math.inf if open_ or depth else total + math.log(1 - MORE)


def entropy():
    """Of a line, in nats: the least mean of -log p that any model can have."""
    return _expected(lambda p, right: -math.log(p))


def mean_length():
    """Symbols of a line, its end mark included."""
    return 1 + _expected(lambda p, right: sum(symbol not in RULES for symbol in right))


def _expected(cost):
    """The expected sum of cost(p, right) over the rules of a derivation: H = h + M H, h (n,), M (n, n), n symbols."""
    names = list(RULES)
    h = np.array([sum(p * cost(p, right) for p, right in RULES[name]) for name in names])
    M = np.array([[sum(p * right.count(other) for p, right in RULES[name]) for other in names] for name in names])
    return float(np.linalg.solve(np.eye(len(names)) - M, h)[names.index("S")])
