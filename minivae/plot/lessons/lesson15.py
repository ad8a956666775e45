"""The drawings of lesson 15, Tighter bounds."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

COLORS = {"reparameterized": CLASSES[3], "path alone": CLASSES[4], "doubly": BLUE, "decoder": CLASSES[2]}


def ratios(path, Ks, ratios, signals):
    """Signal over noise of each gradient against K, and the length of the mean of three: {name: (Ks,)}."""
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subplots(1, 2)
        for name, values in ratios.items():
            left.plot(Ks, values, "s:" if name == "decoder" else "o-", ms=4, color=COLORS[name], label=_called(name))
        for name, sign in (("reparameterized", -0.5), ("doubly", 0.5)):
            left.plot(Ks, ratios[name][-1] * (Ks / Ks[-1]) ** sign, color=GREY, ls="--", lw=1)
        left.plot([], [], color=GREY, ls="--", lw=1, label="root of K, and 1 / root of K")
        left.set(title="signal to noise of one gradient", ylabel="ratio")
        for name, values in signals.items():
            right.plot(Ks, values, "o-", ms=4, color=COLORS[name], label=_called(name))
        right.plot(Ks, signals["doubly"][-1] * Ks[-1] / Ks, color=GREY, ls="--", lw=1, label="1 / K")
        right.set(title="length of the encoder's mean gradient", ylabel="nats per unit")
        for ax in (left, right):
            ax.set(xlabel="draws K", yscale="log")
            ax.set_xscale("log", base=4)
            ax.set_xticks(Ks, [f"{K:,}" for K in Ks])
        left.set_ylim(3e-3, 600)
        left.legend(fontsize=8, loc="upper left")
        right.legend(fontsize=8)


def _called(name):
    return "the decoder's" if name == "decoder" else f"encoder's, {name}"


def programs(path, Ks, values, elbo, log_px):
    """What four programs log as their bound, {name: (Ks,)}, between the ELBO and log p(x)."""
    with figure_to(path, (10, 3.8)) as figure:
        ax = figure.subplots()
        ax.axhspan(elbo, log_px, color=GREY, alpha=0.15)
        ax.axhline(log_px, color=GREY, ls="--")
        ax.axhline(elbo, color=GREY, ls="--")
        ax.text(1.12 * Ks[-1], log_px + 0.06, "log p(x)", color=GREY)
        ax.text(1.12 * Ks[-1], elbo - 0.25, "ELBO", color=GREY)
        for (name, means), color in zip(values.items(), (BLUE, CLASSES[3], ORANGE, CLASSES[4]), strict=True):
            ax.plot(Ks, means, "o-", ms=4, color=color, label=name)
        ax.set(title="four programs, one q: what may be a bound lies in the grey band, and rises", xlabel="draws K",
               ylabel="what the program logs, nats", ylim=(log_px - 3.5, log_px + 1.2))  # fmt: skip
        ax.set_xscale("log", base=4)
        ax.set_xlim(0.8, 2 * Ks[-1])
        ax.set_xticks(Ks, [f"{K:,}" for K in Ks])
        ax.legend(loc="lower left", fontsize=9)


def trainings(path, found, Ks, ratios):
    """ELBO and log p(x) of trainings, {method: (seeds, 2)}; signal to noise on digits, {gradient: (values, errors)}."""
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subplots(1, 2)
        places = np.arange(len(found))
        for column, color, name in ((1, BLUE, "log p(x), bound of K = 300"), (0, ORANGE, "ELBO")):
            for place, values in zip(places, found.values(), strict=True):
                left.plot(np.full(len(values), place), values[:, column], "o", ms=5, color=color, alpha=0.7,
                          label=name if place == 0 else None)  # fmt: skip
        left.set_xticks(places, list(found))
        left.set(title="what was trained, three seeds each", ylabel="nats, mean of 250 digits",
                 xlim=(-0.5, len(found) - 0.5))  # fmt: skip
        left.legend(fontsize=9, loc="center", bbox_to_anchor=(0.65, 0.5))
        for name, (values, errors) in ratios.items():
            right.errorbar(Ks, values, errors, fmt="o-", ms=4, capsize=3, color=COLORS[name], label=name)
        right.set(title="signal to noise of the encoder's gradient, digits", xlabel="draws K", ylabel="ratio",
                  yscale="log")  # fmt: skip
        right.set_xscale("log", base=4)
        right.set_xticks(Ks, [str(K) for K in Ks])
        right.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
        right.minorticks_off()
        right.legend(fontsize=9)
