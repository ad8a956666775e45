"""The pictures of figures.variants."""

from textwrap import fill as wrapped

import numpy as np

from minivae.backend import generator
from minivae.data import load_data
from minivae.laboratory.energies import EDGE, ENERGIES, divergence, fit, log_density, partition, planar, square_of
from minivae.laboratory.snr import near_the_optimum, signal_to_noise
from minivae.models.iwae import IWAE
from minivae.optim import Adam
from minivae.plot import BLUE, GREY, ORANGE, Tiles, figure_to
from minivae.plot.grids import draw_images
from minivae.tables import markdown
from minivae.train import fit as fit_model

SIDE = 8  # images to each side of a square
PANELS = 4  # comparisons in a line

# ---- What needs no run: draw(path, what was kept of it) -> what to keep


def energies(path, kept=None, counts=(2, 8, 32), steps=2000):
    """Planar flows fitted to each energy: {energy: {flows: KL}}."""
    if kept and path.exists():
        return kept
    flows = {name: {} for name in ENERGIES}
    for name, energy in ENERGIES.items():
        for T in counts:
            rng = np.random.default_rng(0)
            flows[name][str(T)] = fit(energy, planar(T, rng), rng, steps)
    found = {name: {T: divergence(ENERGIES[name], flow) for T, flow in of.items()} for name, of in flows.items()}
    z, _ = square_of(200)
    with figure_to(path, (2.2 * (1 + len(counts)), 9.2)) as figure:
        for row, (name, energy) in zip(figure.subplots(len(flows), 1 + len(counts)), ENERGIES.items(), strict=True):
            panels = {f"{name}: exp(-U) / Z": np.exp(-energy(z)[0]) / partition(energy)}
            for T, flow in flows[name].items():
                panels[f"{T} flows: KL {found[name][T]:.2f}"] = np.exp(log_density(flow, z))
            top = next(iter(panels.values())).max()
            for ax, (title, p) in zip(row, panels.items(), strict=True):
                ax.imshow(p, origin="lower", extent=(-EDGE, EDGE, -EDGE, EDGE), cmap="Blues", vmin=0, vmax=top)
                ax.set(title=title, xticks=(-4, 0, 4), yticks=(-4, 0, 4))
                ax.grid(False)
        figure.suptitle("densities of two latents, and planar flows fitted to them (KL in nats)", fontsize=11)
    return found


def energy_table(found):
    counts = list(next(iter(found.values())))
    rows = [(name, *(f"{kl:.3f}" for kl in of.values())) for name, of in found.items()]
    return markdown(("energy", *(f"{T} flows" for T in counts)), *rows)


def snr(path, kept=None, Ks=(1, 4, 16, 64, 256), S=400, epochs=60):
    """{model: {gradient: {K: (snr, error)}}} near a known optimum, and of a small IWAE that was trained on digits."""
    found = kept or _snr(Ks, S, epochs)
    with figure_to(path, (9, 3.6)) as figure:
        for ax, (label, gradients) in zip(figure.subplots(1, 2), found.items(), strict=True):
            for (gradient, ratios), color, power in zip(gradients.items(), (BLUE, ORANGE), (-0.5, 0.5), strict=True):
                K, (value, error) = np.array(list(ratios), float), np.array(list(ratios.values())).T
                ax.errorbar(K, value, 2 * error, fmt="-o", color=color, capsize=3, label=gradient)
                law = "1 / sqrt(K), sqrt(K)" if power > 0 else None
                ax.plot(K, value[0] * K**power, ":", color=GREY, lw=1, label=law)
            ax.set(title=label, xlabel="samples K in the bound", xscale="log", yscale="log")
            ax.set_xticks(K, list(ratios))
            ax.minorticks_off()
        figure.axes[0].set_ylabel("signal / noise of the encoder's gradient")
        figure.axes[0].legend()
    return found


def _snr(Ks, S, epochs):
    rng = np.random.default_rng(0)
    data = load_data("digits")
    model = IWAE.build(data.shape, generator(0, "weights"), hidden=(32,), latent=4, activation="tanh", samples=1)
    fit_model(model, Adam(model, lr=3e-3), data, epochs=epochs, batch_size=50, progress=False)
    model.bind("float64")
    subjects = {
        "a linear model near its optimum": (near_the_optimum(2, rng), 2**0.5 * rng.standard_normal((16, 2))),
        "digits, four latents": (model, data.validation.x[:16].astype("float64")),
    }
    found = {label: signal_to_noise(m, x, Ks, S, rng) for label, (m, x) in subjects.items()}
    return {label: {g: {str(K): r for K, r in of.items()} for g, of in gs.items()} for label, gs in found.items()}


WITHOUT_RUNS = {"energies": energies, "snr": snr}

# ---- Of runs


def draw_evidence(comparisons, found, path):
    """ELBO and log p(x) of every measured row, a panel for each comparison; above each point the paired effect."""
    shown = {title: [row for row in rows if row.run in found[title]] for title, (_, rows) in comparisons.items()}
    shown = {title: rows for title, rows in shown.items() if len(rows) > 1}
    if not shown:
        return
    titles = list(shown)
    lines = [titles[i : i + PANELS] for i in range(0, len(titles), PANELS)]
    with figure_to(path, (3.4 * max(map(len, lines)), 4.2 * len(lines))) as figure:
        parts = figure.subfigures(len(lines), 1, squeeze=False)[:, 0]
        axes = []
        for part, line in zip(parts, lines, strict=True):
            widths = [len(shown[title]) + 0.6 for title in line]
            axes += list(part.subplots(1, len(line), squeeze=False, width_ratios=widths)[0])
        for ax, (title, rows) in zip(axes, shown.items(), strict=True):
            for i, row in enumerate(rows):
                m = found[title][row.run]
                for value, error, color, label in (
                    (m["elbo"], m["elbo_error"], ORANGE, "ELBO"),
                    (m["log_px"], m["error"], BLUE, "log p(x) by importance sampling"),
                ):
                    ax.errorbar(i, value, 2 * error, fmt="o", color=color, capsize=3, label=label)
                if m["effect"] is not None:
                    text, top = "{:+.2f}\n± {:.2f}".format(*m["effect"]), m["log_px"] + 2 * m["error"]
                    ax.annotate(text, (i, top), (0, 4), textcoords="offset points", ha="center", fontsize=9)
            ax.set_xticks(range(len(rows)), [wrapped(row.what, 16) for row in rows], fontsize=8)
            ax.set(title=wrapped(title, 14 * len(rows)), xlim=(-0.6, len(rows) - 0.4))
            ax.margins(y=0.2)
            ax.grid(False, axis="x")
        for ax in axes[::PANELS]:
            ax.set_ylabel("nats per image, ± 2 standard errors")
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles[:2], names[:2], loc="outside lower center", ncols=2)


def draw_pseudo(vae, vamp, shape, path):
    """The first pseudo-inputs of a VampPrior and their reconstructions; draws from it, and N(0, I) of another model."""
    n = SIDE * SIDE
    pseudo = vamp.prior.inputs()[:n]
    panels = {
        "pseudo-inputs": pseudo,
        "their reconstructions": vamp.reconstruct(pseudo),
        "samples of the VampPrior": vamp.sample(n, np.random.default_rng(0)),
        "samples of N(0, I)": vae.sample(n, np.random.default_rng(0)),
    }
    with figure_to(path, (16, 4.3)) as figure:
        for ax, (title, images) in zip(figure.subplots(1, 4), panels.items(), strict=True):
            draw_images(ax, [images[i : i + SIDE] for i in range(0, len(images), SIDE)], Tiles(shape, SIDE, SIDE))
            ax.set_title(title)
