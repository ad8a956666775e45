"""What holds whatever a user puts in: a result of finite numbers, or one clear line that names what is wrong.

`attempt` runs a function, and `command` the command line, on one input; both raise Outside where that does not hold.
"""

import contextlib
import functools
import io
import json
import math
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
import unicodedata
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
from matplotlib.figure import Figure

import minivae
from minivae import cli
from minivae.cli.base import COMMANDS

PACKAGE = Path(minivae.__file__).parent
REFUSALS = (ValueError, OSError, FloatingPointError)
LENGTH = 1000  # of a message, in characters
SECONDS = 20  # that one input may take
NOT_FINITE = re.compile(r"(?<![\w./-])[-+]?(nan|inf|infinity)(?![\w./-])", re.IGNORECASE)
RENDER = Figure.savefig
_raised = []  # what the last command raised


class Outside(AssertionError):
    """Something outside the contract. `key`: what it is, and where in minivae; the same for the same fault."""

    def __init__(self, what, where, text):
        super().__init__(f"{what} at {where}: {short(text)}")
        self.key = (what, where)


class TooLong(BaseException):
    """Stands for a user who loses patience: nothing in the library catches it."""


def attempt(run, subjects, folder=None):
    """Whether `run()` succeeded, else it was refused; Outside where it did neither as the contract says.

    A refusal must name one of `subjects`, unless it is about numbers, and leave the `folder` as it was.
    """
    before = contents(folder)
    with watched():
        try:
            result = run()
        except Outside:
            raise
        except REFUSALS as error:
            where = innermost(error)
            check_line(message(error), where, () if isinstance(error, FloatingPointError) else subjects)
            if contents(folder) != before:
                raise Outside("changed files", where, changes(before, contents(folder))) from None
            return False
        except Exception as error:
            raise Outside(type(error).__name__, innermost(error), message(error)) from error
        if not finite(result):
            raise Outside("not finite", run.__name__, f"{result}")
        return True


def command(argv, subjects, folder):
    """Whether a command succeeded, else it was refused; Outside where exit code, output or files are not as promised.

    A training that diverged, or met a full disk, may have done some epochs.
    """
    before = contents(folder)
    with watched():
        code, out, err, where = _outcome(argv)
        after = contents(folder)
        if code not in (0, 1, 2):
            raise Outside(f"exit code {code}", where, err)
        if code == 0:
            if err:
                raise Outside("words on stderr", argv[0], err)
            check_output(argv, out, {path: after[path] for path in after if after[path] != before.get(path)})
            return True
        if code == 2 or err:  # a wrong gradient is exit code 1 without a line
            if not (err.startswith("minivae: ") and err.endswith("\n") and err.count("\n") == 1):
                raise Outside("not one line", where, err)
            check_line(err.removeprefix("minivae: ").rstrip("\n"), where, () if code == 1 else subjects)
        trained = argv[0] == "train" and (code == 1 or any(isinstance(error, OSError) for error in _raised))
        if before.keys() - after.keys() or (not trained and after != before):
            raise Outside("changed files", where, changes(before, after))
        return False


def _outcome(argv):
    """(exit code, stdout, stderr, the line of minivae that an error came from) of a command."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    _raised.clear()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(argv)
        except SystemExit as stopped:  # --help, --version
            code = stopped.code
        except Exception as error:
            raise Outside(type(error).__name__, innermost(error), message(error)) from error
    where = innermost(_raised[0]) if _raised else "the command line"
    return code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode(), where


@contextlib.contextmanager
def watched():
    """Inside, nothing is printed and patience ends; a warning is Outside, where nothing worse is."""
    warned = []

    def note(text, category, *_):
        warned.append((category.__name__, line_of(traceback.extract_stack()), f"{text}"))

    with warnings.catch_warnings(), alarm(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        warnings.showwarning = note
        yield
    if warned:
        raise Outside(*warned[0])


def check_line(text, where, subjects):
    """Outside unless the text is one line, not long, printable, and names one of the subjects, if there are any."""
    line = " ".join(text.split())
    if not line or len(line) > LENGTH:
        raise Outside("long message" if line else "no message", where, line)
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in line):
        raise Outside("control characters", where, ascii(line))
    if subjects and not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line) for name in subjects):
        raise Outside("no subject", where, line)


def check_output(argv, out, written):
    """Outside where a command that succeeded printed or wrote a number that is not finite."""
    found = NOT_FINITE.search(out)
    if found and found[0] not in argv and not out.startswith("usage: "):  # of help, which speaks of NaN
        raise Outside("not finite", f"output of {argv[0]}", out[max(0, found.start() - 60) :])
    for path, content in written.items():
        if content is not None and not finite(_read(path, content)):
            raise Outside("not finite", f"{path.name} of {argv[0]}", content[:100])


def _read(path, content):
    """The numbers in a file."""
    if path.suffix in (".json", ".jsonl"):
        return [json.loads(line) for line in (content.splitlines() if path.suffix == ".jsonl" else [content])]
    if path.suffix == ".npy":
        return np.load(io.BytesIO(content))
    if path.suffix == ".safetensors":
        from safetensors.numpy import load

        return load(content)
    return None


def finite(tree):
    """Whether all numbers in nested arrays, tuples, lists and dicts are finite."""
    if isinstance(tree, dict):
        tree = [*tree.keys(), *tree.values()]
    if isinstance(tree, list | tuple):
        return all(map(finite, tree))
    if isinstance(tree, float):
        return math.isfinite(tree)
    if isinstance(tree, np.ndarray | np.generic) and tree.dtype.kind in "fc":
        return bool(np.isfinite(tree).all())
    return True


def message(error):
    try:
        return str(error)
    except ValueError:  # an integer of more digits than Python writes
        return ""


def innermost(error):
    """The last line of minivae that an error came through."""
    return line_of(traceback.extract_tb(error.__traceback__))


def line_of(frames):
    """The innermost line of minivae in a stack, else the innermost line."""
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    frame = (own or frames)[-1]
    return f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"


def contents(folder):
    """{path: its bytes, None for a folder} of all below a folder."""
    if folder is None:
        return {}
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(Path(folder).rglob("*"))}


def changes(before, after):
    """What happened to the files, in words."""
    kinds = {
        "lost": before.keys() - after.keys(),
        "new": after.keys() - before.keys(),
        "changed": {path for path in before.keys() & after.keys() if before[path] != after[path]},
    }
    return "; ".join(f"{kind}: {', '.join(sorted(p.name for p in paths))}" for kind, paths in kinds.items() if paths)


def short(value, most=240):
    """A value as text, without what makes it long."""
    sys.set_int_max_str_digits(0)
    try:
        text = value if isinstance(value, str) else repr(value)
    finally:
        sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)
    text = re.sub(r"(.)\1{39,}", lambda run: f"<{len(run[0])} times {run[1]}>", text)
    text = re.sub(r"\d{40,}", lambda digits: f"<{len(digits[0])} digits>", text)
    return ascii(text)[1:-1] if len(text) <= most else ascii(text[:most])[1:-1] + " ..."


@contextlib.contextmanager
def alarm():
    """Inside, TooLong is raised after SECONDS; Outside says so."""

    def ring(*_):
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    except TooLong as late:
        raise Outside("too long", innermost(late), f"more than {SECONDS} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def workshop():
    """Inside, a training draws nothing, pictures are not rendered, nothing is downloaded, and errors are remembered."""

    def no_download(name, file):
        raise ConnectionError(f"data: no mirror gave {file}")

    def nothing(*_):
        pass

    with contextlib.ExitStack() as stack:
        for name, stand_in in (
            ("minivae.cli.training.draw_run", nothing),
            ("minivae.cli.training.draw_epoch", nothing),
            ("minivae.data.sources.fetch", no_download),
            ("minivae.cli.COMMANDS", [(_remembering(function), arguments) for function, arguments in COMMANDS]),
        ):
            stack.enter_context(mock.patch(name, stand_in))
        stack.enter_context(mock.patch.object(Figure, "savefig", lambda self, file, **_: file.write(b"a picture")))
        yield


def _remembering(function):
    @functools.wraps(function)
    def call(**arguments):
        try:
            return function(**arguments)
        except Exception as error:
            _raised.append(error)
            raise

    return call


@contextlib.contextmanager
def folder_of(*templates):
    """A new folder with copies of these, to be in; afterwards it is gone."""
    here = Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="minivae-"))
    try:
        for template in templates:
            copy = shutil.copytree if template.is_dir() else shutil.copyfile
            copy(template, folder / template.name)
        os.chdir(folder)
        yield folder
    finally:
        os.chdir(here)
        shutil.rmtree(folder)
