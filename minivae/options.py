"""Options: how a value is read from text or TOML, its default, its help, and how it may change later.

A model declares its own, `options = {name: Option}`, and so do data, optimizers and training. Flags, configuration
files, the recorded settings, checkpoints and the arguments of Python are all read off them, so that nothing else lists
options and nothing that one of these refuses passes in another.
"""

import math
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any
from unicodedata import category

UNKNOWN = object()  # older runs have no such value
MOST = 2**53  # up to here every whole number is a float


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes
    ----------
    read : callable(name, value)
        Turns text or a TOML value into the option's value, or raises ValueError.
    default
        The value where none is given. None: what `fill` gives, or no value at all.
    help : str
        The words beside its flag in the help.
    metavar : str
        What stands for the value in the help. Empty: there is no flag, and a configuration file sets the option.
    many : bool
        Whether the flag takes several values.
    fill : callable(settings), optional
        Gives the default, where it depends on other settings.
    needs : (name, values), optional
        Another option, and the values of it with which this one may be given.
    optional : bool
        Whether the value may be None when all settings are known.
    on_resume : {"fixed", "free", "grows", "moves"}
        What a resumed run may change: nothing; anything, where no number depends on it; the value, to a larger one; or
        where the same numbers come from (a file, a backend).
    older
        The value of this option in runs that were written before it existed. Each new option needs one.
    """

    read: Callable
    default: Any
    help: str
    metavar: str = ""
    many: bool = False
    fill: Callable | None = None
    needs: tuple | None = None
    optional: bool = False
    on_resume: str = "fixed"
    older: Any = UNKNOWN

    def settled(self, settings, value):
        """`value`, or in place of None what `fill` gives of all other settings."""
        return self.fill(settings) if value is None and self.fill is not None else value

    def belongs(self, settings):
        """Whether the option may be given: the one that it needs has one of the values that it needs."""
        return self.needs is None or settings.get(self.needs[0]) in self.needs[1]


def read_arguments(options, **values):
    """[value] of arguments of Python, each read by its option; None stays where it stands for no value."""
    return [v if v is None and options[name].optional else options[name].read(name, v) for name, v in values.items()]


def shown(value):
    """A value in a message: its beginning where it is long."""
    try:
        return repr(value) if isinstance(value, str) and len(value) <= 100 else " ".join(reprlib.repr(value).split())
    except ValueError:  # Python prints whole numbers of up to 4,300 digits
        return f"a whole number of {value.bit_length()} bits" if isinstance(value, int) else type(value).__name__


def kind_of(x, why):
    """What came in place of an array of numbers: rows of different lengths, a sparse matrix; else its type, and why."""
    if hasattr(x, "toarray"):
        return f"a sparse {type(x).__name__} {x.shape}; its .toarray() is one"
    if isinstance(x, list | tuple) and all(hasattr(row, "__len__") for row in x):
        lengths = {len(row) for row in x}
        if len(lengths) > 1:
            return f"{type(x).__name__} of {len(x)} rows of {min(lengths)} to {max(lengths)} values"
    return f"dtype {why}" if hasattr(why, "kind") else f"{type(x).__name__} ({why})"


def sizes(**values):
    """[value] of whole numbers from 1 up, such as widths; ValueError names the first that is none."""
    return [whole(1)(name, value) for name, value in values.items()]


# ---- readers: read(name, value)


def whole(least, most=MOST):
    """Whole numbers from `least` to `most`, both included."""

    def read(name, value):
        number = _number(int, name, value, f"a whole number >= {least}")
        if number < least or (not isinstance(value, str) and number != value):
            raise ValueError(f"{name}: expected a whole number >= {least}, got {_as_read(value, number)}")
        if number > most:
            raise ValueError(f"{name}: expected a whole number <= {most}, got {_as_read(value, number)}")
        return number

    return read


def real(low=0, below=math.inf, closed=False):
    """Numbers below `below` and above `low`, which is allowed itself if `closed`."""
    what = f"a finite number {'>=' if closed else '>'} {low}" + (f" and < {below:g}" if below < math.inf else "")

    def read(name, value):
        number = _number(float, name, value, what)
        if not (low < number < below or (closed and number == low)):
            raise ValueError(f"{name}: expected {what}, got {_as_read(value, number)}")
        return number

    return read


def real_number(name, value):
    """Any finite number."""
    number = _number(float, name, value, "a finite number")
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {_as_read(value, number)}")
    return number


def one_of(names):
    """One of some names."""

    def read(name, value):
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"{name}: expected one of {', '.join(names)}, got {shown(value)}")
        return value

    return read


def each(read_one):
    """Lists; `read_one` reads each item."""

    def read(name, values):
        if getattr(values, "ndim", None) == 1:  # an array
            values = values.tolist()
        if not isinstance(values, list | tuple | range):
            raise ValueError(f"{name}: expected a list of numbers, got {shown(values)}")
        return [read_one(name, value) for value in values]

    return read


def table(read_one):
    """Tables of names and values; `read_one` reads each value."""

    def read(name, values):
        if not isinstance(values, dict):
            raise ValueError(f"{name}: expected a table of names and values, got {shown(values)}")
        return {key: read_one(f"{name}.{key}", value) for key, value in values.items()}

    return read


def table_of(readers):
    """Tables of some names of {name: reader}."""
    read_any = table(lambda name, value: value)

    def read(name, values):
        values = read_any(name, values)
        unknown = [key for key in values if key not in readers]
        if unknown:
            raise ValueError(f"{name}: expected {', '.join(readers)}, got {shown(unknown[0])}")
        return {key: readers[key](f"{name}.{key}", value) for key, value in values.items()}

    return read


def whole_or_list(name, value):
    """A whole number, or a list of them."""
    return whole(0, 4096)(name, value) if isinstance(value, str | Real) else each(whole(0))(name, value)


def switch(name, value):
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: expected true or false, got {shown(value)}")
    return value


def text(name, value):
    """Text that is not empty, and holds nothing that a terminal would take for a command."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: expected text, got {shown(value)}")
    if not is_plain(value):
        raise ValueError(f"{name}: expected text without control characters, got {shown(value)}")
    return value


def is_plain(value):
    """Whether text holds no control characters."""
    return not any(category(character) == "Cc" for character in value)


def is_number(value):
    """Whether JSON had a finite float here."""
    return type(value) is float and math.isfinite(value)


def _number(kind, name, value, what):
    """`value` as an int or a float, which is `kind`; ValueError says that `what` was expected."""
    if getattr(value, "ndim", None) == 0:  # NumPy's
        value = value.item()
    try:
        if isinstance(value, bool) or not isinstance(value, Real | str):
            raise ValueError
        return kind(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: expected {what}, got {shown(value)}") from None


def _as_read(value, number):
    """A value as a message shows it that says what is wrong with its number."""
    return shown(number if isinstance(value, str) else value)
