"""Step 1 of 7, preprocess: arrays in, splits and mini-batches out.

`load_data` applies the whole protocol: where the pixels come from, which images are the validation and test splits,
and how grey pixels become bits. What it decided is in `Dataset.protocol`, which every run records.
"""

from dataclasses import replace

import numpy as np

from ..likelihoods import LIKELIHOODS
from ..options import one_of, read_arguments, shown, whole
from .audio import log_mel as log_mel
from .audio import log_mel_rows as log_mel_rows
from .dataset import Dataset as Dataset
from .dataset import Split as Split
from .expressions import expressions as expressions
from .frames import is_frame, is_table_file
from .lines import SETS, is_text
from .modes import draw_modes as draw_modes
from .modes import mode_centers as mode_centers
from .modes import mode_weights as mode_weights
from .modes import modes_entropy as modes_entropy
from .modes import modes_log_prob as modes_log_prob
from .nonlinear import mixed_sources as mixed_sources
from .options import OPTIONS
from .preprocess import check_labels, entropy_floor, labels_of
from .protocol import BITS_SEED, Protocol, record_of
from .quadrants import given_mask
from .rows import Rows, moments
from .scale import OLDER, comes_scaled, divisor_of, doubts, find, outside, range_of, values_of
from .sources import read_source
from .splits import SPLITS, few_labels, missing_classes, split, thinned
from .sprites import sprites as sprites
from .tables import load_table
from .text import load_text


def load_data(
    source="digits",
    data_dir=None,
    likelihood=None,
    binarize=None,
    validation=None,
    augment=0,
    dequantize=False,
    standardize=False,
    sprites=None,
    scale=None,
    split_order=None,
    levels=None,
    columns=None,
    label=None,
    side=None,
    sources=None,
    modes=None,
    quadrants=None,
    labelled=None,
    label_seed=0,
    rare=None,
    tokens=None,
):
    """A data set with its splits.

    Parameters
    ----------
    source : str, path, array, DataFrame or list of str
        "digits", "sprites", "sources", "modes", "mnist", "fashion", "static-mnist", "omniglot"; of text "names",
        "shakespeare", "smiles", "expressions", a .txt file with one example a line, or a list of lines; a .npy or .npz
        file (keys x or x_train, and y, x_val, y_val, x_test, y_test where there are any); a .csv file with a header; a
        folder of pictures, in subfolders that are classes or the splits train, validation and test; or an array. Rows
        (N, D) or images (N, h, w) or (N, h, w, c). NaN, what is masked and empty cells are missing values. Labels y are
        whole numbers (N,), which are classes if none is below 0, or rows of numbers (N, count).
    data_dir : path, optional
        Folder with mnist/train-images-idx3-ubyte.gz and so on; then nothing is downloaded.
    likelihood : str, optional
        Under "bernoulli" and "categorical" values must lie in [0, 1]. None: "mixed" for a table, "tokens" for
        text, "gaussian" for "sources" and "modes", else "bernoulli".
    binarize : {"each", "once", "threshold", "none"}, optional
        None: "each" (anew at every presentation) for grey pixels under a Bernoulli likelihood, else "none".
        Validation and test bits are drawn once, from `BITS_SEED`.
    validation : int, optional
        How many training examples are the validation split. None: a sixth, or x_val of the file. 0: no split.
    augment : int
        Training images are shifted by up to so many pixels each way, anew at every presentation.
    dequantize : bool
        Spread each grey level of integer pixels over its interval, anew at every presentation, for densities.
    standardize : bool
        Subtract each column's mean and divide by its standard deviation, both of the training split.
    sprites : dict, optional
        For the source "sprites": arguments of the function `sprites`, such as {"side": 64, "shape": [0]}.
    scale : number, {"max", "dtype", "none"}, optional
        What a user's values are divided by: a number, their largest, the largest of their integer dtype, 1. None: 255
        for uint8, 1 for floats, and for integers that are all 0 or 1 or under a likelihood of counts; levels - 1 for
        those under "categorical". Other integers need a scale, or `standardize`.
    split_order : {"shuffle", "tail"}, optional
        Which examples are the validation split: a random choice, by the classes where there are any, or the last
        ones. None: "tail" for named sets, "shuffle" for a user's data.
    levels : int, optional
        Of a likelihood of grey levels; None: its own default.
    columns : dict, optional
        Of a table: kinds of columns, {name: "real", "positive", "count", "binary", "category" or "skip"}; those that
        are not named are found by inspection.
    label : str, optional
        Of a table: the column that is y.
    side : int, optional
        Pictures of a folder are resized to side x side pixels. None: they must have one size.
    sources : dict, optional
        For the source "sources": arguments of the function `mixed_sources`, such as {"count": 5, "rows": 1000}.
    modes : dict, optional
        For the source "modes": arguments of the function `draw_modes`, such as {"kind": "grid", "std": 0.1}.
    quadrants : {1, 2, 3}, optional
        Images of bits are cut: y are the numbers of the lower left quadrant, the left half, or all but the upper right
        quadrant, and x (N, D) those of the rest.
    labelled : int, optional
        How many labels of the training split are kept, of each class as many, chosen by `label_seed`; the other
        classes are -1 there. None: all.
    rare : dict, optional
        {"class": one of the classes, "share": its share of the rows}: so few rows of it are kept in the training and
        the validation split, always the same; the test split is as it is. None: all rows.
    tokens : {"characters", "words", "selfies"}, optional
        What lines of text are cut into: "words" are words and single punctuation marks, "selfies" SELFIES symbols of
        molecules in SMILES. None: "characters". The vocabulary is that of the training split.

    Raises
    ------
    ValueError, OSError
        One line that names what is wrong with the file, its test split included, the array or an option.
    """
    others = {"binarize": binarize, "augment": augment, "dequantize": dequantize, "standardize": standardize,
              "sprites": sprites, "scale": scale, "side": side, "sources": sources, "modes": modes,
              "quadrants": quadrants}  # fmt: skip
    if is_text(source):
        others |= {"levels": levels, "columns": columns, "label": label, "labelled": labelled, "rare": rare}
        return load_text(source, data_dir, likelihood, validation, split_order, tokens, others)
    if tokens is not None:
        raise ValueError(f"tokens: expected text, a .txt file, a list of lines or one of {', '.join(SETS)}, got "
                         f"{shown(tokens)}")  # fmt: skip
    if is_frame(source) or is_table_file(source):
        if rare is not None:
            raise ValueError(
                f"rare: expected images or rows with classes, a table keeps all its rows, got {shown(rare)}"
            )
        return _with_few(load_table(source, likelihood, validation, split_order, columns, label, others), labelled,
                         label_seed)  # fmt: skip
    for name, value in (("columns", columns), ("label", label)):
        if value is not None:
            raise ValueError(f"{name}: expected a table, a .csv file or a DataFrame, got {shown(value)}")
    usual = "gaussian" if isinstance(source, str) and source in ("sources", "modes") else "bernoulli"
    likelihood = one_of(LIKELIHOODS)("likelihood", usual if likelihood is None else likelihood)
    binarize, validation, augment, dequantize, standardize, scale, split_order, side, quadrants, rare = read_arguments(
        OPTIONS, binarize=binarize, validation=validation, augment=augment, dequantize=dequantize,
        standardize=standardize, scale=scale, split_order=split_order, side=side, quadrants=quadrants, rare=rare,
    )  # fmt: skip
    levels = LIKELIHOODS[likelihood]().n_levels if levels is None else whole(2)("levels", levels)
    raw = read_source(source, data_dir, sprites, side, sources, modes)
    older, named = scale == OLDER, raw.divisor is not None
    parts, shape, seed = split(raw, validation, split_order, mapped=not older)
    if rare is not None:
        if raw.name == "modes":
            raise ValueError("rare: expected none, of data modes it is a part of the density: modes = {rare = ..}")
        parts = {name: part.of(thinned(part.y, rare, name)) for name, part in parts.items()}
    if augment and len(shape) == 1:
        raise ValueError(f"augment: shifts need images, got rows of {shape[0]} values")
    found = {name: find(part.x, part.name) for name, part in parts.items()}
    everything = found["train"]
    if raw.validation is None and "validation" in found:
        everything = everything.joined(found["validation"])
    divisor = _divisor(raw, everything, scale, standardize, likelihood, levels)
    is_binary = everything.other in (0, divisor)
    by_default = binarize is None
    if by_default:
        binarize = "none" if likelihood != "bernoulli" or is_binary else "each"
    for name, wanted in (("dequantize", dequantize), ("standardize", standardize)):
        if wanted and (values_of(likelihood) != "reals" or binarize != "none" or (dequantize and standardize)):
            raise ValueError(f"{name}: expected a Gaussian likelihood, no bits, and not both of dequantize and "
                             f"standardize, got likelihood {likelihood}, binarize {binarize}")  # fmt: skip
    protocol = _protocol(raw, parts, shape, divisor, binarize)
    if rare is not None:
        of_it = {name: int((parts[name].y == rare["class"]).sum()) if name in parts else 0 for name in SPLITS}
        protocol = replace(protocol, rare=rare | of_it)
    if not older:
        protocol = replace(protocol, split_seed=seed, side=side, **record_of(found))
    if dequantize:
        protocol = replace(protocol, levels=_grey_levels(raw, everything, divisor))
    if standardize:
        mean, std = moments(parts["train"].x, "x", older)
        protocol = replace(protocol, mean=tuple(mean.tolist()), std=tuple(std.tolist()))
    rows = {"train": protocol.converted(parts["train"].x, found["train"], "x", likelihood)}
    if "validation" in parts:
        x, _, name = parts["validation"]
        convert = protocol.converted if raw.validation is None else protocol.held
        rows["validation"] = convert(x, found["validation"], name, likelihood)
        if not older:
            scaled = raw.validation is not None and comes_scaled(found["validation"], x, protocol, name)
            beyond = outside(x, found["validation"], *range_of(protocol, scaled))
            protocol = replace(protocol, outside=beyond)
    rows = {name: part.read() for name, part in rows.items()}
    if likelihood == "bernoulli" and binarize == "none" and not is_binary:
        protocol = replace(protocol, entropy_floor=entropy_floor(rows["train"]))

    def test():
        if raw.test is None:
            raise ValueError(f"split: {raw.name} has no test split (an .npz file with the key x_test would)")
        x_test, y_test = raw.test()
        x_test = protocol.prepare(x_test, "x_test", likelihood)
        return Split(x_test, check_labels(y_test, "y_test", len(x_test)))

    if raw.test is not None and not named and not older:
        test()  # what is wrong with it is to be known before a training
    x = rows["train"] if protocol.is_random else protocol.fixed(rows["train"], "train")
    train, held_out = Split(x, parts["train"].y), None
    if "validation" in parts:
        held_out = Split(protocol.fixed(rows["validation"], "validation"), parts["validation"].y)
    notes = [*raw.notes, *missing_classes(parts)]
    if not named:
        notes += doubts(everything, divisor, likelihood, standardize)
        if by_default and binarize == "each":
            notes.append("x: values between 0 and 1 are chances of bits, which are drawn anew at every presentation; "
                         "--likelihood gaussian takes them as numbers")  # fmt: skip
    data = Dataset(train, held_out, test, protocol, augment, raw.test is not None, notes)
    if quadrants is None:
        return _with_few(data, labelled, label_seed)
    if labelled is not None:
        raise ValueError("labelled: expected none with quadrants, whose y are no classes")
    if binarize == "none" and not is_binary:
        raise ValueError("quadrants: expected bits, got other values; binarize once or threshold makes them bits")
    return _cut(data, quadrants)


def _cut(data, quadrants):
    """A Dataset of images as that of what is left of them, x, and the quadrants that are given, y."""
    shape, p = data.shape, data.protocol
    if len(shape) != 3 or min(shape[:2]) < 2:
        raise ValueError(f"quadrants: expected images, got examples of {'x'.join(map(str, shape))}")
    if p.is_random or data.augment:
        what = "augment shifts them anew" if data.augment else "binarize each draws them anew; once or threshold do not"
        raise ValueError(f"quadrants: expected the same bits in x and y at every presentation, {what}")
    if p.missing is not None or isinstance(data.train.x, Rows):
        what = "some are missing" if p.missing is not None else "they stay in their file"
        raise ValueError(f"quadrants: expected values that are all there, in memory; {what}")
    count = int(given_mask(shape, quadrants).sum())
    p = replace(p, quadrants=quadrants, labels={"kind": "rows", "count": count})
    train, held_out = (None if part is None else Split(*p.parted(part.x)) for part in (data.train, data.validation))
    return replace(data, train=train, validation=held_out, test=lambda: Split(*p.parted(data.test().x)), protocol=p)


def _with_few(data, labelled, seed):
    """The data set with so many labels of its training split; None: with all."""
    if labelled is None:
        return data
    if data.validation is None:
        raise ValueError("labelled: expected a validation split, which keeps its labels, got validation 0")
    labelled, seed = OPTIONS["labelled"].read("labelled", labelled), whole(0)("label_seed", seed)
    train = data.train._replace(y=few_labels(data.train.y, labelled, seed))
    return replace(data, train=train, protocol=replace(data.protocol, labelled=labelled, label_seed=seed))


def _divisor(raw, found, scale, standardize, likelihood, levels):
    """What the values of a source are divided by."""
    if scale not in (None, OLDER) and (raw.divisor is not None or standardize):
        why = "with standardize columns have none" if raw.divisor is None else f"data {raw.name} has its own"
        raise ValueError(f"scale: expected none, {why}, got {scale}")
    if standardize:
        return 1  # the unit of a column that is standardized does not matter
    return divisor_of(found, scale, likelihood, levels) if raw.divisor is None else raw.divisor


def _grey_levels(raw, found, divisor):
    """How many levels the integers of a source have; ValueError where they are bits, or no integers."""
    levels = raw.levels or divisor + 1
    if levels == 2 or (found.is_float and raw.levels is None) or not isinstance(levels, int):
        raise ValueError(f"dequantize: expected integer pixels from 0 to 255, not bits only, got {found.dtype}")
    return levels


def _protocol(raw, parts, shape, divisor, binarize):
    """The record of a source and its parts."""
    labels = [part.y for part in parts.values() if part.y is not None]
    sizes = [len(parts[name].x) if name in parts else 0 for name in ("train", "validation")]
    labels = labels_of(np.concatenate(labels) if labels else None)
    return Protocol(raw.name, raw.sha256, shape, *sizes, divisor, binarize, BITS_SEED, labels)


def batches(n, size, rng=None):
    """Index arrays that cover range(n) in parts of `size`, the last possibly smaller; shuffled if `rng` is given."""
    order = np.arange(n) if rng is None else rng.permutation(n)
    return [order[start : start + size] for start in range(0, n, size)]
