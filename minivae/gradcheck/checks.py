"""What an oracle answers: an error per array, and whether it is small enough."""

import math
from typing import NamedTuple

from ..tables import aligned

LIMIT = 1e-7  # of difference quotients in float64, relative; right code gives about 1e-10
NOTHING = "nothing was checked: there are no parameters, and x is not of real numbers"


class Entry(NamedTuple):
    """One coordinate: the derivative by hand, the numeric one, and their relative error."""

    index: tuple
    analytic: float
    numeric: float
    error: float


class Check(NamedTuple):
    """`error`: the largest of the `tried` that survived; `kinks`: how many did not; `worst`: the worst coordinates.

    `why`: what is not finite, or of another shape, and where; then `error` is infinite.
    """

    error: float
    tried: int
    kinks: int = 0
    limit: float = LIMIT
    worst: tuple = ()
    why: str = ""

    @property
    def wrong(self):
        """Whether what survived is enough to say so."""
        return not 0 <= self.error < self.limit  # NaN is not

    @property
    def ok(self):
        return not self.wrong and 2 * self.kinks <= self.tried != 0


class Checks(dict):
    """{name: Check}, printed as a table, not ok if empty; `broken`: a line for each broken rule (see rules.py)."""

    broken = ()

    @property
    def ok(self):
        return bool(self) and all(check.ok for check in self.values()) and not self.broken

    def __str__(self):
        rows = []
        for name, check in self.items():
            kinks = f"  ({check.kinks} of {check.tried} cross a kink)" if check.kinks else ""
            error = f"relative error {check.error:.1e}  " if math.isfinite(check.error) else ""
            why = check.why or f"the error is {check.error}" * (not error) or "nothing was tried" * (not check.tried)
            rows.append((name, f"{error}{'ok' if check.ok else 'NOT OK'}{why and ': ' + why}{kinks}"))
        lines = []
        for line, check in zip(aligned(rows, "<"), self.values(), strict=True):
            lines.append(line)
            if not check.ok:
                lines += [
                    f"  {str(list(map(int, e.index))):<14} analytic {e.analytic: .6e}  numeric {e.numeric: .6e}  "
                    f"relative error {e.error:.1e}"
                    for e in check.worst
                ]
        broken = self.broken if self else [NOTHING, *self.broken]
        return "\n".join([*lines, *(f"NOT OK: {rule}" for rule in broken)])
