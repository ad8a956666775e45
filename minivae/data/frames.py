"""Tables in files: .csv with a header, also packed by gzip."""

import gzip
import io
import warnings
from pathlib import Path

from ..files import check_file, memory
from ..options import is_plain, shown

SUFFIXES = (".csv", ".csv.gz")
SEPARATORS = ",;\t"


def is_table_file(source):
    """Whether a name is that of a table."""
    return isinstance(source, str | Path) and str(source).lower().endswith(SUFFIXES)


def is_frame(source):
    """Whether it is a pandas DataFrame."""
    return type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "columns")


def read_table(path, argument="data", texts=()):
    """The DataFrame of a .csv or .csv.gz file; ValueError if it is none, or its first row is no header.

    The separator is a comma, a semicolon or a tab, whichever its first row has most of. Empty cells are missing values.
    Columns are numbers where all their cells are, without zeros in front as codes have them, and unless they are among
    the names `texts`.
    """
    import pandas as pd

    path = Path(path)
    check_file(path, argument)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = _content(path)
            how = {"encoding": "utf-8-sig", "skipinitialspace": True, "low_memory": False}
            head = pd.read_csv(content(), header=None, nrows=1, sep="\0", engine="python", quoting=3, dtype=str)
            separator = max(SEPARATORS, key=str(head.iat[0, 0]).count)
            names = pd.read_csv(content(), header=None, nrows=1, sep=separator, dtype=str, **how).iloc[0].tolist()
            frame = pd.read_csv(content(), sep=separator, dtype=str, **how)
            if not isinstance(frame.index, pd.RangeIndex):  # the names were taken for those of the last cells
                raise ValueError("its rows have more cells than its header has names")
            frame = frame.apply(lambda cells: cells if cells.name in texts else _typed(cells))
    except OSError as error:
        raise ValueError(f"{argument}: cannot read {path} ({error.strerror or error})") from None
    except MemoryError:
        raise
    except Exception as error:  # the parser's own, damaged gzip, text that is no UTF-8
        raise ValueError(f"{argument}: {path} is no readable table ({' '.join(str(error).split())})") from None
    names = [new if pd.isna(old) else old for old, new in zip(names, frame, strict=True)]
    return check_frame(frame, argument, path, names)


def _typed(cells):
    """A column of texts as numbers, or true and false, where all of its cells are."""
    import pandas as pd

    seen = cells.dropna()
    if len(seen) and seen.isin(("True", "False")).all():
        return cells.map({"True": True, "False": False})
    numbers = pd.to_numeric(cells, errors="coerce")
    is_number = numbers.notna().sum() == len(seen) and not seen.str.match(r"[+-]?0\d").any()
    return numbers if is_number else cells


def _content(path):
    """A function that opens the text of a file, unpacked; ValueError if it is too large for a table in memory."""
    most = int(min(memory(), 2**50)) // 4
    with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"more than {most:,} bytes, a quarter of this machine's memory")
    return lambda: io.BytesIO(content)


def check_frame(frame, argument, what="the table", names=None):
    """The DataFrame with its names as text; ValueError unless it has rows, and columns with different names."""
    names = [str(name) for name in (frame.columns if names is None else names)]
    if all(_is_number(name) for name in names) and what != "the table":
        raise ValueError(f"{argument}: {what} has no header: its first row is {shown(', '.join(names[:8]))}")
    odd = [name for name in names if not is_plain(name)]
    if odd:
        raise ValueError(f"{argument}: the name {shown(odd[0])} of a column has control characters")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{argument}: {what} has more than one column called {', '.join(map(shown, twice))}")
    if not len(frame) or not names:
        raise ValueError(f"{argument}: {what} has no rows")
    return frame.set_axis(names, axis=1)


def _is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False
