"""Commands from data to data: encode, decode, score, impute."""

import io
from pathlib import Path

import numpy as np

from ..data.frames import is_frame, read_table
from ..data.inputs import read_array, read_examples
from ..data.lines import SUFFIX
from ..data.vocabulary import TOKENS
from ..files import write_atomic
from ..options import real, real_number, whole
from ..tables import aligned
from ..trained import SAMPLES, load_run
from .base import FORCE, RUN, argument, command, output

INPUT = argument(
    "--input",
    required=True,
    metavar="X",
    help="examples as in training: a .npy, .csv or .txt file, or a folder of pictures",
)
GIVEN = argument("--y", metavar="FILE.npy", help="what a conditional model is given: a label for each row")
SEED = argument("--seed", default="0", metavar="N", help="of the draws (default: 0)")
DATA = (".npy", ".csv")


@command(
    RUN,
    INPUT,
    argument("--out", required=True, metavar="FILE", help=".npy: means mu, or codes; .npz or .csv: with their standard "
             "deviations"),
    FORCE,
    GIVEN,
)  # fmt: skip
def encode(run, input, out, force, y):
    """Encode examples into latents (N, L): posterior means mu and standard deviations, or codes z.

    Of a model with a codebook z are whole numbers (N, T), the numbers of its codes.
    """
    path = output(out, (".npy", ".npz", ".csv"), force=force)
    trained = load_run(run, "input")
    found = trained.encode(read_input(input, trained)[0], read_labels(y))
    parts = {"z": found} if trained.model.latent != "gaussian" else dict(zip(("mu", "std"), found, strict=True))
    if path.suffix.lower() == ".npz":
        _write(path, lambda file: np.savez(file, **parts))
    elif path.suffix.lower() == ".csv":
        names = [f"{n}{i}" for n, part in parts.items() for i in range(part.shape[1])]
        write_data(path, np.concatenate(list(parts.values()), axis=1), names)
    else:
        write_data(path, next(iter(parts.values())))
    print(path)


@command(
    RUN,
    argument("--input", required=True, metavar="Z", help="latents (N, L), as encode writes them: a .npy or .csv file"),
    argument("--out", required=True, metavar="FILE", help=".npy, .csv of rows or a table, or .txt of lines"),
    FORCE,
    GIVEN,
)
def decode(run, input, out, force, y):
    """Decode latents (N, L) into examples in the shape and units of the data: the mean of p(x | z).

    Of text into lines, whose tokens are the likeliest given those before them.
    """
    path = output(out, (*DATA, SUFFIX), force=force)
    trained = load_run(run, "input")
    check_kind(path, trained)
    z = _latents(input, trained.model)
    write_data(path, trained.decode(z, read_labels(y)))
    print(path)


@command(
    RUN,
    INPUT,
    argument("--out", required=True, metavar="FILE.csv", help="a row of scores for each example"),
    FORCE,
    GIVEN,
    argument("--samples", default=str(SAMPLES), metavar="K", help=f"of z for each example (default: {SAMPLES})"),
    argument("--threshold", metavar="Q", help="unusual are examples at or below this quantile, 0 to 1, of validation"),
    SEED,
)
def score(run, input, out, force, y, samples, threshold, seed):
    """Score examples in nats: elbo, log p(x), reconstruction, KL, and their quantiles among the validation rows.

    Of text also the perplexity of a token, the end mark among them, exp(-log p(x) / tokens).
    """
    path = output(out, ".csv", force=force)
    samples, seed = whole(1)("samples", samples), whole(0)("seed", seed)
    threshold = None if threshold is None else real(0, 1)("threshold", threshold)
    trained = load_run(run, "input")
    x, names = read_input(input, trained)
    scores = trained.score(x, read_labels(y), samples, seed, threshold, progress=True)
    write_data(path, _frame(scores, names))
    rows = [(name, *(f"{v:.2f}" for v in np.quantile(values, (0, 0.1, 0.5, 0.9, 1))))
            for name, values in scores.items() if name != "unusual" and not name.endswith("_quantile")]  # fmt: skip
    if trained.protocol.tokens is not None:
        one = TOKENS[trained.protocol.tokens].one
        rows.insert(-1, (f"per {one}", *[""] * 5))
    print(*aligned([("nats", "lowest", "10 %", "median", "90 %", "highest"), *rows], "<>"), sep="\n")
    if threshold is not None:
        bad = np.flatnonzero(scores["unusual"])
        shown = ", ".join(map(str, bad[:10] + 1)) + ", ..." * (len(bad) > 10)
        print(f"unusual: {len(bad)} of {len(scores['unusual'])} rows" + f" ({shown})" * (len(bad) > 0))
    print(path)


@command(
    RUN,
    INPUT,
    argument("--out", required=True, metavar="FILE", help="the examples with their missing values filled in"),
    FORCE,
    GIVEN,
    argument("--samples", default=str(SAMPLES), metavar="K", help=f"of z for each example (default: {SAMPLES})"),
    argument("--draws", metavar="M", help="M drawn imputations in place of the mean: one below the other in a .csv, "
             "with a first column imputation, or (M, N, ...) in a .npy"),
    SEED,
)  # fmt: skip
def impute(run, input, out, force, y, samples, draws, seed):
    """Fill missing values in: empty cells or NaN, by their mean given what was observed, or by draws."""
    path = output(out, DATA, force=force)
    samples, seed = whole(1)("samples", samples), whole(0)("seed", seed)
    draws = None if draws is None else whole(1, 10**4)("draws", draws)
    trained = load_run(run, "input")
    trained.check_missing()
    check_kind(path, trained)
    x, _ = read_input(input, trained)
    filled = trained.impute(x, read_labels(y), samples, draws, seed, progress=True)
    if draws is not None and is_frame(x):
        import pandas as pd

        parts = [part.assign(imputation=i + 1) for i, part in enumerate(filled)]
        filled = pd.concat(parts, ignore_index=True)[["imputation", *x.columns]]
    elif draws is not None:
        filled = np.stack(filled)
    write_data(path, filled)
    print(path)


def read_input(path, trained):
    """(raw examples of --input, names of pictures or None); says how many values lie outside the range of training."""
    x, names = read_examples(path, "input", trained.protocol)
    say_outside(trained.protocol, x, "input")
    return x, names


def say_outside(protocol, x, name):
    """Print how many values of raw examples, which have a name, were not in the range of training, if any were not."""
    beyond = protocol.count_outside(x, name)
    if beyond and protocol.tokens is not None:
        print(f"{name}: {beyond} tokens are not in the vocabulary of training")
    elif beyond:
        of = "" if protocol.low is None else f", {protocol.low:.6g} to {protocol.high:.6g}"
        print(f"{name}: {beyond} values lie outside the range of training{of}")


def check_kind(path, trained):
    """ValueError unless a table goes to .csv, images to .npy, and text, but nothing else, to .txt."""
    protocol = trained.protocol
    if (path.suffix.lower() == SUFFIX) != (protocol.tokens is not None):
        what, wanted = ("no text", " or ".join(DATA)) if protocol.tokens is None else ("text", SUFFIX)
        raise ValueError(f"out: the examples are {what}; expected a file name ending in {wanted}, got {path}")
    if protocol.columns is not None and path.suffix.lower() != ".csv":
        raise ValueError(f"out: the examples are a table; expected a file name ending in .csv, got {path}")
    if len(protocol.shape) == 3 and path.suffix.lower() != ".npy":
        raise ValueError(f"out: the examples are images; expected a file name ending in .npy, got {path}")


def write_data(path, data, names=None):
    """An array, a DataFrame or lines into a .npy, .csv or .txt file, whole or not; `names`: of an array's columns."""
    if path.suffix.lower() == SUFFIX:
        _write(path, lambda file: file.write("".join(f"{line}\n" for line in data).encode()))
        return
    if path.suffix.lower() == ".npy":
        _write(path, lambda file: np.save(file, data))
        return
    if not is_frame(data):
        import pandas as pd

        rows = np.reshape(data, (-1, np.shape(data)[-1]))
        data = pd.DataFrame(rows, columns=names or [f"x{i}" for i in range(rows.shape[1])])
    _write(path, lambda file: data.to_csv(file, index=False))


def _write(path, save):
    content = io.BytesIO()
    save(content)
    write_atomic(path, content.getvalue())


def _frame(columns, names):
    """{name: (N,)} as a DataFrame, behind the rows, counted from 1, and the names of files if there are any."""
    import pandas as pd

    n = len(next(iter(columns.values())))
    first = {"row": np.arange(1, n + 1)} | ({} if names is None else {"file": names})
    return pd.DataFrame(first | columns).round(6)


def read_labels(path):
    """The labels in a .npy file; None where there is none."""
    if path is None:
        return None
    return read_array(path, "y")


def one_label(model, texts, label=None):
    """What was given with --y, as an array of one label; None without it."""
    if texts is None:
        return None
    if model.labels is None:
        raise ValueError(f"y: expected none, {type(model).__name__} is given no labels")
    kind, count = model.labels
    if label is not None and label.levels is not None:
        levels = list(map(str, label.levels))
        if len(texts) != 1 or texts[0] not in levels:
            raise ValueError(f"y: expected one of {', '.join(levels[:20])}, got {' '.join(texts)}")
        return np.array([levels.index(texts[0])])
    if kind == "classes" and len(texts) == 1:
        return np.array([whole(0, count - 1)("y", texts[0])])
    if kind == "classes" or len(texts) != count:
        what = "one class" if kind == "classes" else f"{count} numbers"
        raise ValueError(f"y: expected {what}, got {' '.join(texts)}")
    return np.array([[real_number("y", text) for text in texts]], "float32")


def _latents(path, model):
    """z (N, L), or codes (N, T), of a .npy file, or of a .csv file with the columns that `encode` writes."""
    L = model.T if model.latent == "codes" else model.L
    if Path(path).suffix.lower() != ".csv":
        return read_array(path, "input")
    frame = read_table(path, "input")
    names = next(([f"{n}{i}" for i in range(L)] for n in ("mu", "z") if f"{n}0" in frame), [])
    absent = [name for name in names if name not in frame]
    if not names or absent:
        raise ValueError(f"input: expected columns mu0 to mu{L - 1}, or z0 to z{L - 1}, got {', '.join(frame.columns)}")
    return frame[names].to_numpy(None if model.latent == "codes" else "float64")
