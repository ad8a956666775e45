"""Examples that come after a training: read from files, as the data of training were."""

from pathlib import Path

from .arrays import read_arrays
from .frames import is_table_file, read_table
from .lines import is_text_file, read_lines
from .pictures import read_pictures


def read_examples(path, argument, protocol):
    """(raw examples for `Protocol.prepare`, names of pictures or None) of a file or a folder.

    Raw examples are an array, of a table a DataFrame, of text all lines of the file, empty ones too. Raises ValueError
    for a file of another kind than training's, or one that cannot be read.
    """
    is_table, is_text = protocol.columns is not None, protocol.tokens is not None
    if (is_table_file(path), is_text_file(path)) != (is_table, is_text):
        wanted = ".npy, or a folder of pictures"
        if is_table or is_text:
            wanted = ".csv, a table as in training" if is_table else ".txt, lines of text as in training"
        raise ValueError(f"{argument}: expected a file name ending in {wanted}, got {path}")
    if is_text:
        return read_lines(path, argument), None
    if is_table:
        texts = [column.name for column in (*protocol.columns, protocol.label) if column and column.dtype == "str"]
        return read_table(path, argument, texts), None
    if Path(path).is_dir():
        try:
            found = read_pictures(path, protocol.side, protocol.shape[-1])
            return found.x, found.names
        except ValueError as error:
            raise ValueError(str(error).replace("data:", f"{argument}:", 1)) from None
    return read_array(path, argument), None


def read_array(path, argument):
    """The array in a .npy file; ValueError unless it holds one, with one example or more."""
    if Path(path).suffix.lower() != ".npy":
        raise ValueError(f"{argument}: expected a file name ending in .npy, got {path}")
    x = read_arrays(Path(path), argument=argument, map_large=True).get("x")
    if x is None:
        raise ValueError(f"{argument}: expected one array, {path} is an archive of several")
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"{argument}: expected at least one example, got shape {x.shape}")
    return x
