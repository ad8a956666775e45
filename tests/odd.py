"""Odd values, and ways to spoil what is sound: strategies of hypothesis, simple ones first."""

import functools
import json
import warnings

import numpy as np
from hypothesis import strategies as st

from minivae.runs.settings import every_option

WHOLE = [0, 1, -1, 2, 3, 2**31, 2**63, 10**15, 10**20, -(10**20)]
INFINITE = float("inf")
REAL = [0.0, -0.0, 0.5, 1.0, 1.5, -1.0, 5e-324, 1e-300, 1e10, 1e38, 1e39, 1e308, INFINITE, -INFINITE, float("nan")]
TEXT = ["", " ", "0", "1", "0.5", "-1", "1e400", "1_0", "nan", "inf", "\u0663", "\x00", "\x1b[31m", "a\nb", "\u2028",
        "\udcff", "1" + "0" * 40]  # fmt: skip
OTHER = [b"", b"1", 1j, object(), range(3), np.float64("nan"), np.float64(0.5), np.float32(2), np.int64(3), np.uint8(1),
         np.bool_(True), np.array(3), np.array([1, 2]), np.array([]), np.ma.array([1, 2], mask=[0, 1])]  # fmt: skip
WORDS = sorted({word for option in every_option().values() for word in option.metavar.split("|")} - {""})

texts = st.sampled_from(TEXT) | st.sampled_from("x9").map(lambda letter: 5000 * letter)
scalars = (
    st.sampled_from([None, True, False])
    | st.sampled_from(WHOLE)
    | st.integers(-3, 9)
    | st.sampled_from([400, 5000]).map(lambda digits: 10**digits)
    | st.sampled_from(REAL)
    | st.floats()
    | texts
    | st.text(max_size=5)
    | st.sampled_from(OTHER)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["encoder", "side", "loss", "", "a.b"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def affordable(value, most=64, least=2**49):
    """Whether no number in it lies between these: what is larger is beyond any memory, and refused at once."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    if isinstance(value, list | tuple | range):
        return all(affordable(part, most, least) for part in value)
    return not (isinstance(value, int | float | np.number) and most < abs(value) < least)


sizes = values.map(lambda value: value if affordable(value) else 0)
brief = values.map(lambda value: value if affordable(value, 3, np.inf) else 0)

edits = st.lists(
    st.tuples(
        st.sampled_from(["flip", "insert", "replace", "remove", "cut"]),
        st.floats(0, 1, allow_nan=False),
        st.sampled_from([b"\x00", b"\xff", b"\n", b'"', b"0", b"9" * 8, b"NaN", b"[", b"PK", b"\x80"])
        | st.binary(min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=3,
)


def edited(content, changes):
    """Bytes after some edits: (what, where from 0 to 1, other bytes)."""
    for what, where, new in changes:
        i = min(int(where * len(content)), max(0, len(content) - 1))
        if what == "flip":
            content = content[:i] + bytes(b ^ 1 << new[0] % 8 for b in content[i : i + 1]) + content[i + 1 :]
        else:
            stop = {"insert": i, "replace": i + len(new), "remove": i + len(new), "cut": len(content)}[what]
            content = content[:i] + new * (what in ("insert", "replace")) + content[stop:]
    return content


LITERALS = ["null", "true", "0", "1", "-1", "2", "0.5", "-0.0", "1e-320", "1e30", "1e999", "NaN", "-Infinity", '""',
            '"x"', '"nan"', '"\\ud800"', '"\\u0000"', "[]", "[0]", "[1.5]", "[3, 3]", "{}", '{"a": 1}', "9" * 300,
            "9" * 5000, "-" + "9" * 5000, "[" * 10**5 + "]" * 10**5, '"' + "y" * 3000 + '"']  # fmt: skip
json_changes = st.tuples(
    st.integers(0, 120),
    st.sampled_from(["replace", "replace", "replace", "remove", "add", "rename"]),
    st.sampled_from(LITERALS) | st.sampled_from(WORDS).map(json.dumps),
)


def changed_json(document, change):
    """(text of the document after one change, the names on the way to the change)."""
    which, what, literal = change
    paths = list(_paths(document))
    path = paths[which % len(paths)]
    names = [name for name in path if isinstance(name, str)]
    document = json.loads(json.dumps(document))
    parent = functools.reduce(lambda part, key: part[key], path[:-1], document)
    if what == "remove":
        del parent[path[-1]]
    elif what == "replace":
        parent[path[-1]] = "@"
    elif isinstance(parent, list):
        parent.append("@")
    else:
        parent["novelty"] = "@" if what == "add" else parent.pop(path[-1])
        names.append("novelty")
    return json.dumps(document).replace('"@"', literal), names


def _paths(part, path=()):
    """The paths to all parts of a document."""
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def leaves(part, path=()):
    """(names on the way, value) of all values in a document that are no table."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from leaves(value, (*path, name))
    else:
        yield path, part


# ---- arrays

DTYPES = ["bool", "int8", "uint8", "int16", ">i4", "int64", "uint64", "float16", "float32", ">f8", "longdouble",
          "complex64", "U3", "S3", "datetime64[s]", "timedelta64[ms]", "object", "V3", "f4,i2"]  # fmt: skip
FILLS = [[0, 1], [0, 0, 1], [0, 7, 255], [3], [-1, 2], [0.25, 1], [-2.5, 1e3], [1e38, -1e38], [1e300, 0],
         [np.nan, 1], [np.inf, 0]]  # fmt: skip


def made(dtype, shape, fill, fortran):
    """An array; where the dtype takes no such numbers, zeros."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.resize(np.array(fill), shape).astype(dtype)
    except (TypeError, ValueError, OverflowError):
        array = np.zeros(shape, dtype)
    return np.asfortranarray(array) if fortran else array


def arrays_of(shapes):
    """Arrays of these shapes, most of them of common dtypes."""
    likely = st.sampled_from(["float32", "uint8", "int64"]) | st.sampled_from(DTYPES)
    return st.builds(made, likely, st.sampled_from(shapes), st.sampled_from(FILLS), st.booleans())
