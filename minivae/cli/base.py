"""What the commands share: how they are declared, the runs that they open, and the paths that they write to."""

import math
from contextlib import contextmanager
from pathlib import Path

from ..files import held, sweep
from ..finite import TOO_LARGE
from ..runs import Run

COMMANDS = []  # (function, its arguments)


def argument(*flags, **how):
    """An argument of a command, as argparse takes it."""
    return flags, how


RUN = argument("run", metavar="RUN")
FORCE = argument("--force", action="store_true", help="replace the file of --out if there is one")


def command(*arguments):
    """Make a command of a function: its name, its docstring as help, and these arguments, passed by name."""

    def register(function):
        COMMANDS.append((function, arguments))
        return function

    return register


@contextmanager
def opened(path):
    """The run in a folder; what is written below it goes into this folder or nowhere."""
    with held(path):
        run = Run.open(path)
        sweep(path)
        yield run


def output(out, suffixes, default=None, force=False):
    """Where a file goes: `out` with one of these suffixes in a folder that exists, else `default`, a picture of a run.

    ValueError where it would replace a file that is not `default`, unless by `force`.
    """
    if out is None:
        return default
    path = Path(out)
    suffixes = (suffixes,) if isinstance(suffixes, str) else suffixes
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"out: expected a file name ending in {' or '.join(suffixes)}, got {out}")
    try:
        if not path.absolute().parent.is_dir():
            raise ValueError(f"out: the folder {path.absolute().parent} does not exist")
        if path.is_dir():
            raise ValueError(f"out: expected a file, {path} is a folder")
        own = default is not None and path.resolve() == default.resolve()
        if path.exists() and not (force or own):
            raise ValueError(f"out: {path} exists; expected the name of a new file, or --force")
    except OSError as error:
        raise ValueError(f"out: cannot write {out} ({error.strerror})") from None
    return path


def check_finite(values, of):
    """FloatingPointError, which says which of {name: number} is not finite, and of what."""
    bad = [f"{name} is {value}" for name, value in values.items() if value is not None and not math.isfinite(value)]
    if bad:
        raise FloatingPointError(f"{of}: not finite ({', '.join(bad)}); {TOO_LARGE}")


def short(value):
    """A setting as people write it."""
    return " ".join(map(str, value)) if isinstance(value, list) else value
