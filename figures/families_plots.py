"""Pictures of figures.families: samples side by side, what each place of z becomes, and quality against seconds."""

from contextlib import contextmanager

import numpy as np

from minivae.backend import generator
from minivae.data import mode_centers
from minivae.evaluate import interpolate, near_modes
from minivae.plot import CLASSES, GREY, figure_to
from minivae.plot.grids import image_grid

from .families_measures import decoded, prior_draws, samples
from .families_runs import BASELINE, DATA, FAMILIES, LONGER, MARKS, TRAINED
from .families_scenes import known_log_prob, shown_rows
from .families_train import is_trained, model_of, read
from .families_verdicts import end_of, value_of

SHOWN = 14  # images of each family
DOTS = 1000  # points of each family
SIDE = 121  # places of a plane of z, each way
NOTHING = {"seconds": [], "quality": [], "likelihood": []}
REACH = 3.0  # of it, in standard deviations of the prior


def final(folder, data, family):
    """(model at equal seconds, its data) of a main run; None where it is not there, or failed before."""
    name = f"{data}-{family}-0"
    if not is_trained(folder, name):
        return None
    arrays, said = read(folder, name)
    if 1.0 not in said["marks"]:
        return None
    return model_of(said["run"]["options"], arrays, said["marks"].index(1.0))


def there(folder, data):
    """{family: (model, data)} of the main runs that are there."""
    found = {family: final(folder, data, family) for family in FAMILIES}
    return {family: of for family, of in found.items() if of is not None}


def draw_samples(folder, data, path):
    """Real images, and below them samples of each family, at equal seconds."""
    models = there(folder, data)
    bands = [shown_rows(data, SHOWN), *(samples(*models[family], family, data, SHOWN) for family in models)]
    labels = ["test images", *(FAMILIES[family].what for family in models)]
    title = f"{DATA[data].what}: samples after {DATA[data].seconds:g} s"
    image_grid(bands, DATA[data].shape, path, title, labels)


def panels(figure, rows, columns, labels):
    """Axes of points of a plane, equal in both directions; `labels` stand above the columns."""
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, label in zip(axes[0], labels, strict=True):
        ax.set_title(label)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.grid(False)
    return axes


def draw_points(folder, path):
    """Samples of each family over the known density, a row for each set of points."""
    names = [name for name, of in DATA.items() if of.kind == "points"]
    models = {data: there(folder, data) for data in names}
    families = [family for family in FAMILIES if any(family in of for of in models.values())]
    with figure_to(path, (1.9 * (1 + len(families)), 2.05 * len(names) + 0.3)) as figure:
        axes = panels(figure, len(names), 1 + len(families), ["data", *(FAMILIES[f].what for f in families)])
        for line, data in zip(axes, names, strict=True):
            points = shown_rows(data, DOTS)
            reach = np.abs(points).max() + 0.5
            grid = np.linspace(-reach, reach, 201)
            plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
            density = np.exp(known_log_prob(data, plane) / 3).reshape(201, 201)  # the cube root shows where it is small
            for ax, family in zip(line, (None, *families), strict=True):
                ax.imshow(density, extent=(-reach, reach) * 2, origin="lower", cmap="Blues", vmax=1.5 * density.max())
                ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
                if family is None or family in models[data]:
                    x = points if family is None else samples(*models[data][family], family, data, DOTS)
                    ax.plot(*x.T, ".", ms=1.5, color="#d9722e")
        figure.suptitle("samples (orange) over the known density (blue), at equal seconds", fontsize=11)


def draw_planes(folder, path):
    """What each place of z decodes to on points: the color of the nearest mode, pale where no mode is near."""
    from matplotlib.colors import to_rgb

    names = [name for name, of in DATA.items() if of.kind == "points"]
    models = {data: there(folder, data) for data in names}
    families = [f for f in TRAINED if any(f in of for of in models.values())]
    with figure_to(path, (1.9 * len(families), 2.05 * len(names) + 0.3)) as figure:
        axes = panels(figure, len(names), len(families), [FAMILIES[family].what for family in families])
        u = np.linspace(-REACH, REACH, SIDE, dtype="float32")
        plane = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)
        for line, data in zip(axes, names, strict=True):
            options = DATA[data].options["modes"]
            centers = mode_centers(**options)
            colors = np.array([to_rgb(color) for color in CLASSES])
            for ax, family in zip(line, families, strict=True):
                if family not in models[data]:
                    continue
                model, of = models[data][family]
                x = decoded(model, prior_draws(model, 1, np.random.default_rng(0))[1](plane), of, data)
                mode = near_modes(x, centers, options["std"])
                shown = colors[mode % len(colors)]
                shown[mode < 0] = 0.93
                ax.imshow(shown.reshape(SIDE, SIDE, 3), extent=(-REACH, REACH) * 2, origin="lower")
        title = f"what z decodes to, from -{REACH:g} to {REACH:g} standard deviations of the prior"
        figure.suptitle(f"{title}\ncolors are modes, grey is near none", fontsize=11)


def draw_walks(folder, data, path):
    """A walk between two draws from the prior for each family, on a great circle."""
    models, bands, labels = there(folder, data), [], []
    for family in (family for family in TRAINED if family in models):
        model, of = models[family]
        ends, z_of = prior_draws(model, 2, generator(0, "sample", 1))
        u = interpolate(ends[:1], ends[1:], SHOWN, "spherical")[0]
        bands.append(decoded(model, z_of(u), of, data))
        labels.append(FAMILIES[family].what)
    image_grid(bands, DATA[data].shape, path, f"{DATA[data].what}: a walk between two draws from the prior", labels)


def draw_quality(found, path):
    """Quality against seconds, a panel for each set of data, a curve for each family."""

    def curve(data, row):
        return [(s, value_of(data, own)) for s, own in zip(row["seconds"], row["quality"], strict=True) if own]

    title = "quality against seconds; dashed: training rows, dotted: probabilistic PCA"
    with _against_seconds(found, path, title, curve) as axes:
        for ax, (data, of) in zip(axes, DATA.items(), strict=True):
            points = of.kind == "points"
            for quality, style in ((end_of(found, data, BASELINE), ":"), (found["real"].get(data), "--")):
                if quality is not None:
                    ax.axhline(value_of(data, quality), color=GREY, lw=1, ls=style)
            ax.set(yscale="linear" if points else "log", ylabel="share near a mode" if points else "Frechet distance")


def draw_likelihood(found, path):
    """The same of log p(x): of points less the known one, of images bits per dimension."""

    def curve(data, row):
        part = "beside" if DATA[data].kind == "points" else "bits"
        return [(s, own[part][0]) for s, own in zip(row["seconds"], row["likelihood"], strict=True) if part in own]

    title = "log p(x) of test rows against seconds; dotted: what is known, or probabilistic PCA"
    with _against_seconds(found, path, title, curve) as axes:
        for ax, (data, of) in zip(axes, DATA.items(), strict=True):
            points, baseline = of.kind == "points", end_of(found, data, BASELINE, "likelihood")
            if points or baseline is not None:
                ax.axhline(0 if points else baseline["bits"][0], color=GREY, lw=1, ls=":")
            if points:
                ax.set_ylim(-3, 0.1)
            ax.set(ylabel="log p(x) less the known one, nats" if points else "bits per dimension")


@contextmanager
def _against_seconds(found, path, title, curve):
    """A panel for each set of data with curve(data, row), points (seconds, value), of the main run of each family."""
    with figure_to(path, (11.5, 6.6)) as figure:
        axes = list(figure.subplots(2, 3).flat)
        for ax in axes[len(DATA) :]:
            ax.set_visible(False)
        seen = {}
        for ax, (data, of) in zip(axes, DATA.items(), strict=False):
            for family, color in zip(TRAINED, CLASSES, strict=False):
                pairs = curve(data, found["rows"].get(f"{data}-{family}-0", NOTHING))
                if pairs:
                    (seen[FAMILIES[family].what],) = ax.plot(*zip(*pairs, strict=True), "-o", ms=3, color=color)
            ax.axvline(of.seconds, color=GREY, lw=0.6)
            ax.set(title=data, xlabel="seconds of one thread", xscale="log")
            ticks = [share * of.seconds for share in (*MARKS, *(LONGER if of.longer else ()))[::2]]
            ax.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
            ax.minorticks_off()
        yield axes[: len(DATA)]
        figure.legend(seen.values(), seen.keys(), loc="outside lower center", ncols=5)
        figure.suptitle(title, fontsize=11)
