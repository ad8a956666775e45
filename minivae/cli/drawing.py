"""What commands that draw share: the run, the path of the picture, and what they cannot draw."""

from functools import wraps
from pathlib import Path

from ..files import check_writable
from ..models import MODELS
from .base import FORCE, RUN, argument, command, opened, output


def drawing(name, *arguments, data=(), lines=None, tables=False, parts=False, codes=False):
    """Make a command of a function that draws, given the open run, the path (--out, or `name` in it) and the rest.

    `data` are suffixes of files of data that it writes as well, and `lines` those where the data are text, None: it
    cannot draw text. `tables` says that it can draw the columns of a table, `parts` that it can draw images of which
    quadrants are given, `codes` that it can serve a model with codes.
    """
    written = " or ".join((*data, *(lines or ())))
    out_argument = argument("--out", metavar="FILE", help=f"default: {name} in the run folder"
                            + f"; a {written} file gets the data" * bool(written))  # fmt: skip

    def register(function):
        @command(RUN, *arguments, out_argument, FORCE)
        @wraps(function)
        def draw(run, out, force, **given):
            with opened(run) as run:
                if run.protocol.columns is not None and not tables:
                    raise ValueError(f"run: {run.path} is of a table, and {function.__name__} draws images or rows; "
                                     "tables have sample, reconstruct, impute, score, encode and decode")  # fmt: skip
                if run.protocol.tokens is not None and lines is None:
                    raise ValueError(f"run: {run.path} is of text, and {function.__name__} draws images or rows; text "
                                     "has sample, reconstruct, interpolate, traverse, neighbors, attention, score, "
                                     "encode and decode")  # fmt: skip
                if run.protocol.quadrants is not None and not parts:
                    raise ValueError(f"run: {run.path} is of images that are cut, which {function.__name__} does not "
                                     "draw; they have sample, reconstruct, score and encode")  # fmt: skip
                if MODELS[run.settings["model"]].latent == "codes" and not codes:
                    raise ValueError(f"run: {function.__name__} needs latents that are numbers, and those of the model "
                                     f"{run.settings['model']} are codes, which are names")  # fmt: skip
                own = data if run.protocol.tokens is None else lines
                path = output(out, (Path(name).suffix, *own), run.file(name), force)
                check_writable(path.parent, "out")
                function(run, path, **given)
                print(path)

        return draw

    return register
