"""The options of data: what `load_data` takes and every run records."""

from ..options import Option, one_of, switch, table, text, whole, whole_or_list
from .preprocess import BINARIZE
from .sources import SOURCES

MOST = 1_000_000  # of pixels that an image is shifted by
OPTIONS = {
    "data": Option(text, "digits", f"{', '.join(SOURCES)}, or a .npy or .npz file", "NAME|FILE", on_resume="moves"),
    "data_dir": Option(text, None, "folder with mnist/train-images-idx3-ubyte.gz ...; nothing is downloaded", "DIR",
                       optional=True, on_resume="free"),
    "sprites": Option(table(whole_or_list), None, "side and subset of data sprites: {side = 64, shape = [0, 1]}",
                      optional=True),
    "binarize": Option(one_of(BINARIZE), None, "how grey pixels become bits (default: each, if that is needed)",
                       "|".join(BINARIZE), optional=True),
    "validation": Option(whole(0), None, "size of the validation split (default: a sixth of the training set)", "N",
                         optional=True),
    "augment": Option(whole(0, MOST), 0, "shift training images by up to N pixels", "N"),
    "dequantize": Option(switch, False, "spread integer pixels over their grey levels, for a Gaussian likelihood"),
    "standardize": Option(switch, False, "columns to mean 0 and standard deviation 1, for a Gaussian likelihood"),
}  # fmt: skip
