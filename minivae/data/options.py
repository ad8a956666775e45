"""The options of data: what `load_data` takes and every run records."""

from ..options import Option, one_of, shown, switch, table, text, whole, whole_or_list
from .columns import KINDS
from .lines import SETS
from .modes import OPTIONS as MODES
from .modes import read_modes
from .nonlinear import OPTIONS as MIXTURE
from .nonlinear import read_options
from .preprocess import BINARIZE
from .scale import OLDER, scale
from .sources import SOURCES
from .splits import ORDERS, read_rare
from .vocabulary import TOKENS

MOST = 1_000_000  # of pixels that an image is shifted by
LONGEST = 10_000  # side of a picture
OPTIONS = {
    "data": Option(text, "digits", f"{', '.join((*SOURCES, *SETS))}, a .npy, .npz, .csv or .txt file, or a folder of "
                   "pictures", "NAME|FILE", on_resume="moves"),
    "data_dir": Option(text, None, "folder with mnist/train-images-idx3-ubyte.gz ...; nothing is downloaded", "DIR",
                       optional=True, on_resume="free"),
    "columns": Option(table(one_of((*KINDS, "skip"))), None, 'kinds of columns of a table: {age = "real", id = "skip"}',
                      optional=True, older=None),
    "label": Option(text, None, "column of a table that is y, classes unless columns says otherwise", "COLUMN",
                    optional=True, older=None),
    "sprites": Option(table(whole_or_list), None, "side and subset of data sprites: {side = 64, shape = [0, 1]}",
                      optional=True),
    "sources": Option(read_options, None, f"{', '.join(MIXTURE)} of data sources: {{count = 5, rows = 1000}}",
                      optional=True, older=None),
    "modes": Option(read_modes, None, f"{', '.join(MODES)} of data modes: {{kind = \"grid\", std = 0.1}}",
                    optional=True, older=None),
    "side": Option(whole(1, LONGEST), None, "resize the pictures of a folder to N x N pixels", "N", optional=True,
                   older=None),
    "binarize": Option(one_of(BINARIZE), None, "how grey pixels become bits (default: each, if that is needed)",
                       "|".join(BINARIZE), optional=True),
    "validation": Option(whole(0), None, "size of the validation split (default: a sixth of the training set)", "N",
                         optional=True),
    "augment": Option(whole(0, MOST), 0, "shift training images by up to N pixels", "N"),
    "scale": Option(scale, None, "what your values are divided by; dtype: the largest of their integer dtype (default: "
                    "255 for uint8, 1 for floats, bits and counts)", "X|max|dtype|none", optional=True, older=OLDER),
    "split_order": Option(one_of(ORDERS), None, "which of your examples are for validation: a random choice, or the "
                          "last ones (default: tail for the named sets, else shuffle)", "|".join(ORDERS), optional=True,
                          older="tail"),
    "quadrants": Option(whole(1, 3), None, "cut images of bits: given are so many quadrants, x is the rest, to predict",
                        "1|2|3", optional=True, older=None),
    "labelled": Option(whole(1), None, "keep N labels of the training split, nearly as many of each class, by the "
                       "run's seed (default: all)", "N", optional=True, older=None),
    "rare": Option(read_rare, None, "of a class of y, keep only this share of the rows of training and validation: "
                   "{class = 8, share = 0.01}", optional=True, older=None),
    "tokens": Option(one_of(TOKENS), None, "what lines of text are cut into (default: characters)", "|".join(TOKENS),
                     optional=True, older=None),
    "dequantize": Option(switch, False, "spread integer pixels over their grey levels, for a Gaussian likelihood"),
    "standardize": Option(switch, False, "columns to mean 0 and standard deviation 1, for a Gaussian likelihood"),
}  # fmt: skip


def refuse(others, why):
    """ValueError for the first of {name: value} that is given: data of this kind have no such option."""
    for name, value in others.items():
        if value is not None and not (isinstance(value, int | str) and value in (False, 0, "none")):
            raise ValueError(f"{name}: expected none, {why}, got {shown(value)}")
