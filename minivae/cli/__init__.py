"""The command line. Each command is a function of one of the files here, with its arguments above it.

Bad input is one line on stderr and exit code 2; a training that diverged or a gradient that is wrong is exit code 1.
"""

import argparse
import os
import sys
from contextlib import suppress

import numpy as np

from .. import __version__
from ..files import said
from ..options import text
from . import (  # noqa: F401 - they declare the commands
    arrays,
    checks,
    climb,
    editing,
    laboratory,
    ledger,
    lessons,
    measures,
    neighbors,
    parity,
    pictures,
    reproduce,
    training,
)
from .base import COMMANDS

ORDER = ("lessons", "train", "sample", "reconstruct", "score", "impute", "interpolate", "traverse", "latent",
         "neighbors", "attention", "edit", "climb", "uncertainty", "animate", "encode", "decode", "evaluate", "compare",
         "reproduce", "info", "ledger", "gradcheck", "parity", "pencil", "units", "zoo")  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(message)


def main(argv=None):
    """Run a command; returns the exit code."""
    _open_streams()
    try:
        arguments = vars(_parser().parse_args(argv))
        for name, value in arguments.items():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, str):
                    text(name, part)
        _check_folder()
        with np.errstate(all="ignore"):  # finiteness is tested instead
            code = arguments.pop("command")(**arguments) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read the output has gone; so does Python's last flush
        _drop_output()
        return 141
    except OSError as error:
        message, code = said(error), 2
        if error.filename is None and error.errno and error.strerror == os.strerror(error.errno):  # of print
            message = f"output: cannot write ({message})"
            _drop_output()
    except MemoryError as error:
        message, code = f"not enough memory ({error or type(error).__name__})", 2
    except ValueError as error:
        message, code = str(error), 2
    except FloatingPointError as error:
        message, code = str(error), 1
    except KeyboardInterrupt:
        message, code = "interrupted", 130
    print(f"minivae: {in_one_line(message)}", file=sys.stderr)
    return code


def _open_streams():
    """Where a shell has closed one, what is printed there goes nowhere, and not into the next file that is opened."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
    if hasattr(sys.stdout, "reconfigure"):  # a name may hold what the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_output():
    """What is still to be printed goes nowhere."""
    with suppress(OSError, AttributeError):  # of a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check_folder():
    try:
        os.getcwd()
    except OSError as error:
        raise ValueError(f"working folder: cannot be read ({error.strerror}); go to one that exists") from None


def in_one_line(message):
    """Its beginning if it is long, and nothing that a terminal would take for a command: it may come from a file."""
    message = " ".join(message.split())
    plain = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in message[:900])
    return "".join(plain) + " ..." * (len(message) > 900)


def _parser():
    parser = _Parser(prog="minivae", description="Variational autoencoders from scratch, every gradient by hand.")
    parser.add_argument("--version", action="version", version=f"minivae {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for function, arguments in sorted(COMMANDS, key=lambda command: ORDER.index(command[0].__name__)):
        summary = (function.__doc__ or "").partition("\n")[0]  # python -OO drops it
        sub = commands.add_parser(function.__name__, help=summary, description=summary, allow_abbrev=False)
        sub.set_defaults(command=function)
        for flags, how in arguments:
            sub.add_argument(*flags, **how)
    return parser
