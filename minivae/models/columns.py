"""The likelihood of a table: a part for each kind of column."""

from ..likelihoods import Bernoulli, Gaussian, Mixed, NegativeBinomial, Poisson, Softmax, StudentT
from ..options import one_of, table

# what a column of each kind may be under the likelihood `mixed`: the first is the default
PARTS = {"real": ("gaussian", "student-t"), "positive": ("gaussian",), "count": ("negative-binomial", "poisson"),
         "binary": ("bernoulli",), "category": ("softmax",)}  # fmt: skip
OF_COLUMNS = {  # n columns, and for each the mean count, or the error of rounding
    "gaussian": lambda n, units: Gaussian(1.0, n, units),
    "student-t": lambda n, units: StudentT(1.0, n, rounding=units),
    "negative-binomial": lambda n, units: NegativeBinomial(units, n),
    "poisson": lambda n, units: Poisson(units),
    "bernoulli": lambda n, units: Bernoulli(),
    "softmax": lambda n, units: Softmax(),
}


def read_parts(name, value):
    """{kind: likelihood} of columns."""
    parts = table(lambda key, part: part)(name, value)
    for kind, part in parts.items():
        if kind not in PARTS:
            raise ValueError(f"{name}: expected one of {', '.join(PARTS)}, got {kind!r}")
        one_of(PARTS[kind])(f"{name}.{kind}", part)
    return parts


def mixed(blocks, parts=None):
    """The likelihood of a table: a part for each of its blocks of columns, [(kind, width, units)].

    `units` are the mean counts of counts, and of numbers the standard deviation of their rounding, or None. A positive
    number is the logarithm in x, so that its Gaussian is a log-normal. `parts`: {kind: likelihood}.
    """
    chosen = {kind: names[0] for kind, names in PARTS.items()} | read_parts("parts", parts or {})
    return Mixed([(OF_COLUMNS[chosen[kind]](width, units), width) for kind, width, units in blocks])
