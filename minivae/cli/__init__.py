"""The command line. Each command is a function of one of the files here, with its arguments above it.

Bad input is one line on stderr and exit code 2; a training that diverged or a gradient that is wrong is exit code 1.
"""

import argparse
import os
import sys

from .. import __version__
from . import (  # noqa: F401 - they declare the commands
    arrays,
    checks,
    laboratory,
    ledger,
    lessons,
    measures,
    parity,
    pictures,
    training,
)
from .base import COMMANDS

ORDER = ("lessons", "train", "sample", "reconstruct", "interpolate", "traverse", "latent", "uncertainty", "animate",
         "encode", "decode", "evaluate", "compare", "info", "ledger", "gradcheck", "parity", "pencil", "units",
         "zoo")  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(message)


def main(argv=None):
    """Run a command; returns the exit code."""
    try:
        arguments = vars(_parser().parse_args(argv))
        return arguments.pop("command")(**arguments) or 0
    except BrokenPipeError:  # whoever read the output has gone; so does Python's last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, MemoryError) as error:
        message = str(error) or type(error).__name__
        code = 2
    except FloatingPointError as error:
        message = str(error)
        code = 1
    except KeyboardInterrupt:
        message, code = "interrupted", 130
    print(f"minivae: {' '.join(message.split())}", file=sys.stderr)
    return code


def _parser():
    parser = _Parser(prog="minivae", description="Variational autoencoders from scratch, every gradient by hand.")
    parser.add_argument("--version", action="version", version=f"minivae {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for function, arguments in sorted(COMMANDS, key=lambda command: ORDER.index(command[0].__name__)):
        text = function.__doc__.partition("\n")[0]
        sub = commands.add_parser(function.__name__, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(command=function)
        for flags, how in arguments:
            sub.add_argument(*flags, **how)
    return parser
