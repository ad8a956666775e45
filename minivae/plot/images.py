"""Examples, what a model makes of them, and walks between them."""

import io
import math

from ..files import write_atomic
from .grids import bands_of_rows, image_grid, pairs_of_rows


def samples(x_hat, shape, path, title="samples: decoded draws from the prior"):
    """A square of generated examples: x_hat (n, D) of shape (h, w, c), drawn as images, or (D,), drawn as curves."""
    columns = math.ceil(math.sqrt(len(x_hat)))
    if len(shape) == 3:
        image_grid([x_hat[i : i + columns] for i in range(0, len(x_hat), columns)], shape, path, title)
    else:
        pairs_of_rows([(x_hat[i], None) for i in range(min(len(x_hat), 9))], path, title)


def reconstructions(x, x_hat, shape, path, columns=10):
    """Originals and, directly below each, their reconstructions: x, x_hat (n, D)."""
    title = "reconstructions: x above, x_hat = decode(mu) below"
    if len(shape) == 3:
        bands = [part[i : i + columns] for i in range(0, len(x), columns) for part in (x, x_hat)]
        image_grid(bands, shape, path, title, ["x", "x_hat"])
    else:
        pairs = list(zip(x[:9], x_hat[:9], strict=True))
        pairs_of_rows(pairs, path, "reconstructions: x (grey), x_hat = decode(mu) (blue)")


def walks(bands, shape, path, title, labels, tops=()):
    """Decoded walks through the latent space, bands of x_hat (steps, D): a row of images or a panel of curves each.

    `labels` name the walks, `tops` the first and the last columns.
    """
    if len(shape) == 3:
        image_grid(bands, shape, path, title, labels, tops)
    else:
        bands_of_rows(bands, path, title, labels)


def animation(frames, path, seconds=0.25):
    """PNG pictures as one GIF that runs for ever, the last one shown longer."""
    from PIL import Image

    try:
        images = [Image.open(frame).convert("RGB") for frame in frames]
    except OSError as error:
        raise ValueError(f"run: its pictures cannot be read ({error})") from None
    size = tuple(max(image.size[i] for image in images) for i in (0, 1))
    pages = []
    for image in images:
        page = Image.new("RGB", size, "white")
        page.paste(image)
        pages.append(page.quantize(64, dither=Image.Dither.NONE))
    ms = round(1000 * seconds)
    content = io.BytesIO()
    pages[0].save(content, "GIF", save_all=True, append_images=pages[1:], loop=0,
                  duration=[ms] * (len(pages) - 1) + [8 * ms])  # fmt: skip
    write_atomic(path, content.getvalue())
