"""minivae pencil, units, zoo: a VAE to redo by hand, the beta that a loss has, and what catches which mistake."""

from ..laboratory.pencil import pencil as worked
from ..laboratory.units import conventions
from ..options import whole
from ..plot import draw_matrix, draw_pencil
from ..tables import aligned
from .base import FORCE, argument, command, output


@command(argument("--out", metavar="FILE.png", help="draw the graph with its values and gradients"), FORCE)
def pencil(out, force):
    """A VAE of two pixels: every value and derivative as formula = number = finite difference."""
    path = output(out, ".png", force=force)
    found = worked()
    print(found)
    if path is not None:
        draw_pencil(found, path)
        print(path)


@command(
    argument("--pixels", default=784, metavar="D", help="dimensions of the data (default: 784)"),
    argument("--latent", default=20, metavar="L", help="number of latents (default: 20)"),
    argument("--batch-size", default=128, metavar="N", help="examples per step (default: 128)"),
)
def units(pixels, latent, batch_size):
    """The beta that people's losses really have, by what they sum and what they average."""
    sizes = {"pixels": pixels, "latent": latent, "batch_size": batch_size}
    print(conventions(*(whole(1)(name, value) for name, value in sizes.items())))


@command(argument("--out", metavar="FILE.png", help="draw the matrix, with what each mistake costs"), FORCE)
def zoo(out, force):
    """Plant every mistake of the bug zoo, and say which detector catches it (a minute)."""
    from ..laboratory.detectors import DETECTORS, SUBJECTS, TITLES, caught, price

    path = output(out, ".png", force=force)
    verdicts = {}
    prices = {}
    as_expected = True
    heads = aligned([(name, mutant.title if mutant else "", "caught by:") for name, mutant in SUBJECTS.items()], "><")
    for head, (name, mutant) in zip(heads, SUBJECTS.items(), strict=True):
        verdicts[name] = caught(mutant)
        letters = "".join(letter for letter, what in verdicts[name].items() if what)
        as_expected &= letters == (mutant.caught_by if mutant else "")
        print(head, ", ".join(DETECTORS[letter] for letter in letters) or "nothing", flush=True)
        if path is not None:
            prices[name] = price(mutant)
    if path is not None:
        draw_matrix(verdicts, prices, path, TITLES, DETECTORS)
        print(path)
    return 0 if as_expected else 1
