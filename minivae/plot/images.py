"""Examples, what a model makes of them, and walks between them."""

import io
import math
import warnings
from contextlib import contextmanager

from ..files import write_atomic
from .grids import bands_of_rows, image_grid, pairs_of_rows

LARGEST = 4000  # pixels to each side of a picture that is read


def square(n):
    """Rows and columns of n examples in a square."""
    columns = math.ceil(math.sqrt(n))
    return -(-n // columns), columns


def pairs(n, columns=10):
    """Rows and columns of n examples, each with something below it."""
    return 2 * -(-n // columns), min(n, columns)


def samples(x_hat, shape, path, title="samples: decoded draws from the prior"):
    """A square of generated examples: x_hat (n, D) of shape (h, w, c), drawn as images, or (D,), drawn as curves.

    Rows of shape (T, c) are signals of c channels, position after position; so they are in all pictures.
    """
    _, columns = square(len(x_hat))
    if len(shape) == 3:
        image_grid([x_hat[i : i + columns] for i in range(0, len(x_hat), columns)], shape, path, title)
    else:
        pairs_of_rows([(x_hat[i], None) for i in range(min(len(x_hat), 9))], shape, path, title)


def reconstructions(x, x_hat, shape, path, made="decode(mu)"):
    """Originals and, directly below each, their reconstructions: x, x_hat (n, D), which is what `made` says."""
    _, columns = pairs(len(x))
    title = f"reconstructions: x above, x_hat = {made} below"
    if len(shape) == 3:
        bands = [part[i : i + columns] for i in range(0, len(x), columns) for part in (x, x_hat)]
        image_grid(bands, shape, path, title, ["x", "x_hat"])
    else:
        both = list(zip(x[:9], x_hat[:9], strict=True))
        pairs_of_rows(both, shape, path, f"reconstructions: x (grey), x_hat = {made} (blue)")


def walks(bands, shape, path, title, labels, tops=()):
    """Decoded walks through the latent space, bands of x_hat (steps, D): a row of images or a panel of curves each.

    `labels` name the walks, `tops` the first and the last columns.
    """
    if len(shape) == 3:
        image_grid(bands, shape, path, title, labels, tops)
    else:
        bands_of_rows(bands, shape, path, title, labels)


def animation(frames, path, seconds=0.25):
    """PNG pictures as one GIF that runs for ever, the last one shown longer."""
    from PIL import Image

    sizes = []
    for frame in frames:  # all of them are looked at before any takes memory
        with _opened(frame) as image:
            sizes.append(image.size)
    size = tuple(map(max, zip(*sizes, strict=True)))
    pages = []
    for frame in frames:
        page = Image.new("RGB", size, "white")
        with _opened(frame) as image:
            page.paste(image.convert("RGB"))
        pages.append(page.quantize(64, dither=Image.Dither.NONE))
    ms = round(1000 * seconds)
    content = io.BytesIO()
    pages[0].save(content, "GIF", save_all=True, append_images=pages[1:], loop=0,
                  duration=[ms] * (len(pages) - 1) + [8 * ms])  # fmt: skip
    write_atomic(path, content.getvalue())


@contextmanager
def _opened(frame):
    """A PNG picture of which no more than its size is known; ValueError names the file that is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked here
            with Image.open(frame, formats=["PNG"]) as image:
                if max(image.size) > LARGEST:
                    raise ValueError(f"expected at most {LARGEST} pixels to each side, got {image.size}")
                yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"run: cannot read {frame} as PNG ({error})") from None
