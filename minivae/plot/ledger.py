"""The gradient ledger: the tug-of-war of reconstruction and KL, drawn."""

import math

import numpy as np

from ..models.base import COLLAPSED
from .style import BLUE, GREY, ORANGE, figure_to


def draw_ledger(history, path):
    """The tug-of-war over mu and the KL of each latent over the epochs; both parts of the gradients at the last one.

    The tug-of-war is the share k / (k + a), k the norm of the KL part and a = -cosine |reconstruction part| what pulls
    against it: 1/2 is balance, where mu stays; above it the KL is winning. Without the cosine little would be seen:
    much of the reconstruction part is the noise of eps. A collapsed latent is grey in every panel.

    `history` as fit returns it, of which lines without a ledger are left out, or ledgers; of a single one only its
    gradients are drawn. Raises ValueError if there is none.
    """
    lines = [{"epoch": i, "ledger": line} if "mu" in line else line for i, line in enumerate(history, 1)]
    lines = [line for line in lines if "ledger" in line]
    if not lines:
        raise ValueError("history: expected lines with a ledger, got none; train with ledger = true in --config")
    last = lines[-1]["ledger"]
    when = f"after epoch {lines[-1]['epoch']}"
    kl = np.array([line["ledger"]["kl"] for line in lines])  # (epochs, L)
    order = np.argsort(-kl[-1], kind="stable")  # the largest at the top
    names = [f"z[{i}]" for i in order]
    several = len(lines) > 1
    low = 1.5 + 0.24 * max(min(len(order), 30), len(last["layers"]))  # inches
    with figure_to(path, (12.5, low + 4.2 * several)) as figure:
        *upper, lower = figure.subfigures(1 + several, height_ratios=[4.2] * several + [low], squeeze=False)[:, 0]
        if several:
            left, right = upper[0].subplots(1, 2, width_ratios=(1.25, 1))
            epochs = [line["epoch"] for line in lines]
            _, pull, against = _pulls([line["ledger"]["mu"] for line in lines])  # (epochs, L)
            share = np.where(kl < COLLAPSED, np.nan, pull / np.maximum(pull + against, 1e-300))
            _draw_shares(left, epochs, share[:, order].T, names)
            draw_kl_lines(right, epochs, kl)
        left, right = lower.subplots(1, 2)
        _draw_bars(left, names, [part[order] for part in _pulls(last["mu"])], sum(kl[-1] < COLLAPSED))
        left.set_title(f"gradient of mu {when}; collapsed (grey): {sum(kl[-1] < COLLAPSED)} of {kl.shape[1]}")
        left.set_xlabel("root mean square over the examples, nats per unit of mu")
        _draw_bars(right, list(last["layers"]), _pulls(list(last["layers"].values())))
        right.set(title=f"gradient of each parameter {when}", xlabel="norm, nats per unit of the parameter")
        lower.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _pulls(splits):
    """Arrays of a split or a list of them: norms of the reconstruction part, of the KL part, of what is against it."""
    if isinstance(splits, list):
        return np.moveaxis([_pulls(split) for split in splits], 1, 0)
    part, rest, cosine = (np.nan_to_num(splits[name], posinf=0.0) for name in ("reconstruction", "kl", "cosine"))
    return part, rest, np.maximum(-cosine * part, 0)


def _draw_shares(ax, epochs, share, names):
    """Heat map of share (L, epochs), in [0, 1]; NaN is grey."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("parts", (BLUE, "#f7f7f7", ORANGE)).with_extremes(bad=GREY)
    half = (epochs[-1] - epochs[0]) / (len(epochs) - 1) / 2
    extent = (epochs[0] - half, epochs[-1] + half, len(names) - 0.5, -0.5)
    image = ax.imshow(share, colors, vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=extent)
    bar = ax.figure.colorbar(image, ax=ax, ticks=(0, 0.5, 1))
    bar.ax.set_yticklabels(("reconstruction\nwins", "balance", "KL wins"))
    ax.grid(False)
    name_rows(ax, names)
    ax.set(title=f"tug-of-war over mu; grey: collapsed, KL < {COLLAPSED} nats", xlabel="epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)


def draw_kl_lines(ax, epochs, kl):
    """A line per latent, kl (epochs, L); what has collapsed at the end is grey."""
    for values in kl.T:
        ax.plot(epochs, np.maximum(values, 1e-6), lw=1.2, color=GREY if values[-1] < COLLAPSED else BLUE)
    ax.axhline(COLLAPSED, color="black", lw=1, ls="--")
    ax.set(title=f"KL of each latent; collapsed (grey): {sum(kl[-1] < COLLAPSED)} of {kl.shape[1]}", xlabel="epoch",
           ylabel="nats per example", yscale="log")  # fmt: skip
    ax.xaxis.get_major_locator().set_params(integer=True)


def _draw_bars(ax, names, pulls, n_collapsed=0):
    """Bars of each name's pulls (3, n) on a logarithmic axis; the last few names stand on grey, being collapsed."""
    rows = np.arange(len(names))
    part, rest, against = pulls
    ax.barh(rows - 0.2, part, 0.4, color=BLUE, alpha=0.35, lw=0, label="reconstruction part")
    ax.barh(rows - 0.2, against, 0.4, color=BLUE, label="what of it pulls against the KL")
    ax.barh(rows + 0.2, rest, 0.4, color=ORANGE, label="KL part")
    if n_collapsed:
        ax.axhspan(len(rows) - n_collapsed - 0.5, len(rows) - 0.5, color=GREY, alpha=0.25, lw=0, zorder=0)
    shown = [math.log10(v) for v in np.ravel(pulls) if v > 0] or [0.0]
    top = math.floor(max(shown)) + 1
    ax.set(xlim=(10.0 ** max(math.floor(min(shown)), top - 4), 10.0**top), xscale="log", ylim=(len(rows) - 0.5, -0.5))
    ax.xaxis.set_minor_formatter("")
    ax.grid(False, axis="y")
    name_rows(ax, names)


def name_rows(ax, names):
    """As many names of the rows as can be read."""
    every = -(-len(names) // 30)
    ax.set_yticks(range(0, len(names), every), names[::every])
