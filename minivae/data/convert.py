"""Files as others publish them, each converted to one array of bytes."""

import io
from pathlib import Path

import numpy as np

from .preprocess import is_binary


def packed_bits(path):
    """(N, 98) uint8, rows of 784 bits through np.packbits, of an .amat file: 0 and 1 as text, or MATLAB's format."""
    try:
        content = Path(path).read_bytes()
        if content.startswith(b"MATLAB"):
            x = _matlab_bits(content)
        else:
            x = np.frombuffer(content, "uint8")
            x = x[x > ord(" ")] - np.uint8(ord("0"))
        if not x.size or not is_binary(x):
            raise ValueError("not 0 and 1 only")
        return np.packbits(x.reshape(-1, 784).astype(bool), axis=1)
    except Exception as error:  # SciPy's parser raises almost anything
        raise _damaged(path, error) from None


def small_omniglot(path):
    """(characters, 20, 28, 28) uint8, ink 255, of an .npz file whose `images` (characters, 20, 105, 105) are True on
    paper: Pillow's box filter."""
    from PIL import Image

    try:
        with open(path, "rb") as file:
            paper = np.load(file, allow_pickle=False)["images"]
        if paper.dtype != bool or paper.shape[1:] != (20, 105, 105):
            raise ValueError(f"images of dtype {paper.dtype}, shape {paper.shape}")
        ink = np.where(paper.reshape(-1, 105, 105), np.uint8(0), np.uint8(255))
        small = [np.asarray(Image.fromarray(image).resize((28, 28), Image.Resampling.BOX)) for image in ink]
        return np.stack(small).reshape(-1, 20, 28, 28)
    except Exception as error:  # a damaged header makes the parser raise almost anything
        raise _damaged(path, error) from None


def _matlab_bits(content):
    """The only array (N, 784) or (784, N) in it, as (N, 784)."""
    from scipy.io import loadmat

    arrays = loadmat(io.BytesIO(content)).values()
    (x,) = (a for a in arrays if isinstance(a, np.ndarray) and 784 in a.shape)
    return x if x.shape[1] == 784 else x.T


def _damaged(path, error):
    return ValueError(f"data: {path} is damaged ({error or type(error).__name__})")
