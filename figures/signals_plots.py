"""The pictures of figures.signals."""

import numpy as np

from minivae.plot import CLASSES, Tiles, figure_to
from minivae.plot.grids import draw_images

from .signals_measures import of_seeds, rows_of
from .signals_runs import BANDS, NETWORKS, RUNS, STEPS, arrays_of, networks_of, seeds_of
from .variants_runs import is_finished, run_of

COLORS = {name: CLASSES[i] for kind in ("ecg", "digits") for i, name in enumerate(networks_of(kind))}
LEAST = 0  # nats, below which curves are not shown


def reconstructions(kind, folder, x):
    """{network: x_hat of rows x by its first seed} of those that are finished."""
    runs = {name: seeds_of(name)[0] for name in networks_of(kind)}
    there = {name: run for name, run in runs.items() if is_finished(folder / run)}
    return {name: run_of(run, RUNS[run], folder).load_model()[0].reconstruct(x) for name, run in there.items()}


def draw_beats(folder, path):
    """Heartbeats as lines, and over them what the networks make of them."""
    rows = rows_of("ecg", folder)
    x = np.concatenate([rows["x_test"][:2], rows["anomalies"][:2]])
    x_hats = reconstructions("ecg", folder, x)
    with figure_to(path, (11, 5)) as figure:
        axes = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
        for i, ax in enumerate(axes):
            ax.plot(x[i], color="black", lw=1.4, label="x")
            for name, x_hat in x_hats.items():
                ax.plot(x_hat[i], color=COLORS[name], lw=1.2, label=NETWORKS[name][0])
            ax.set_title("a normal beat" if i < 2 else "an unusual beat")
        for ax in axes[2:]:
            ax.set_xlabel("sample")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")


def draw_curves(found, path):
    """Validation ELBO against the seconds of training."""
    with figure_to(path, (7.4, 4)) as figure:
        ax = figure.subplots()
        for name in networks_of("ecg"):
            for i, m in enumerate(of_seeds(name, found)):
                seconds = m["seconds"] * m["steps"] * np.arange(1, len(m["curve"]) + 1)
                ax.plot(seconds, m["curve"], color=COLORS[name], lw=1, label=NETWORKS[name][0] if i == 0 else None)
        ax.set(xscale="log", xlabel="seconds of training", ylabel="ELBO of validation beats, nats")
        ax.set_ylim(bottom=LEAST)
        ax.legend()


def draw_digits(folder, path):
    """One recording of each digit, and what the networks make of it: time to the right, pitch upwards."""
    arrays = arrays_of(folder / "digits.npz")
    digits, first = np.unique(arrays["y_test"], return_index=True)
    x = arrays["x_test"][first]
    bands = {"recordings": x}
    bands |= {NETWORKS[name][0]: x_hat for name, x_hat in reconstructions("digits", folder, x).items()}
    tiles = Tiles((BANDS, STEPS, 1), len(bands), len(x))
    with figure_to(path, (11, len(bands) + 0.6)) as figure:
        ax = figure.subplots()
        draw_images(ax, [upright(part) for part in bands.values()], tiles, list(bands), list(map(str, digits)))
        ax.set_title("log-mel frames of spoken digits: time to the right, pitch upwards")


def upright(rows):
    """Rows (n, STEPS * BANDS), frame after frame, as images: (n, BANDS * STEPS), the lowest band in the last line."""
    return rows.reshape(-1, STEPS, BANDS)[:, :, ::-1].swapaxes(1, 2).reshape(len(rows), -1)
