"""Odd options, data files, run folders and command lines. Each `run_...(case)` says whether the case succeeded."""

import atexit
import contextlib
import functools
import gzip
import io
import json
import os
import re
import shutil
import struct
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
from contract import RENDER, attempt, command, folder_of, workshop
from hypothesis import strategies as st
from matplotlib.figure import Figure
from odd import WORDS, arrays_of, changed_json, edited, edits, json_changes, leaves, texts, values

from minivae.backend import tree_map
from minivae.cli import main
from minivae.cli.base import COMMANDS
from minivae.data import load_data
from minivae.data.preprocess import BINARIZE
from minivae.data.protocol import Protocol
from minivae.likelihoods import LIKELIHOODS
from minivae.models import MODELS
from minivae.runs.settings import complete, every_option, read_config, read_options

# ---- options

usual = st.sampled_from(WORDS) | st.integers(1, 9) | st.floats(0.1, 0.9) | st.lists(st.integers(1, 9), max_size=2)
given = st.dictionaries(st.sampled_from([*every_option(), "speed"]), values | usual, min_size=1, max_size=3)


def run_options(table):
    """A table of options is completed or refused by name; what is completed can be recorded."""

    def settle():
        settings = complete(read_options(table))
        json.dumps(settings, allow_nan=False)
        return settings

    return attempt(settle, list(table))


def as_toml(value):
    """TOML of a value, or something like it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 10**4000:
        return "9" * 5000
    if isinstance(value, str):
        return json.dumps(value)
    return f"{value}"


def run_toml(case):
    table, changes = case
    text = "\n".join(f"{name} = {as_toml(value)}" for name, value in table.items())
    content = edited(text.encode(errors="surrogatepass"), changes)
    words = set(re.findall(r"\w+", content.decode(errors="replace")))
    with folder_of() as folder:
        Path("c.toml").write_bytes(content)
        return attempt(lambda: complete(read_options(read_config("c.toml"))), {"config", *words}, folder)


# ---- files of data

SHAPES = [(6, 4), (6, 4, 4), (6, 2, 2, 3), (6,), (6, 2), (1, 4), (2, 1), (), (0,), (0, 3), (6, 0), (6, 2, 2, 5),
          (6, 4, 4, 1, 1)]  # fmt: skip
arrays = arrays_of(SHAPES[:2]) | arrays_of(SHAPES)
labels = arrays_of([(6,), (6, 2)]) | arrays
named_arrays = st.fixed_dictionaries(
    {"x": arrays},
    optional={
        "y": labels,
        "x_test": arrays,
        "y_test": labels,
        "x_train": arrays,
        "y_train": labels,
        "z": arrays,
        "x_val": arrays,
        "y_val": labels,
    },
)
protocols = st.fixed_dictionaries(
    {},
    optional={
        "likelihood": st.sampled_from(list(LIKELIHOODS)),
        "binarize": st.sampled_from(BINARIZE),
        "validation": st.sampled_from([None, 0, 1, 5, 6, -1]),
        "augment": st.sampled_from([0, 1, 10**6]),
        "dequantize": st.booleans(),
        "standardize": st.booleans(),
        "scale": st.sampled_from([None, 1, 255, 0.5, "max", "dtype", "none", "pixels"]),
        "split_order": st.sampled_from([None, "shuffle", "tail"]),
        "levels": st.sampled_from([None, 2, 16]),
    },
)
OF_DATA = ["data", "x", "y", "x_test", "y_test", "likelihood", "binarize", "validation", "augment", "dequantize",
           "standardize", "scale", "split_order", "levels", "x_val", "y_val", "tokens"]  # fmt: skip


def read_all(source, **options):
    """All that a data set holds; its protocol must be one that a run can record and read."""
    data = load_data(source, **options)
    record = json.loads(json.dumps(data.protocol.to_json(), allow_nan=False))
    try:
        assert Protocol.from_json(record) == data.protocol
    except ValueError as error:
        raise AssertionError(f"a protocol that cannot be read again: {error}") from error
    seen = data.present(data.train.x[:2], np.random.default_rng(0))
    try:
        test = data.test()
    except ValueError as error:
        if not f"{error}".startswith("split: "):
            raise
        test = None
    result = (seen, data.train, data.validation, data.pictured, test)
    if data.protocol.missing is None:
        return result
    return tree_map(lambda a: np.where(np.isnan(a), 0, a), result)  # what is missing is NaN, all else finite


def in_file(name, content, options):
    with folder_of() as folder:
        Path(name).write_bytes(content)
        return attempt(lambda: read_all(name, **options), [name, *OF_DATA], folder)


def run_npy(case):
    array, header, changes, options = case
    file = io.BytesIO()
    np.save(file, array)
    content = file.getvalue()
    for old, new in header:
        content = re.sub(old, new, content, count=1)
    return in_file("data.npy", edited(content, changes), options)


SHAPE = rb"'shape': \([^)]*\)"
HEADERS = [(SHAPE, b"'shape': " + text) for text in (b"(1000000000000000,)", b"(6, 1000000000000000)", b"(-6, 4)",
           b"(True, 4)", b"(18446744073709551617, 2)")]  # fmt: skip
HEADERS += [
    (rb"'descr': '[^']*'", b"'descr': '|O'"),
    (rb"'descr': '[^']*'", b"'descr': 'f99'"),
    (rb"'fortran_order': False", b"'fortran_order': 1"),
    (rb"\{", b"{" * 200),
]
headers = st.lists(st.sampled_from(HEADERS), max_size=1)


def run_npz(case):
    named, changes, options = case
    file = io.BytesIO()
    np.savez(file, **named)
    return in_file("data.npz", edited(file.getvalue(), changes), options)


LINES = ["", " ", "to be", "don't", "a\tb", "\u2028", "naïve", "\ufeff", "x" * 300, "<end>", "·", "\ufffd", "\x00"]
lines_of_text = st.lists(st.sampled_from(LINES) | st.text(max_size=8), max_size=6)
of_text = st.fixed_dictionaries(
    {},
    optional={
        "tokens": st.sampled_from([None, "characters", "words", "bytes"]),
        "likelihood": st.sampled_from([None, "tokens", "gaussian"]),
        "validation": st.sampled_from([None, 0, 1, 5, -1]),
        "split_order": st.sampled_from([None, "shuffle", "tail"]),
        "binarize": st.sampled_from([None, "none", "once"]),
    },
)


def run_text(case):
    """A .txt file, or the same lines in a list."""
    lines, end, changes, listed, options = case
    if listed:
        return attempt(lambda: read_all(lines, **options), OF_DATA)
    content = end.join(lines).encode(errors="surrogatepass")
    return in_file("data.txt", edited(content, changes), options)


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def run_idx(case):
    """The four files of MNIST in a data_dir, one of them damaged before it is packed, or after."""
    which, packed, changes, options = case
    rng = np.random.default_rng(0)
    names = []
    with folder_of() as folder:
        (folder / "mnist").mkdir()
        for kind in ("train", "t10k"):
            parts = rng.integers(256, size=(7, 3, 3)), rng.integers(10, size=7)
            for part, array in zip(("images-idx3", "labels-idx1"), parts, strict=True):
                content = idx(array.astype("uint8"))
                if len(names) == which and not packed:
                    content = edited(content, changes)
                content = gzip.compress(content, mtime=0)
                if len(names) == which and packed:
                    content = edited(content, changes)
                names.append(f"{kind}-{part}-ubyte.gz")
                (folder / "mnist" / names[-1]).write_bytes(content)
        subjects = [names[which], *OF_DATA]
        return attempt(lambda: read_all("mnist", data_dir=str(folder), **options), subjects, folder)


# ---- run folders

RUNS = {
    "vae": ["--epochs", "2"],
    "cvae": [
        "--model",
        "cvae",
        "--prior",
        "learned",
        "--beta-schedule",
        "linear",
        "--optimizer",
        "sgd",
        "--schedule",
        "step",
        "--epochs",
        "2",
    ],
    "ivae": ["--model", "ivae", "--epochs", "2"],
    "net": ["--model", "net", "--epochs", "2", "--dropout", "0.1"],
    "iwae": ["--model", "iwae", "--samples", "2", "--likelihood", "gaussian", "--epochs", "2", "--early-stop", "1"],
    "m2": ["--model", "m2", "--labelled", "6", "--labels-first", "1", "--epochs", "2"],
    "ae": ["--model", "ae", "--arch", "conv", "--channels", "2", "--schedule", "cosine", "--epochs", "2"],
    "hvae": ["--model", "hvae", "--latent", "1", "--upper", "1", "--between", "2", "--epochs", "2"],
    "ladder": ["--model", "ladder", "--latent", "1", "--upper", "1", "--samples", "2", "--epochs", "2"],
    "flow": ["--model", "flow", "--flows", "2", "--epochs", "2"],
    "iaf": ["--model", "iaf", "--flow-width", "4", "--context", "3", "--epochs", "2"],
    "vamp": ["--model", "vamp", "--components", "3", "--epochs", "2"],
    "mixture": ["--model", "mixture", "--components", "3", "--epochs", "2"],
    "realnvp": ["--model", "realnvp", "--flow-width", "4", "--epochs", "2"],
    "capacity": ["--model", "capacity", "--capacity", "1", "--epochs", "2"],
    "tcvae": ["--model", "tcvae", "--estimator", "stratified", "--epochs", "2"],
    "factorvae": ["--model", "factorvae", "--critic", "3", "--epochs", "2"],
    "vaegan": ["--model", "vaegan", "--critic", "3", "--epochs", "2"],
    "gan": ["--model", "gan", "--critic", "3", "--epochs", "2"],
    "multimodal": ["--model", "multimodal", "--experts", "mixture", "--labelled", "6", "--epochs", "2"],
    "halves": ["--model", "halves", "--epochs", "2"],
    "gumbel": ["--model", "gumbel", "--categories", "3", "--epochs", "2"],
    "vqvae": ["--model", "vqvae", "--codes", "3", "--width", "2", "--prior-width", "3", "--epochs", "2"],
    "aae": ["--model", "aae", "--critic", "3", "--epochs", "2"],
    "seqvae": ["--model", "seqvae", "--aggressive", "1", "--epochs", "2"],
    "lm": ["--model", "lm", "--arch", "transformer", "--heads", "3", "--epochs", "2"],
    "nvp": ["--model", "nvp", "--flows", "2", "--epochs", "2"],
    "ddpm": ["--model", "ddpm", "--times", "4", "--jumps", "2", "--epochs", "2"],
    "ppca": ["--model", "ppca", "--fit", "gradient", "--epochs", "2"],
}
FILES = ["settings.json", "metrics.jsonl", "last.safetensors", "best.safetensors"]


@functools.cache
def tiny_runs():
    """A folder with tiny data, arrays to encode and decode, and a finished run of every model; made once."""
    folder = Path(tempfile.mkdtemp(prefix="minivae-runs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    rng = np.random.default_rng(0)
    x = (rng.random((30, 4, 4)) < 0.5).astype("float32")
    y = np.arange(30) % 3
    np.savez(folder / "data.npz", x=x[:24], y=y[:24], x_test=x[24:], y_test=y[24:])
    np.save(folder / "x.npy", x[:5])
    np.save(folder / "y.npy", y[:5])
    np.save(folder / "z.npy", rng.standard_normal((5, 2)))
    np.save(folder / "codes.npy", rng.integers(0, 3, (5, 2)))
    (folder / "lines.txt").write_text("ab\nb\nabc\nca\n" * 6)
    with workshop(), open(os.devnull, "w") as nowhere:
        with contextlib.redirect_stdout(nowhere):
            for name, options in RUNS.items():
                sizes = [word for size, n in (("hidden", "3"), ("latent", "2")) if size in MODELS[name].options
                         for word in (f"--{size}", n)]  # fmt: skip
                data = ["--data", str(folder / ("lines.txt" if MODELS[name].reads_text else "data.npz"))]
                assert main(["train", *data, *sizes, *options, "--out", str(folder / name)]) == 0
    return folder


def of_y(name, *y, decoded=False):
    return ["--y", *y] if MODELS[name].conditional and (MODELS[name].decodes_y or not decoded) else []


def of_x(name):
    return ["--input", str(tiny_runs() / ("lines.txt" if MODELS[name].reads_text else "x.npy"))]


def of_split(name):
    return ["--split", "validation"] * MODELS[name].reads_text  # lines of a file have no test split


UNCLIMBED = ("ae", "aae", "gan", "net", "m2", "vqvae", "gumbel", "multimodal", "lm", "nvp", "ppca",
             "ddpm")  # by annealed sampling  # fmt: skip
QUICK = {
    "info": lambda name: [],
    "evaluate": lambda name: of_split(name) + ([] if name in ("ae", "aae", "gan", "vqvae") else ["--samples", "3"]),
    "evaluate train": lambda name: ["--split", "train"],
    "evaluate some": lambda name: [
        "--images",
        "2",
        *of_split(name),
        *([] if name in UNCLIMBED else ["--annealed", "2"]),
    ],
    "encode": lambda name: [
        *of_x(name),
        "--out",
        "new.npy",
        *of_y(name, str(tiny_runs() / "y.npy")),
    ],
    "decode": lambda name: [
        "--input",
        str(tiny_runs() / ("codes.npy" if MODELS[name].latent == "codes" else "z.npy")),
        "--out",
        "new.txt" if MODELS[name].reads_text else "new.npy",
        *of_y(name, str(tiny_runs() / "y.npy"), decoded=True),
    ],
    **{
        command: lambda name, command=command: [
            *of_x(name),
            "--out",
            "new.csv" if command == "score" else "new.npy",
            "--samples",
            "3",
            *of_y(name, str(tiny_runs() / "y.npy")),
        ]
        for command in ("score", "impute")
    },
    "resume": lambda name: [],
    "resume further": lambda name: ["--epochs", "3"],
}
PICTURES = {
    "compare": lambda name: [],
    "sample": lambda name: ["--n", "1"],
    "latent": lambda name: ["--n", "2", *of_y(name, "1", decoded=True)],
    "ledger": lambda name: [],
    "reconstruct": lambda name: [],
    "interpolate": lambda name: ["--n", "1", "--steps", "2"],
    "traverse": lambda name: ["--n", "1", "--steps", "2"],
    "uncertainty": lambda name: ["--n", "1"],
    "edit": lambda name: ["--n", "1"],
    "neighbors": lambda name: ["--line", "ab", "--n", "2"],
    "attention": lambda name: ["--line", "ab"],
}


LACK = {
    "impute": RUNS,
    "ledger": set(RUNS) - {"vae", "cvae", "ivae", "seqvae"},
    "uncertainty": ("ae", "aae", "gan", "net", "m2", "vqvae", "gumbel", "multimodal", "seqvae", "lm", "nvp", "ppca",
                    "ddpm"),
    **dict.fromkeys(("encode", "traverse"), ("gan", "net", "lm")),
    "decode": ("net", "lm", "nvp", "ddpm"),  # whose z are wider
    "reconstruct": ("gan", "lm"),
    "score": ("gan",),
    "neighbors": set(RUNS) - {"seqvae"},
    "attention": set(RUNS) - {"lm"},
    "interpolate": ("gan", "net", "gumbel", "lm"),
    **dict.fromkeys(("latent", "edit"), ("gan", "net", "vqvae", "gumbel", "seqvae", "lm")),
    "evaluate train": ("m2", "multimodal"),
    "resume further": ("ae", "cvae"),
}  # refused of sound runs too  # fmt: skip
CHECKPOINTS = FILES[2:]
FACTORS = [0, -1, 1e2, 1e5, 1e10, 1e20, 1e30, 1e38, np.inf, np.nan]
damages = (  # (file, kind, detail)
    st.tuples(st.sampled_from(FILES), st.just("bytes"), edits)
    | st.tuples(st.sampled_from(FILES), st.just("json"), json_changes)
    | st.tuples(st.sampled_from(CHECKPOINTS), st.just("metadata"), json_changes)
    | st.tuples(
        st.sampled_from(CHECKPOINTS),
        st.just("numbers"),
        st.tuples(st.none() | st.integers(0, 30), st.sampled_from(FACTORS)),
    )
    | st.tuples(st.sampled_from(FILES), st.sampled_from(["gone", "folder"]), st.none())
)


def on_runs(commands):
    """(run, damage, command); where the run lacks the file, or its model what the command needs, another run."""

    def lacks(name, damage, what):
        return name in LACK.get(what, ()) or (damage[0] == FILES[3] and MODELS[name].monitor is None)

    def served(case):
        name, *rest = case
        return next((other for other in (name, "vae", *RUNS) if not lacks(other, *rest)), "vae"), *rest

    return st.tuples(st.sampled_from(list(RUNS)), damages, st.sampled_from(commands)).map(served)


def damaged(content, suffix, kind, detail):
    """(the bytes of a file of a run after damage, the names on the way to it)."""
    if kind == "bytes":
        return edited(content, detail), _different(content, edited(content, detail)) if suffix == ".json" else []
    if suffix == ".json":
        text, names = changed_json(json.loads(content), detail)
        return text.encode(), names
    if suffix == ".jsonl":
        lines = content.decode().splitlines()
        i = detail[0] % len(lines)
        lines[i], _ = changed_json(json.loads(lines[i]), detail)
        return "\n".join([*lines, ""]).encode(), []
    length = int.from_bytes(content[:8], "little")
    header, body, names = json.loads(content[8 : 8 + length]), content[8 + length :], []
    if kind == "metadata":
        header["__metadata__"]["minivae"], names = changed_json(json.loads(header["__metadata__"]["minivae"]), detail)
    if kind == "numbers":
        body = multiplied(body, [place["data_offsets"] for name, place in header.items() if name[0] != "_"], *detail)
    text, names = changed_json(header, detail) if kind == "json" else (json.dumps(header), names)
    return len(text).to_bytes(8, "little") + text.encode() + body, names


def _different(old, new):
    """The names on the way to what differs in two JSON texts; none where one is no JSON."""
    try:
        first, second = ({(path, repr(value)) for path, value in leaves(json.loads(text))} for text in (old, new))
    except ValueError:
        return []
    return [name for path, _ in first ^ second for name in path]


def multiplied(body, places, which, factor):
    """The numbers of one array in a checkpoint, or (None) of all, multiplied."""
    for start, stop in places if which is None else [places[which % len(places)]]:
        with np.errstate(all="ignore"):
            part = np.frombuffer(body[start:stop], "float32") * np.float32(factor)
        body = body[:start] + part.tobytes() + body[stop:]
    return body


def run_folder(case):
    """A command on a run with one damaged file."""
    name, (file, kind, detail), what = case
    with folder_of(tiny_runs() / name) as folder, mock.patch("minivae.cli.attributes.STEPS", 3):
        path = folder / name / file
        content = path.read_bytes()
        names = []
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind != "gone":
            content, names = damaged(content, path.suffix, kind, detail)
            path.write_bytes(re.sub(rb'("epochs": )\d[\d.eE+]+', rb"\g<1>9", content))  # else it may train for ever
        word = what.partition(" ")[0]
        argv = ["train", "--resume", "--out", name] if word == "resume" else [word, name]
        return command(
            [*argv, *(QUICK | PICTURES)[what](name)],
            [file, *names, *["model"] * (what == "ledger"), *["run"] * (what == "impute")],
            folder,
        )


def run_picture(case):
    """The same, with pictures as they are."""
    with mock.patch.object(Figure, "savefig", RENDER):
        return run_folder(case)


# ---- the command line

PLACES = [*RUNS, ".", "..", "gone", "data.npz", "x.npy", "y.npy", "z.npy", "new.npy", "new.png", "new.gif", "/dev/null",
          "gone/new.png", "vae/new.png", "x.npy/new.png", "vae/settings.json", "vae/last.safetensors", "part.py:f",
          "-", "--", "3", "1000000000000000", "[1]", "a b"]  # fmt: skip
words = (
    st.sampled_from(PLACES)
    | texts.map(lambda text: text.replace("\0", ""))  # which no shell can pass on
    | st.sampled_from(WORDS)
    | st.integers(-2, 5).map(str)
)
SLOW = ("zoo", "parity", "reproduce")  # of these only what the parser refuses


def is_positional(flags):
    return not flags[0].startswith("-")


def some(flags, how):
    """A strategy for the words of one argument: in most cases as many as it takes."""
    several = st.lists(words, min_size=1, max_size=3) if how.get("nargs") == "+" else words.map(lambda word: [word])
    if flags[0] in ("run", "runs"):
        return st.sampled_from(list(RUNS)).map(lambda name: [name]) | several
    if is_positional(flags):
        return several
    if how.get("action") == "store_true":
        return st.just([flags[0]])
    return several.map(lambda given: [flags[0], *given])


def argv_of(function, arguments):
    """A strategy for the words of one command: what it needs, up to three of the flags, and perhaps something odd."""
    needed = [some(*a) for a in arguments if is_positional(a[0]) or a[1].get("required")]
    free = [some(*a) for a in arguments if not is_positional(a[0]) and not a[1].get("required")]
    odd = [["--speed"]] if function.__name__ in SLOW else [[], [], [], [], ["--speed", "9"], ["--help"]]
    first = [function.__name__]
    if function.__name__ == "train":
        first += ["--data", "data.npz", "--epochs", "1", "--hidden", "3", "--latent", "2"]
    chosen = st.lists(st.one_of(free), max_size=3) if free else st.just([])
    parts = st.tuples(st.tuples(*needed), chosen, st.sampled_from(odd))
    return parts.map(lambda parts: first + [word for group in (*parts[0], *parts[1], parts[2]) for word in group])


def patient(argv):
    """The command line, asked for no more than a test can wait for."""
    endless = [
        i for i in range(1, len(argv)) if argv[i - 1] in ("--epochs", "--samples", "--annealed") and argv[i].isdigit()
    ]
    return [word[:1] if i in endless else word for i, word in enumerate(argv)]


command_lines = st.one_of([argv_of(*c) for c in COMMANDS]).map(patient)


def run_line(argv):
    """A command line, in a folder with runs and arrays. An error may name any argument of the command, or its value."""
    arguments = next(arguments for function, arguments in COMMANDS if function.__name__ == argv[0])
    names = [name for flags, how in arguments for name in (flags[0].strip("-"), how.get("metavar", "run"))]
    names += [*every_option(), *filter(None, argv[1:])]
    with folder_of(*sorted(tiny_runs().iterdir())) as folder:
        return command(argv, {form for name in names for form in (name, name.replace("-", "_"))}, folder)
