"""What kind of mistake is it? A wrong gradient is compared with what well-known mistakes would have given.

`explain` is the dictionary: two arrays, got and truth, and what is known around them. The simplest entry that fits
exactly wins; if none does, it says so. `chain.diagnose` fills in what is around an array of a layer or a model.
"""

import itertools
import math
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from ..backend import unbroadcast
from .compare import norm, not_finite

CLOSE = 1e-5  # relative to the norm: what numeric gradients leave open, and far below any mistake worth a name


class Finding(NamedTuple):
    """`kind`: a word for programs; `text`: a line for people; `where`: which array it is about."""

    kind: str
    text: str
    where: str = ""

    def __str__(self):
        return f"{self.where}: {self.text}" if self.where else self.text


def explain(got, truth, *, sizes=None, terms=None, factors=None, others=None, parts=None):
    """The Finding that fits a wrong gradient, or None where it is right.

    Parameters
    ----------
    got, truth : arrays
        The gradient in question, and the numeric or true one.
    sizes : {name: number}
        N, D, L ...: factors that people forget or add.
    terms : {name: array}
        Terms whose sum is `truth`: reconstruction and KL.
    factors : {what it means: array}
        Arrays that `truth` may have been multiplied with; "std" may stand where the variance should, or be missing.
    others : {name: array}
        Other gradients of the same step, which may have been used in its place.
    parts : array (n, *truth.shape)
        What `truth` is the sum of: one entry per example.
    """
    if got is None:
        return Finding("missing", "there is none: backward returned None")
    got, truth = np.asarray(got, "float64"), np.asarray(truth, "float64")
    if got.shape != truth.shape:
        return _of_another_shape(got, truth)
    if not np.isfinite(got).all():
        count = f"{int((~np.isfinite(got)).sum())} of {got.size} entries are not finite"
        return Finding("not finite", f"{count}: {not_finite('the first', got)}")
    known = np.isfinite(sum((terms or {}).values(), truth))
    if not known.all():  # kinks are left out
        pick = lambda arrays: {n: a[known] for n, a in (arrays or {}).items() if np.shape(a) == known.shape}  # noqa: E731
        got, truth, parts = got[known], truth[known], None
        terms, factors, others = pick(terms), pick(factors), pick(others)
    if same(got, truth):
        return None
    if not got.any():
        return Finding("missing", "it is zero everywhere: never computed, or never added")
    entries = (
        lambda: _factor(got, truth, sizes or {}),
        lambda: _terms(got, terms or {}, sizes or {}),
        lambda: _elementwise(got, truth, factors or {}),
        lambda: _within_a_term(got, terms or {}, factors or {}, others or {}),
        lambda: _transposed(got, truth),
        lambda: _axes(got, parts),
        lambda: _another(got, others or {}),
        lambda: _order(got, truth),
        lambda: _few(got, truth),
    )
    ratio = f"{norm(got) / max(norm(truth), 1e-300):.3g}"
    unknown = Finding("unknown", f"no mistake that I know fits; its norm is {ratio} times the true one")
    return next((finding for entry in entries if (finding := entry())), unknown)


def name_of(c, sizes):
    """A factor in words: 2, -1, 1/N = 1/5, or its digits; None where it is 1."""
    if abs(c - 1) < CLOSE:
        return None
    number = " or ".join(_known(c, sizes)) or f"{abs(c):.6g}"
    return number if c > 0 else f"-({number})"


def _known(c, sizes):
    """Names of |c| among the factors that people forget or add."""
    known = {"0.5": 0.5, "2": 2.0, "0.25": 0.25, "4": 4.0}
    pairs = {f"{a} {b}": n * m for (a, n), (b, m) in itertools.combinations(sizes.items(), 2)}
    for a, n in (sizes | pairs).items():
        known |= {f"{a} = {n}": n, f"1/({a}) = 1/{n}" if a in pairs else f"1/{a} = 1/{n}": 1 / n}
    return [text for text, value in known.items() if abs(abs(c) / value - 1) < CLOSE]


def _of_another_shape(got, truth):
    if got.size == truth.size and same(got.ravel(), truth.ravel()):
        return Finding("shape", f"the right numbers in shape {got.shape} instead of {truth.shape}")
    if same(got, truth.sum()):
        return Finding("wrong axis", "summed over everything")
    with suppress(ValueError, IndexError):
        if got.ndim >= truth.ndim and same(unbroadcast(got, truth.shape), truth):
            return Finding("not summed", f"shape {got.shape} for {truth.shape}: not summed over the broadcast axes")
    if got.shape == truth.shape[::-1] and same(got.T, truth):
        return Finding("transpose", f"shape {got.shape} for {truth.shape}: it is the transpose")
    return Finding("shape", f"shape {got.shape}, expected {truth.shape}")


def _factor(got, truth, sizes):
    c = _ratio(got, truth)
    if c is None or norm(got - c * truth) > 0.01 * norm(got - truth):  # the rest is not small beside the mistake
        return None
    if abs(c + 1) < CLOSE:
        return Finding("sign", "the sign is wrong")
    if truth.size == 1 and not _known(c, sizes):  # any two numbers have a factor
        return None
    sign, twice = "the sign is wrong, and " * (c < 0), ", or added twice" * (abs(c - 2) < CLOSE)
    return Finding("factor", f"{sign}it is off by exactly the factor {name_of(abs(c), sizes)}{twice}")


def _terms(got, terms, sizes):
    """got = sum of c_t times term t, by least squares."""
    names = [name for name, term in terms.items() if norm(term) > 1e-9 * norm(got)]
    if not 2 <= len(names) < got.size:  # as many numbers as terms are fitted by any factors
        return None
    A = np.stack([terms[name].ravel() for name in names], axis=1)
    lengths = np.array([norm(terms[name]) for name in names])
    c, _, rank, _ = np.linalg.lstsq(A / lengths, got.ravel(), rcond=1e-9)
    c = c / lengths
    if rank < len(names) or not same((A @ c).reshape(got.shape), got):
        return None
    missing = [name for name, value in zip(names, c, strict=True) if abs(value) < CLOSE]
    if missing:
        return Finding("missing term", f"the {' and the '.join(missing)} part is missing")
    wrong = [f"the {name} part is off by the factor {name_of(value, sizes)}"
             for name, value in zip(names, c, strict=True) if name_of(value, sizes)]  # fmt: skip
    return Finding("term", ", ".join(wrong)) if wrong else None


def _within_a_term(got, terms, factors, others):
    """One term is wrong, the others are right."""
    for name, term in terms.items():
        if norm(term) < 1e-9 * norm(got):
            continue
        rest = got - sum(other for key, other in terms.items() if key != name)
        finding = _elementwise(rest, term, factors) or _another(rest, others) if len(terms) > 1 else None
        if finding is not None:
            return finding._replace(text=f"in the {name} part, {finding.text}")
    return None


def _elementwise(got, truth, factors):
    """An array of the same shape that is one time too many, or too few, in a product."""
    for name, array in factors.items():
        try:
            array = np.broadcast_to(array, truth.shape)
        except ValueError:
            continue
        if norm(array - array.flat[0]) < 1e-9 * norm(array) or not array.all():
            continue  # the first is a constant factor
        for value, times in ((truth * array, "often"), (truth / array, "seldom")):
            c = _ratio(got, value)
            if c is not None:
                rest = "" if name_of(c, {}) is None else f", and the factor {name_of(c, {})}"
                if name.startswith("std"):
                    return Finding("variance for std", f"{name} is in it once too {times}: variance and standard "
                                   f"deviation are taken for each other{rest}")  # fmt: skip
                return Finding("wrong factor", f"the factor {name} is in it once too {times}{rest}")
    return None


def _transposed(got, truth):
    for axes in itertools.permutations(range(truth.ndim)):
        moved = truth.transpose(axes)
        if axes != tuple(range(truth.ndim)):
            if moved.shape == truth.shape and same(got, moved):
                return Finding("transpose", "two axes are exchanged: it is the transpose")
            if same(got, moved.reshape(truth.shape)):
                return Finding("transpose", "the transpose, reshaped to the right shape: reshape does not transpose")
    return None


def _axes(got, parts):
    """Sums of the examples' parts over other axes than the batch."""
    if parts is None:
        return None
    if any(same(got, part) for part in parts):
        return Finding("not summed", "it is one example's part: not summed over the batch")
    for k in range(1, parts.ndim + 1):
        for axes in itertools.combinations(range(parts.ndim), k):
            total = parts.sum(axis=axes)
            fits = total.shape == got.shape[got.ndim - total.ndim :]
            if axes != (0,) and fits and same(got, np.broadcast_to(total, got.shape)):
                return Finding("wrong axis", f"the examples' parts {parts.shape} are summed over {_words(axes)} in the "
                               "place of axis 0, the batch")  # fmt: skip
    return None


def _another(got, others):
    for name, array in others.items():
        if np.shape(array) == got.shape and same(got, array):
            return Finding("stale upstream", f"it is {name}: that gradient is used in the place of this one")
        if got.size > 1 and np.shape(array) == got.shape and (c := _ratio(got, array)) is not None:
            return Finding("stale upstream", f"it is {c:.6g} times {name}")
    return None


def _order(got, truth):
    for axis in range(truth.ndim):
        if same(got, np.flip(truth, axis)):
            return Finding("order", f"the entries along axis {axis} are in reverse order")
        for shift in range(1, truth.shape[axis]):
            if same(got, np.roll(truth, shift, axis)):
                return Finding("order", f"the entries are moved by {shift} along axis {axis}")
    if same(np.sort(got, axis=None), np.sort(truth, axis=None)):
        return Finding("order", "the right numbers in another order")
    return None


def _few(got, truth):
    """Few entries are wrong, or all by the same amount."""
    wrong = np.abs(got - truth) > CLOSE * np.abs(truth).max()
    if wrong.any() and 4 * wrong.sum() <= wrong.size:
        i = tuple(map(int, np.argwhere(wrong)[np.argmax(np.abs(got - truth)[wrong])]))
        ratio = f"{got[i] / truth[i]:.6g} times what it should be" if truth[i] else f"{got[i]:.6g}, not 0"
        return Finding("entries", f"right but for {int(wrong.sum())} of {wrong.size} entries; {list(i)} is {ratio}")
    c = float((got - truth).mean())
    if got.size > 2 and same(got - truth, np.full(got.shape, c)):
        return Finding("constant", f"off by {c:.6g} everywhere")


def _words(axes):
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"


def _ratio(got, truth):
    """c with got = c truth, or None."""
    size = norm(truth)
    c = float((got * (truth / size)).sum()) / size if size else 0.0
    return c if c and same(got, c * truth) else None


def same(a, b):
    """Whether two arrays agree as far as a numeric gradient can tell."""
    return a.shape == b.shape and norm(a - b) <= CLOSE * max(norm(a), norm(b)) < math.inf
