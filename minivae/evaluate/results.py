"""What an estimate of log p(x) is an estimate of: two can be compared where all of that is equal, and nowhere else."""

import math
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from ..data import batches
from ..numeric import at_once


@dataclass(frozen=True)
class Result:
    """Estimates of log p(x) of some rows, with their protocol.

    Attributes
    ----------
    values : array (N,)
        Nats of each row.
    quantity : str
        "log p(x)", or "log p(x | y)" of a conditional model; a density's nats have other units than those of bits, and
        those of grey levels depend on how many there are: "log p(x) of 256 levels".
    method : str
        "importance sampling", "annealing in T steps", or "exact" where no latents are summed out.
    K : int
        Samples of each row, or chains.
    ess : array (N,)
        Effective sample sizes.
    data : str
        The source, its split, how pixels became bits.
    images : str
        Which rows of the split, and how many.
    rows : str
        sha256 of the rows themselves, bits drawn, and of what y they are given.
    bounds : dict, optional
        {k: mean bound of k samples}, nats.
    bits : float, optional
        Bits per dimension, -mean / (D log 2), where p is of bits or of grey levels.
    perplexity, perplexity_standard_error : float, optional
        Of a token of text, see `lines.perplexity`.
    """

    values: np.ndarray
    quantity: str
    method: str
    K: int
    ess: np.ndarray
    data: str
    images: str
    rows: str
    bounds: dict | None = None
    bits: float | None = None
    perplexity: float | None = None
    perplexity_standard_error: float | None = None

    @property
    def mean(self):
        """Nats per row."""
        return float(self.values.mean())

    @property
    def standard_error(self):
        """Of the mean over rows, nats; None of a single row."""
        return standard_error(self.values)

    def line(self):
        """The whole protocol in one line."""
        error = "" if self.standard_error is None else f" +- {self.standard_error:.2f}"
        bits = "" if self.bits is None else f", {self.bits:.4f} bits per dimension,"
        unit = "chains" if self.method.startswith("annealing") else "samples"
        how = f"by {self.method} with {self.K} {unit} (effective: {np.median(self.ess):.1f}, median)"
        how = "exactly" if self.method == "exact" else how
        return (f"{self.quantity} {self.mean:.2f}{error} nats{bits} {how}; {self.data}: {self.images}, sha256 "
                f"{self.rows[:12]}")  # fmt: skip

    def to_json(self):
        """{name: value} of everything but the values of the rows."""
        document = {"log_px": self.mean, "log_px_standard_error": self.standard_error, "quantity": self.quantity,
                    "method": self.method, "K": self.K, "ess_median": float(np.median(self.ess)),
                    "ess_smallest": float(self.ess.min()), "images": self.images, "data": self.data,
                    "rows_sha256": self.rows}  # fmt: skip
        optional = {"bits_per_dimension": self.bits, "bounds": self.bounds, "perplexity": self.perplexity,
                    "perplexity_standard_error": self.perplexity_standard_error}  # fmt: skip
        return document | {name: value for name, value in optional.items() if value is not None}

    @classmethod
    def from_json(cls, document, values):
        """The Result that wrote `document`, with the values of its rows; ValueError where they do not fit together."""
        try:
            names = ("quantity", "method", "K", "data", "images", "rows_sha256")
            quantity, method, K, data, images, rows = (document[name] for name in names)
            ess = np.array([document["ess_median"]])
            same = math.isclose(document["log_px"], values.mean(), rel_tol=1e-9, abs_tol=1e-9)
        except (KeyError, TypeError):
            raise ValueError("it was written before results had a protocol; evaluate again") from None
        if not same:
            raise ValueError("its rows have another mean; evaluate again")
        return cls(values, quantity, method, K, ess, data, images, rows, document.get("bounds"),
                   *map(document.get, ("bits_per_dimension", "perplexity", "perplexity_standard_error")))  # fmt: skip

    def minus(self, other):
        """(mean, standard error) of the difference, paired over the rows: far smaller than that of either mean.

        Raises ValueError unless both are of the same rows, quantity and, where both are importance-sampled, K: a bound
        of K samples is another quantity than that of more.
        """
        for name in ("quantity", "data", "images", "rows"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise ValueError(f"{name}: expected the same in both results, got {mine} and {theirs}")
        if self.method == other.method and self.K != other.K:
            raise ValueError(f"K: expected the same in both results, got {self.K} and {other.K}")
        difference = self.values - other.values
        return float(difference.mean()), standard_error(difference)


def standard_error(values):
    """Of the mean of values (N,); None of a single one."""
    return None if len(values) < 2 else float(np.std(values, ddof=1) / math.sqrt(len(values)))


def hash_of(x, y=None):
    """sha256 of rows x (N, D), and of their labels."""
    digest = sha256()
    for rows in batches(len(x), at_once(len(x), x.shape[1])):
        digest.update(np.ascontiguousarray(x[rows]).tobytes())
    if y is not None:
        digest.update(np.ascontiguousarray(y).tobytes())
    return digest.hexdigest()
