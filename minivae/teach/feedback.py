"""What is right in an answer, what is wrong, and what kind of mistake that is, in lines of text."""

import re
from contextlib import suppress
from functools import partial
from itertools import combinations, permutations

import numpy as np

from ..gradcheck.diagnosis import explain, same

REASON = "      "  # begins a line that says what kind of mistake it is
SECOND = "mend that first: a second mistake is left"
WHOLE = "an array of whole numbers: what is put into it loses its decimals"
FACTS = "sign", "transpose"  # what an array says of itself, whatever its neighbors are


def compare(task, inputs, found, passed=()):
    """(lines about the outputs of an answer, share of them that are right); the same is said of several together.

    `passed` are inputs on which the answer was right: a mistake that shows there is not the one.
    """
    truths = task.answers(task.reference, inputs)
    verdicts = {name: _difference(got, truths[name], task) for name, got in found.items()}
    wrong = [name for name, (complaint, _) in verdicts.items() if complaint]
    reasons = _Reasons(task, inputs, found, truths, wrong, passed).of_all() if wrong else {}
    lines = []
    for name, got in found.items():
        complaint, error = verdicts[name]
        if complaint is None:
            error = "" if isinstance(got, str) else f": largest error {error:.1e}"
            single = "; in float32, the lessons compute in float64" * (getattr(got, "dtype", None) == "float32")
            complaint = f"right{error}{_agreement(got, task.numeric(name, inputs))}{single}"
        lines.append(f"  {name:<10}  {complaint}")
    for text in dict.fromkeys(text for texts in reasons.values() for text in texts):
        names = [name for name, texts in reasons.items() if text in texts]
        lines.append(f"{REASON}{', '.join(names)}: {text}" if len(found) > 1 else f"{REASON}{text}")
    return lines, 1 - len(wrong) / len(found)


def _agreement(got, numeric):
    if numeric is None or not np.isfinite(numeric).any():
        return ""
    known = np.isfinite(numeric)
    error = np.abs(np.asarray(got)[known] - numeric[known]).max()
    return f", against the numeric gradient {error:.1e}"


def _difference(got, truth, task):
    """(what is wrong or None, largest error)."""
    if isinstance(truth, str):
        return (None, 0.0) if isinstance(got, str) and got == truth else (f"{got!r} is not it", 1.0)
    if got is None or isinstance(got, list | tuple | dict | str | np.ma.MaskedArray):
        return f"expected an array, got {kind_of(got)}{'; np.array makes one of it' * isinstance(got, list)}", 1.0
    if task.indices and getattr(got, "dtype", np.dtype(int)).kind == "f":
        return f"expected whole numbers, which can be indices, got {kind_of(got)}", 1.0
    a, b = numbers(got), np.asarray(truth, "float64")
    if _of_bool(got, b):
        return f"expected numbers, got {kind_of(got)}", 1.0
    if np.iscomplexobj(got):
        return "expected real numbers, got complex ones", 1.0
    if a is None:
        return f"expected numbers, got {kind_of(got)}", 1.0
    if a.shape != b.shape:
        return f"expected {_shape(b)}, got {_shape(a)}", 1.0
    if not np.isfinite(a).all():
        where = list(map(int, np.argwhere(~np.isfinite(a))[0]))
        first = f", the first at {where}" if where else ""
        return f"{int((~np.isfinite(a)).sum())} of {a.size} numbers are not finite{first}", 1.0
    error = np.abs(a - b)
    largest, scale = float(error.max(initial=0)), float(np.abs(b).max(initial=0))
    if largest <= task.tolerance * scale:
        return None, largest
    if task.indices:  # how far apart two of them are says nothing
        n = np.flatnonzero(error)
        first = f"the first at [{n[0]}]: yours {a[n[0]]:.0f} / true {b[n[0]]:.0f}"
        return f"{len(n)} of {a.size} are wrong, {first}", largest
    i = tuple(map(int, np.unravel_index(error.argmax(), a.shape)))
    where = f"worst at {list(i)}: " if i else ""
    size = f"largest error {largest:.3g}" + (f", {largest / scale:.2g} of the largest true value" if scale else "")
    return f"{size}; {where}your value {a[i] + 0:.6g} / true value {b[i] + 0:.6g}", largest


def _of_bool(got, truth):
    """Whether it is True or False, or an array of them where not all numbers are 0 or 1."""
    array = isinstance(got, np.ndarray) and got.dtype == bool and not np.isin(truth, (0, 1)).all()
    return array or isinstance(got, bool | np.bool_)


def _shape(a):
    return f"shape {a.shape}" if a.ndim else "a single number"


def numbers(value):
    """As a float64 array, or None where it is not of real numbers."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # a list of rows that differ in length
        return None
    return array.astype("float64") if array.dtype.kind in "biuf" else None


def kind_of(value):
    """Its type in words, with an article."""
    if value is None:
        return "None: is a return missing?"
    if type(value) is np.ndarray:
        return f"an array of {value.dtype}, shape {value.shape}"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


class _Reasons:
    """Why outputs of one answer are wrong: the slip of this exercise that fits, else what the laboratory says."""

    def __init__(self, task, inputs, found, truths, wrong, passed):
        self.task, self.inputs, self.found, self.wrong = task, inputs, found, wrong
        self.truths = {name: truth if isinstance(truth, str) else np.asarray(truth, "float64")
                       for name, truth in truths.items()}  # fmt: skip
        self.got = {name: got if isinstance(got, str) else None if isinstance(got, bool | np.bool_) else numbers(got)
                    for name, got in found.items()}  # fmt: skip
        with np.errstate(all="ignore"):  # overflow may be the slip
            self.slips = {text: self._outputs(slip) for text, slip in task.slips.items()
                          if not any(self._shows(slip, inputs) for inputs in passed)}  # fmt: skip

    def _outputs(self, slip):
        outputs = self.task.answers(slip, self.inputs)
        return {name: a if isinstance(a, str) else np.asarray(a, "float64") for name, a in outputs.items()}

    def _shows(self, slip, inputs):
        slipped, right = self.task.answers(slip, inputs), self.task.answers(self.task.reference, inputs)
        return any(_difference(np.asarray(slipped[name]), right[name], self.task)[0] for name in right)

    def of_all(self):
        """{wrong output: what is known of it}: a mistake that explains the whole answer, else one for each output."""
        whole = [text for text, outputs in self.slips.items() if self._all_fit(outputs)]
        if whole:
            return dict.fromkeys(self.wrong, whole)
        if exchanged := self._exchanged():
            return {name: [f"that is {other}; the order is {self.task.outputs}"] for name, other in exchanged.items()}
        found = {name: self._of(name) for name in self.wrong}
        reasons = {name: texts for name, (texts, _) in found.items()}
        unsure = [name for name, (texts, sure) in found.items() if len(texts) != 1 or not sure]
        if unsure:
            pairs = list(self._pairs())
            both = next((pair for *pair, outputs in pairs if self._all_fit(outputs)), None)
            for name in self.wrong if both else unsure:
                pair = both or next((pair for *pair, outputs in pairs if self._explains(name, outputs)), None)
                reasons[name] = self._of_pair(name, pair) if pair else reasons[name]
            if both and set(both) <= {text for texts in reasons.values() for text in texts}:  # nothing is left
                reasons = {name: [text for text in texts if text != SECOND] for name, texts in reasons.items()}
        return reasons

    def _exchanged(self):
        """{output: whose value it has} where the wrong ones are right, but in another order; else None."""
        arrays = [name for name in self.wrong if isinstance(self.got[name], np.ndarray)]
        of = {name: other for name, other in permutations(arrays, 2)
              if not isinstance(self.truths[other], str) and alike(self.got[name], self.truths[other])}  # fmt: skip
        return of if len(of) > 1 and set(of.values()) == set(self.wrong) else None

    def _of_pair(self, name, pair):
        """Of two mistakes: the one that reaches this output, or the one that reaches more, and that another is left."""
        reached = {text: [n for n in self.wrong if not _equal(self.slips[text][n], self.truths[n])] for text in pair}
        here = [text for text in pair if name in reached[text]]
        return here if len(here) == 1 else [max(pair, key=lambda text: len(reached[text])), SECOND]

    def _all_fit(self, outputs):
        return all((self._explains if name in self.wrong else self._fits)(name, outputs) for name in self.got)

    def _explains(self, name, outputs):
        return self._fits(name, outputs) and not _equal(outputs[name], self.truths[name])

    def _misfits(self, text):
        """In how many outputs a slip differs from the answer."""
        return sum(not self._fits(name, self.slips[text]) for name in self.got)

    def _fits(self, name, outputs):
        got, slip = self.got[name], outputs[name]
        if isinstance(got, str) or isinstance(slip, str):
            return isinstance(got, str) and isinstance(slip, str) and got == slip
        return got is not None and alike(got, slip)

    def _of(self, name):
        """(what is known of an output by itself, whether that is a kind of mistake and not only a description)."""
        got, truth = self.got[name], self.truths[name]
        partly = sorted(filter(lambda text: self._explains(name, self.slips[text]), self.slips), key=self._misfits)[:1]
        if isinstance(truth, str) or got is None or isinstance(got, str):
            return partly, True
        if self.task.tolerance == 0 and alike(got, truth):
            return ["right but for the last bits: another order, or another operation somewhere"], True
        whole = isinstance(self.found[name], np.ndarray) and self.found[name].dtype.kind in "iu"
        whole = whole and got.shape == truth.shape and not np.array_equal(np.trunc(truth), truth)
        if whole and np.array_equal(got, np.trunc(truth)):
            return [WHOLE], True
        same_array = [other for other, array in self.found.items() if _one_array(self.found[name], array)]
        if len(same_array) > 1:
            text = f"{' and '.join(same_array)} are one array: what is written into one is in the other as well"
            return [text], True
        finding = self._finding(got, truth, name)
        if finding is not None and finding.kind in FACTS and got.shape == truth.shape:
            return [finding.text], True
        if partly:
            return partly, True
        for other, array in self.truths.items():
            if other != name and not isinstance(array, str) and alike(got, array):
                return [f"that is {other}; the order is {self.task.outputs}"], True
        text = _text(finding, got, truth)
        if whole and (not text or _describes(finding)):  # sums, cut off after each term
            return [WHOLE], False
        return ([text], not _describes(finding)) if text else ([], False)

    def _finding(self, got, truth, name):
        """What the laboratory says of an output; None where it knows nothing, as of indices: they have no factor."""
        if self.task.indices and got.shape == truth.shape:
            return None
        others = {n: a for n, a in self.truths.items() if n != name and not isinstance(a, str)}
        rows = next((len(a) for a in self.inputs.values() if np.ndim(a) > 1), 1)
        around = self.task.around(**self.inputs) if self.task.around else {}
        finding = explain(got, truth, **({"others": others, "sizes": {"N": rows}} | around))
        order_of_two = finding is not None and finding.kind == "order" and len(np.unique(truth)) <= 2  # one-hot rows
        return None if finding is None or order_of_two or finding.kind in ("unknown", "not finite") else finding

    def _pairs(self):
        """(one mistake, another, {output: value}) of two variants of one function, with the changes of both."""
        for one, other in combinations(self.slips, 2):
            a, b = self.task.slips[one], self.task.slips[other]
            if isinstance(a, partial) and isinstance(b, partial) and a.func is b.func:
                with suppress(Exception), np.errstate(all="ignore"):  # two changes of one thing, or that do not fit
                    yield one, other, self._outputs(partial(a.func, *a.args, **a.keywords, **b.keywords))


def _text(finding, got, truth):
    """Without the shapes, where they have been said."""
    if finding is None or got.shape == truth.shape or finding.kind == "wrong axis":
        return finding and (finding.text.partition(":")[0] if finding.kind == "missing" else finding.text)
    if finding.kind == "shape":
        return "the right numbers, in another shape" if "right numbers" in finding.text else None
    return finding.text.partition(": ")[2]


def _describes(finding):
    """Whether it says how an array differs, and not what somebody did: two mistakes may look like that."""
    known = re.search(r"factor (1/.*|.* = .*|0\.5|2|0\.25|4)($|,)", finding.text)
    return finding.kind == "factor" and not known or finding.kind in ("entries", "order", "constant")


def _equal(a, b):
    return a == b if isinstance(a, str) else alike(a, b)


def _one_array(a, b):
    arrays = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    return arrays and a.shape == b.shape and np.shares_memory(a, b) and np.array_equal(a, b, equal_nan=True)


def alike(a, b):
    """The same, with infinities and NaN in the same places."""
    known = np.isfinite(a)
    if a.shape != b.shape or not np.array_equal(known, np.isfinite(b)):
        return False
    return np.array_equal(a[~known], b[~known], equal_nan=True) and same(a[known], b[known])
