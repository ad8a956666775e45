"""Pictures in a notebook, numbers in its text, and texts that are copied to another place."""

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path


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


ONLY_HERE = "<!-- only with solutions -->\n"  # begins a paragraph that speaks of files which are not handed out


def alone(text):
    """A text without its paragraphs that begin with `ONLY_HERE`."""
    return re.sub(rf"{ONLY_HERE}(?:.+\n)+\n?", "", text)
