"""Lines of text: in .txt files, one sequence a line, or in lists."""

import re
from pathlib import Path

from ..files import read_file
from ..options import shown
from .frames import is_frame

SUFFIX = ".txt"
SETS = ("names", "shakespeare", "smiles", "expressions")  # those that have a name
ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, tabs among them, and halves of characters


def is_text_file(source):
    """Whether a name is that of a file of lines."""
    return isinstance(source, str | Path) and str(source).lower().endswith(SUFFIX)


def is_text(source):
    """Whether data are lines of text: a named set, a file, or a list of str."""
    if isinstance(source, str | Path):
        return str(source) in SETS or is_text_file(source)
    return _is_list(source) and isinstance(next(iter(source), None), str)


def _is_list(lines):
    return isinstance(lines, list | tuple) or (getattr(lines, "ndim", None) == 1 and not is_frame(lines))


def check_lines(lines, argument):
    """Lines as a list of str; ValueError unless there is one, and all are plain text."""
    if not _is_list(lines):
        got = shown(lines) if isinstance(lines, str) else type(lines).__name__
        raise ValueError(f"{argument}: expected a list of lines of text, got {got}")
    if not len(lines):
        raise ValueError(f"{argument}: expected at least one line of text, got none")
    for number, line in enumerate(lines, 1):
        if not isinstance(line, str):
            raise ValueError(f"{argument}: expected text in line {number}, got {type(line).__name__}")
        odd = ODD.search(line)
        if odd:
            raise ValueError(f"{argument}: expected no control characters, tabs among them, got {odd[0]!r} in line "
                             f"{number}")  # fmt: skip
    return [str(line) for line in lines]


def read_lines(path, argument="data"):
    """The lines of a .txt file, empty ones among them; ValueError if it is no plain text in UTF-8."""
    return lines_in(read_file(path, argument), path, argument)


def lines_in(content, path, argument="data"):
    """The same of the file's content, bytes."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{argument}: {path} is no text in UTF-8 (byte {content[error.start]:#04x} in line {line}); "
                         "save it in that encoding") from None  # fmt: skip
    if not text.strip():
        raise ValueError(f"{argument}: {path} has no text")
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    try:
        return check_lines(lines, argument)
    except ValueError as error:
        raise ValueError(f"{error} of {path}") from None
