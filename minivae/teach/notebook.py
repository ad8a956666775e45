"""Pictures in a notebook, numbers in its text, arrays for a later lesson, and texts that are copied elsewhere."""

import io
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..files import write_atomic


@contextmanager
def picture(name):
    """The path of a picture to write inside; it is shown in the notebook when the block ends.

    Where MINIVAE_FIGURES names a folder, as when the lessons are built, it is kept there as lesson_NAME.png.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"lesson_{name}.png"
        yield path
        if "MINIVAE_FIGURES" in os.environ:
            shutil.copy(path, os.environ["MINIVAE_FIGURES"])
        try:
            from IPython.display import Image, display
        except ImportError:
            return
        display(Image(data=path.read_bytes(), format="png"))


def quoted(text, value, within=None):
    """A number as the text of a lesson quotes it: `value` rounds to it, or is `within` of it.

    Else, who tries something else is told; where lessons are built or tested it is an AssertionError.
    """
    decimals = len(text.partition(".")[2])
    near = 0.5000001 * 10.0**-decimals if within is None else within
    if not abs(float(value) - float(text)) <= near:
        message = f"the text says {text}, here it is {float(value):.6g}"
        if "MINIVAE_FIGURES" in os.environ:
            raise AssertionError(message)
        print(message)


def keep(name, **arrays):
    """Keep a learner's arrays beside the notebook, in NAME.npz, for the lesson that asks for them with `kept`.

    Where lessons are built or tested nothing is written: what they say must not depend on who ran them before.
    """
    if "MINIVAE_FIGURES" in os.environ:
        return
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomic(Path(f"{name}.npz"), content.getvalue())
    print(f"kept in {name}.npz: {', '.join(arrays)}")


def kept(name):
    """{name: array} that `keep` has written here, or None."""
    path = Path(f"{name}.npz")
    if "MINIVAE_FIGURES" in os.environ or not path.exists():
        return None
    with np.load(path) as arrays:
        return dict(arrays)


ONLY_HERE = "<!-- only with solutions -->\n"  # begins a paragraph that speaks of files which are not handed out


def alone(text):
    """A text without its paragraphs that begin with `ONLY_HERE`."""
    return re.sub(rf"{ONLY_HERE}(?:.+\n)+\n?", "", text)
