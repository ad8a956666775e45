"""Pictures are the same bytes each time, for every kind of data; what they look like is for people."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from test_house import PACKAGE, imports

from minivae import plot
from minivae.models import Metric
from minivae.plot import Tiles


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
        "many channels": lambda: plot.samples(x, (3, 2, 6), path),
        "out of range": lambda: plot.samples(5 * x - 2, (6, 6, 1), path),
        "constant": lambda: plot.samples(0 * x, (6, 6, 1), path),
        "one sample": lambda: plot.samples(x[:1], (6, 6, 1), path),
        "rows": lambda: plot.samples(x, (36,), path),
        "signal": lambda: plot.samples(x, (12, 3), path),
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
        "attention": lambda: plot.draw_attention(
            [rng.random((2, 4, 4))] * 3, ["a", " ", "$x$", "<end>"], path, "of $a$"
        ),
        "attention of one token": lambda: plot.draw_attention([np.ones((1, 1, 1))], ["<end>"], path, "one"),
        "one example": lambda: plot.latent_means(x[:1], y[:1], path),
    }[name]()


NAMES = ["curves", "curves of one epoch", "grey", "two channels", "color", "four channels", "many channels",
         "out of range", "constant", "one sample", "rows", "signal", "reconstructions", "reconstructed rows",
         "one latent",
         "two latents", "many latents", "no classes", "many classes", "collapsed", "one example", "comparison",
         "comparison of training", "walks", "walks of rows", "latent space", "latent space of rows",
         "one latent's space", "uncertainty", "uncertainty of rows", "certainty", "attention",
         "attention of one token"]  # fmt: skip


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


def test_attention_has_queries_down_and_keys_across(tmp_path, drawn):
    """On one scale in all panels; tokens stand as they are, a space can be seen."""
    weights = np.tril(np.ones((5, 3, 3))) / 3
    weights[1, 2, 0] = 0.9
    plot.draw_attention([weights[:3], weights[3:]], ["$a$", " ", "b"], tmp_path / "a.png", "attention")
    panels = [ax for ax in drawn[0].axes if ax.images]
    titles = [f"block {block}, head {i}" for block, heads in ((0, 3), (1, 2)) for i in range(heads)]
    assert [ax.get_title() for ax in panels] == titles
    for ax, p in zip(panels, weights, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), p)
        assert ax.images[0].get_clim() == (0, 1)
    for labels in (panels[3].get_xticklabels(), panels[3].get_yticklabels()):
        assert [label.get_text() for label in labels] == ["$a$", "\N{OPEN BOX}", "b"]
        assert not any(label.get_parse_math() for label in labels)


def test_many_curves_stand_in_several_rows(tmp_path, drawn):
    """Seven metrics, as a hierarchy of three levels has, would hide each other's titles side by side."""
    names = list("abcdefg")
    lines = [{"epoch": e, "train": dict.fromkeys(names, 1.0)} for e in (1, 2)]
    plot.learning_curves(lines, tmp_path / "a.png", {name: Metric(name, "higher") for name in names})
    (figure,) = drawn
    assert [ax.get_title() for ax in figure.axes] == names
    assert [ax.get_subplotspec().rowspan.start for ax in figure.axes] == [0, 0, 0, 0, 1, 1, 1]


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


# ---- large examples


@pytest.mark.parametrize("shape", [(10, 7, 2), (2, 7, 1), (9, 1, 3), (1, 30, 1), (8, 8, 1), (23,), (6,),
                                   (3, 2, 10), (9, 2), (2, 3)])  # fmt: skip
def test_tiles_are_means_of_blocks(shape, rng, monkeypatch):
    """Blocks at the far edges hold fewer pixels, of which they are the mean as well."""
    monkeypatch.setattr("minivae.plot.tiles.SIDE", 16)
    monkeypatch.setattr("minivae.plot.tiles.POINTS", 6)
    tiles = Tiles(shape, 3, 4)
    x = rng.random((2, 5, int(np.prod(shape)))).astype("float32")
    small = tiles.reduce(x).reshape(2, 5, *tiles.shape)
    assert small.dtype == np.float32
    x = x.reshape(2, 5, *shape)
    for index in np.ndindex(*tiles.shape[: len(tiles.block)]):
        rows = tuple(slice(i * b, (i + 1) * b) for i, b in zip(index, tiles.block, strict=True))
        blocks = x[:, :, *rows]
        mean = blocks.mean(axis=tuple(range(2, 2 + len(rows))))
        np.testing.assert_allclose(small[:, :, *index], mean, rtol=1e-6)
    assert tiles.reduce(small.reshape(2, 5, -1)).base is small.reshape(2, 5, -1).base  # once is enough
    if len(shape) < 3:
        np.testing.assert_allclose(tiles.columns[:2], (np.arange(2) + 0.5) * tiles.block[0] - 0.5)
    assert bool(tiles.note) == (max(tiles.block) > 1 or max(tiles.repeat, default=1) > 1)


def test_small_examples_stay_as_they_are(rng):
    """Digits, MNIST, sprites in every grid that a command draws, and tables of some columns."""
    for shape in ((8, 8, 1), (28, 28, 1), (64, 64, 1), (2000,)):
        x = rng.random((2, int(np.prod(shape))))
        for grid in ((8, 8), (6, 10), (8, 11), (10, 11), (15, 15), (6, 10)):
            tiles = Tiles(shape, *grid)
            assert tiles.reduce(x) is x
            assert tiles.note == ""


def test_a_signal_is_drawn_channel_after_channel(tmp_path, drawn):
    """A gap parts the channels, whose numbers are on the axis; its name says how long each of them is."""
    x = np.arange(14.0).reshape(7, 2) * [1, -1]  # 0 2 4 .., then -1 -3 ..
    rows = x.reshape(1, 14)
    plot.samples(rows, (7, 2), tmp_path / "a.png")
    plot.walks([rows], (7, 2), tmp_path / "b.png", "walk", ["a"])
    plot.latent_means(np.zeros((1, 2)), None, tmp_path / "c.png", rows[None], (7, 2))
    plot.uncertainty(rows, rows, rows[None], np.zeros((1, 2)), np.ones((1, 2)), None, (7, 2), tmp_path / "d.png",
                     ["z[0]", "z[1]"])  # fmt: skip
    for figure in drawn:
        ax = figure.axes[0]
        across, up = ax.lines[0].get_data()
        np.testing.assert_array_equal(up[:15], [*x[:, 0], np.nan, *x[:, 1]])
        assert np.isnan(across[7])
        np.testing.assert_allclose(across[[0, 6, 8, 14]], [0, 6, 7.7, 13.7])
        assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1"]
        assert "channel, each of 7 positions" in (ax.get_xlabel(), figure.get_supxlabel())


def test_every_grid_says_what_it_shows_of_many_channels(rng, tmp_path, drawn):
    """One channel, or red, green and blue, are drawn as they are; of others their mean, in the range of the means."""
    for c, note in ((1, []), (2, ["mean of 2 channels"]), (3, []), (4, ["the first 3 of 4 channels"]),
                    (10, ["mean of 10 channels"])):  # fmt: skip
        x = rng.random((4, 12 * c))
        plot.samples(x, (4, 3, c), tmp_path / "a.png", "samples")
        ax = drawn[-1].axes[0]
        assert ax.get_title().splitlines() == ["samples", *note]
        if c == 10:
            first = ax.images[0].get_array()[:4, :3]
            np.testing.assert_allclose(first, np.tile(x[0].reshape(4, 3, 10).mean(axis=2)[..., None], 3), rtol=1e-6)
    draws, mu, std = rng.random((9, 4, 120)), rng.random((4, 2)), rng.random((4, 2))
    x = rng.random((4, 120))
    plot.uncertainty(x, x, draws, mu, std, None, (4, 3, 10), tmp_path / "a.png", ["z[0]", "z[1]"])
    ax = drawn[-1].axes[0]
    assert ax.get_title().endswith("\nmean of 10 channels")
    top = draws.std(axis=0).reshape(4, 12, 10).mean(axis=2).max()
    assert ax.get_xlabel() == f"spread: pixel-wise standard deviation, white is {top:.2f}"
    plot.latent_means(mu, None, tmp_path / "a.png", x[None], (4, 3, 10))
    assert drawn[-1].axes[0].get_title().endswith("\nmean of 10 channels")


SHAPES = [(2000, 2000, 1), (1000, 300, 3), (5000, 1, 1), (1, 5000, 1), (4000, 3, 1), (20000, 2000, 1), (3, 1, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("grid", [(8, 8), (2, 3), (15, 15), (6, 10), (1, 100)])
def test_grids_have_a_size(shape, grid):
    tiles = Tiles(shape, *grid)
    sides = [n * m for n, m in zip(tiles.size, grid, strict=True)]
    assert max(sides) <= 1600 + max(grid)
    assert max(tiles.size) <= 5 * min(tiles.size)
    for n, shown, block in zip(shape, tiles.shape, tiles.block, strict=False):
        assert (shown - 1) * block < n <= shown * block


def test_an_image_of_one_column_can_be_seen(rng, tmp_path, drawn):
    """Its canvas has some size, the space between tiles is that of what is drawn, and the title says what was done."""
    plot.samples(rng.random((64, 5000)), (5000, 1, 1), tmp_path / "a.png")
    ax = drawn[0].axes[0]
    H, W, _ = ax.images[0].get_array().shape
    assert 1000 < H < 1800
    assert 200 < W < 1800
    assert ax.get_title().splitlines()[1:] == [
        "each pixel of a tile is the mean of 25x1 pixels",
        "the images are longer and thinner than they are drawn",
    ]
    box = ax.title.get_window_extent()
    assert 0 < box.x0 < box.x1 < drawn[0].bbox.x1
    assert box.y1 < drawn[0].bbox.y1


def test_titles_are_inside_of_the_picture(rng, tmp_path, drawn):
    title, tops = "between two examples: decoded walks from mu to mu", ["x", *[""] * 9, "x"]
    plot.walks(list(rng.random((8, 11, 5000))), (1, 5000, 1), tmp_path / "a.png", title, ["a", "b"], tops)
    box = drawn[0].axes[0].title.get_window_extent()
    assert box.y1 < drawn[0].bbox.y1


def test_every_grid_says_when_pixels_were_averaged(rng, tmp_path, drawn):
    x = rng.random((4, 400 * 400)).astype("float32")
    draws_, mu, std = np.stack([x, x + 1]), rng.random((4, 2)), rng.random((4, 2))
    plot.reconstructions(x, x, (400, 400, 1), tmp_path / "a.png")
    plot.uncertainty(x, x, draws_, mu, std, None, (400, 400, 1), tmp_path / "b.png", ["z[0]", "z[1]"])
    plot.latent_means(mu, None, tmp_path / "c.png", np.stack([x] * 5), (400, 400, 1))
    averaged = [figure.axes[0].get_title().split("is the mean of ")[1:] for figure in drawn]
    assert averaged == [[], ["2x2 pixels"], ["2x2 pixels"]]  # of 4 columns, of 5, of 5 rows


def test_long_rows_are_drawn_by_their_means(tmp_path, drawn):
    """A point stands at the middle of its columns, and the axis says so, in every kind of picture."""
    x = np.arange(200_000.0)[None].repeat(4, axis=0)
    shape, mu = (200_000,), np.arange(8.0).reshape(4, 2)
    plot.samples(x, shape, tmp_path / "a.png")
    plot.reconstructions(x, x, shape, tmp_path / "b.png")
    plot.walks([x[:2], x[2:]], shape, tmp_path / "c.png", "walks", ["a", "b"])
    plot.latent_means(mu, None, tmp_path / "d.png", x.reshape(2, 2, -1), shape)
    plot.uncertainty(x, x, x[None], mu, mu, None, shape, tmp_path / "e.png", ["z[0]", "z[1]"])
    for figure in drawn:
        line = figure.axes[0].lines[0]
        assert line.get_xdata().shape == (2000,)
        np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
        label = figure.get_supxlabel() or figure.axes[0].get_xlabel()
        assert label == "column (each point is the mean of 100)"


# ---- what is around a picture


def test_the_users_own_style_has_no_part(rng, tmp_path):
    import matplotlib

    x = rng.random((4, 36))
    plot.samples(x, (6, 6, 1), tmp_path / "a.png")
    with matplotlib.rc_context({"text.usetex": True, "savefig.bbox": "tight", "font.size": 30, "image.cmap": "hot"}):
        plot.samples(x, (6, 6, 1), tmp_path / "b.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_backend_that_matplotlib_does_not_know(tmp_path):
    """It would refuse to be imported: said before a training, and not after it."""
    code = "import sys; from minivae.cli import main; sys.exit(main(['train', '--out', sys.argv[1]]))"
    environment = os.environ | {"MPLBACKEND": "nonsense"}
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True,
                            cwd=PACKAGE.parent, env=environment)  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.startswith("minivae: MPLBACKEND: matplotlib cannot be imported (Key backend: 'nonsense'")
    assert result.stderr.count("\n") == 1
    assert not result.stdout
    assert not list(tmp_path.iterdir())


def test_names_that_are_no_utf_8(tmp_path, drawn):
    plot.comparison({"b\udcffd": history(), "_\ud800": history()}, tmp_path / "a.png")
    assert [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()] == ["b?d", "./_?"]


def test_a_picture_needs_no_room_that_measures():
    """What is drawn is given: plot knows arrays, files and text, and the metrics' names on the models."""
    for file in (PACKAGE / "plot").glob("*.py"):
        rooms = {name.split(".")[1] for name in imports(file) if name.startswith("minivae.")}
        assert rooms <= {"plot", "files", "tables", "models"}, file.name
