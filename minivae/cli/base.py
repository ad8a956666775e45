"""What the commands share: how they are declared, and the paths that they write to."""

from pathlib import Path

COMMANDS = []  # (function, its arguments)


def argument(*flags, **how):
    """An argument of a command, as argparse takes it."""
    return flags, how


RUN = argument("run", metavar="RUN")


def command(*arguments):
    """Make a command of a function: its name, its docstring as help, and these arguments, passed by name."""

    def register(function):
        COMMANDS.append((function, arguments))
        return function

    return register


def output(out, suffix, default=None):
    """Where a file goes: `out` with this suffix in a folder that exists, else `default`."""
    if out is None:
        return default
    path = Path(out)
    if path.suffix.lower() != suffix:
        raise ValueError(f"out: expected a file name ending in {suffix}, got {out}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"out: the folder {path.absolute().parent} does not exist")
    if path.is_dir():
        raise ValueError(f"out: expected a file, {path} is a folder")
    return path


def short(value):
    """A setting as people write it."""
    return " ".join(map(str, value)) if isinstance(value, list) else value
