"""Pictures are the same bytes each time, for every kind of data; what they look like is for people."""

import io

import numpy as np
import pytest
from test_house import PACKAGE, imports

from minivae import plot


def pixels(path):
    import matplotlib.image

    return matplotlib.image.imread(io.BytesIO(path.read_bytes()))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def history(epochs=3, validation=True):
    m = {"loss": 3.0, "elbo": -3.0, "log_px_z": -2.0, "kl": 1.0}
    return [{"epoch": i + 1, "train": m} | ({"validation": m} if validation else {}) for i in range(epochs)]


def draw(name, path, rng):
    """One picture of each kind, by name."""
    x = rng.random((12, 36))
    y = rng.integers(0, 3, 12)
    {
        "curves": lambda: plot.learning_curves(history(), path),
        "curves of one epoch": lambda: plot.learning_curves(history(1, validation=False), path),
        "grey": lambda: plot.samples(x, (6, 6, 1), path),
        "two channels": lambda: plot.samples(x, (6, 3, 2), path),
        "color": lambda: plot.samples(x, (4, 3, 3), path),
        "four channels": lambda: plot.samples(x, (3, 3, 4), path),
        "out of range": lambda: plot.samples(5 * x - 2, (6, 6, 1), path),
        "constant": lambda: plot.samples(0 * x, (6, 6, 1), path),
        "one sample": lambda: plot.samples(x[:1], (6, 6, 1), path),
        "rows": lambda: plot.samples(x, (36,), path),
        "reconstructions": lambda: plot.reconstructions(x, x, (6, 6, 1), path),
        "reconstructed rows": lambda: plot.reconstructions(x, x, (36,), path),
        "one latent": lambda: plot.latent_means(x[:, :1], y, path),
        "two latents": lambda: plot.latent_means(x[:, :2], y, path),
        "many latents": lambda: plot.latent_means(x, y, path),
        "no classes": lambda: plot.latent_means(x, None, path),
        "many classes": lambda: plot.latent_means(x, np.arange(12), path),
        "collapsed": lambda: plot.latent_means(0 * x, y, path),
        "comparison": lambda: plot.comparison({"a": history(), "a long name of a run": history(5)}, path),
        "comparison of training": lambda: plot.comparison({"a": history(), "b": history(2, False)}, path),
        "walks": lambda: plot.walks([x[:4], x[4:8]], (6, 6, 1), path, "walks", ["a", "b"], ["x", "", "", "y"]),
        "walks of rows": lambda: plot.walks([x[:4], x[4:8], x[8:]], (36,), path, "walks", ["a", "b"]),
        "latent space": lambda: plot.latent_means(x[:, :2], y, path, x.reshape(3, 4, 36), (6, 6, 1)),
        "latent space of rows": lambda: plot.latent_means(x, None, path, x.reshape(3, 4, 36), (36,)),
        "one latent's space": lambda: plot.latent_means(x[:, :1], y, path, x[None, :5], (6, 6, 1)),
        "uncertainty": lambda: plot.uncertainty(
            x[:4], x[:4], rng.random((9, 4, 36)), x[:, :2], 0.1 + x[:, 2:4], y, (6, 6, 1), path, ["z[3]", "z[1]"]
        ),
        "uncertainty of rows": lambda: plot.uncertainty(
            x[:4], x[:4], rng.random((9, 4, 36)), x[:, :1], x[:, 2:3], None, (36,), path, ["z[0]"]
        ),
        "certainty": lambda: plot.uncertainty(
            x[:4], x[:4], 0 * rng.random((9, 4, 36)), x[:, :2], 0 * x[:, 2:4], y, (6, 6, 1), path, ["z[3]", "z[1]"]
        ),
        "one example": lambda: plot.latent_means(x[:1], y[:1], path),
    }[name]()


NAMES = ["curves", "curves of one epoch", "grey", "two channels", "color", "four channels",
         "out of range", "constant", "one sample", "rows", "reconstructions", "reconstructed rows", "one latent",
         "two latents", "many latents", "no classes", "many classes", "collapsed", "one example", "comparison",
         "comparison of training", "walks", "walks of rows", "latent space", "latent space of rows",
         "one latent's space", "uncertainty", "uncertainty of rows", "certainty"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_pictures(name, tmp_path):
    for file in ("a.png", "b.png"):
        draw(name, tmp_path / file, np.random.default_rng(0))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert len(np.unique(pixels(tmp_path / "a.png"))) > 2
    assert len(list(tmp_path.iterdir())) == 2


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, to be read back."""
    from matplotlib.figure import Figure

    figures, init = [], Figure.__init__

    def keep(self, *args, **kwargs):
        init(self, *args, **kwargs)
        figures.append(self)

    monkeypatch.setattr(Figure, "__init__", keep)
    return figures


def test_uncertainty_draws_standard_deviations(rng, tmp_path, drawn):
    """Ellipses of one and two of them around mu; a band of two around the mean of the decodings of a row."""
    x, draws_, mu, std = rng.random((2, 4)), rng.random((9, 2, 4)), rng.random((5, 2)), 0.1 + rng.random((5, 2))
    plot.uncertainty(x, x, draws_, mu, std, None, (4,), tmp_path / "a.png", ["z[0]", "z[1]"])
    left, right = drawn[0].axes
    ellipses = [p for p in right.patches if type(p).__name__ == "Ellipse"]
    assert len(ellipses) == 4
    for i, ellipse in enumerate(ellipses):
        np.testing.assert_allclose(ellipse.center, mu[i // 2])
        np.testing.assert_allclose((ellipse.width, ellipse.height), 2 * (1 + i % 2) * std[i // 2])
    edges = left.collections[0].get_paths()[0].vertices
    for edge in (draws_[:, 0].mean(axis=0) + s * 2 * draws_[:, 0].std(axis=0) for s in (-1, 1)):
        assert all(np.isclose(edges, point).all(axis=1).any() for point in np.stack([np.arange(4), edge], axis=1))


def test_curves_of_a_model_without_an_elbo(tmp_path, drawn):
    lines = [{"epoch": i, "train": {"loss": 1.0, "log_px_z": -1.0}} for i in (1, 2)]
    plot.learning_curves(lines, tmp_path / "a.png")
    assert [ax.get_title() for ax in drawn[0].axes] == ["reconstruction, log p(x | z)"]


def test_the_grid_shows_the_pixels(rng, tmp_path):
    """Every grey level of the data is on the picture, brightest where the data is brightest."""
    x = np.zeros((1, 4))
    x[0, 3] = 1
    plot.samples(x, (2, 2, 1), tmp_path / "a.png", title="")
    image = pixels(tmp_path / "a.png")[:, :, 0]
    dark = np.argwhere(image < 0.01)
    top, left = dark.min(axis=0)
    bottom, right = dark.max(axis=0)
    middle = image[top : bottom + 1, left : right + 1]
    h, w = middle.shape
    assert middle[h // 4, w // 4] == middle[h // 4, 3 * w // 4] == middle[3 * h // 4, w // 4] == 0
    assert middle[3 * h // 4, 3 * w // 4] == 1


def test_a_picture_needs_no_room_that_measures():
    """What is drawn is given: plot knows arrays, files and text, and the metrics' names on the models."""
    for file in (PACKAGE / "plot").glob("*.py"):
        rooms = {name.split(".")[1] for name in imports(file) if name.startswith("minivae.")}
        assert rooms <= {"plot", "files", "tables", "models"}, file.name
