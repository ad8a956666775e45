"""Each pair of model, networks, likelihood, norm, optimizer, schedule is in a run: killed, resumed, the same bytes."""

import itertools

import numpy as np
import pytest
from test_runs import Killed, content

from minivae.cli import main
from minivae.data import expressions
from minivae.layers import NORMS
from minivae.likelihoods import LIKELIHOODS
from minivae.models import MODELS
from minivae.models.networks import NETWORKS
from minivae.models.text import LINES
from minivae.optim import OPTIMIZERS
from minivae.runs import Run
from minivae.schedules import SCHEDULES

CHOICES = {
    "model": [name for name, cls in MODELS.items() if set(NETWORKS) - {"latent"} <= set(cls.options)],
    "arch": NETWORKS["arch"].metavar.split("|"),
    "likelihood": list(LIKELIHOODS),
    "norm": list(NORMS),
    "optimizer": list(OPTIMIZERS),
    "schedule": list(SCHEDULES),
}


def pairs_of(row):
    """All pairs of two items of a row."""
    return set(map(frozenset, itertools.combinations(row.items(), 2)))


def every_pair(choices):
    """All pairs of values of two names, in order."""
    items = [(name, value) for name, values in choices.items() for value in values]
    return [frozenset(pair) for pair in itertools.combinations(items, 2) if pair[0][0] != pair[1][0]]


def pairwise(choices):
    """Few rows {name: value} with every pair of values in one: each from a pair that is left, with the most others."""
    left = dict.fromkeys(every_pair(choices))
    rows = []
    while left:
        row = dict(next(iter(left)))
        for name in [name for name in choices if name not in row]:
            more = [row | {name: value} for value in choices[name]]
            row = max(more, key=lambda row: len(pairs_of(row) & left.keys()))
        rows.append(row)
        for pair in pairs_of(row):
            left.pop(pair, None)
    return rows


ROWS = pairwise(CHOICES)
OF_TEXT = {
    "model": [name for name, cls in MODELS.items() if cls.reads_text],
    "arch": LINES["arch"].metavar.split("|"),
    "optimizer": list(OPTIMIZERS),
}


OF_FLOWS = {"arch": MODELS["nvp"].options["arch"].metavar.split("|"), "optimizer": list(OPTIMIZERS),
            "schedule": list(SCHEDULES)}  # fmt: skip


def test_every_pair_is_covered():
    covered = set().union(*map(pairs_of, ROWS))
    assert covered == set(every_pair(CHOICES))
    assert all(row.keys() == CHOICES.keys() for row in ROWS)
    least = len(CHOICES["likelihood"]) * len(CHOICES["model"])  # the two with the most values
    assert least <= len(ROWS) <= 2 * least


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """{values of a likelihood: a file of forty images of 8x8 pixels in three classes}, grey, or small counts."""
    folder = tmp_path_factory.mktemp("data")
    grey = np.random.default_rng(0).random((40, 8, 8), "float32")
    for name, x in (("grey", grey), ("counts", (3 * grey).astype("int64"))):
        np.savez(folder / f"{name}.npz", x=x, y=np.arange(40) % 3)
    return {values: folder / f"{'counts' if values in ('counts', 'one-hot') else 'grey'}.npz"
            for values in {cls.values for cls in LIKELIHOODS.values()}}  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[name] for name in CHOICES))
def test_killed_and_resumed(row, data, tmp_path, monkeypatch, no_pictures):
    without = ("vamp", "m2", "vaegan", "gumbel", "multimodal", "halves")
    if row["model"] in without and row["norm"] == "batch":  # which is refused
        row = row | {"norm": "layer"}
    if row["model"] in ("vaegan", "gan") and LIKELIHOODS[row["likelihood"]].mean_backward is None:  # which is refused
        row = row | {"likelihood": "bernoulli"}
    sizes = {"hidden": [5], "latent": 2, "batch_size": 16, "epochs": 2, "lr": 1e-4, "dropout": 0.1}
    if row["model"] == "net":
        del sizes["latent"]
    if row["model"] == "gan":
        del sizes["dropout"]
    if row["arch"] == "conv":
        sizes["channels"] = [3, 2]
        if row["model"] == "vqvae":
            del sizes["hidden"], sizes["latent"]  # which are refused
    killed_and_resumed(data[LIKELIHOODS[row["likelihood"]].values], row | sizes, tmp_path, monkeypatch)


@pytest.mark.parametrize("row", pairwise(OF_TEXT), ids=lambda row: "-".join(row[name] for name in OF_TEXT))
def test_models_of_text_killed_and_resumed(row, tmp_path, monkeypatch, no_pictures):
    (tmp_path / "lines.txt").write_text("".join(f"{line}\n" for line in expressions(40, np.random.default_rng(0))))
    sizes = {"hidden": [4], "embedding": 3, "word_dropout": 0.1, "batch_size": 16, "epochs": 2}
    sizes |= {"latent": 2} if row["model"] == "seqvae" else {}
    sizes |= {"heads": 2} if row["arch"] == "transformer" else {}
    killed_and_resumed(tmp_path / "lines.txt", row | sizes, tmp_path, monkeypatch)


OF_DIFFUSION = {"arch": MODELS["ddpm"].options["arch"].metavar.split("|"),
                "noise": MODELS["ddpm"].options["noise"].metavar.split("|"), "optimizer": list(OPTIMIZERS)}  # fmt: skip


@pytest.mark.parametrize("row", pairwise(OF_DIFFUSION), ids=lambda row: "-".join(row[name] for name in OF_DIFFUSION))
def test_diffusion_killed_and_resumed(row, data, tmp_path, monkeypatch, no_pictures):
    sizes = {"model": "ddpm", "times": 4, "jumps": 2, "hidden": [5], "batch_size": 16, "epochs": 2, "lr": 1e-4}
    sizes |= {"channels": [3, 3]} if row["arch"] == "conv" else {}
    killed_and_resumed(data["unit"], row | sizes, tmp_path, monkeypatch)


@pytest.mark.parametrize("row", pairwise(OF_FLOWS), ids=lambda row: "-".join(row[name] for name in OF_FLOWS))
def test_flows_killed_and_resumed(row, data, tmp_path, monkeypatch, no_pictures):
    sizes = {"model": "nvp", "flows": 2, "hidden": [5], "batch_size": 16, "epochs": 2, "lr": 1e-4}
    sizes |= {"channels": [3, 3]} if row["arch"] == "conv" else {}
    killed_and_resumed(data["unit"], row | sizes, tmp_path, monkeypatch)


def killed_and_resumed(data, options, tmp_path, monkeypatch):
    """A run that is killed in its second epoch and resumed has the bytes of one that is not."""
    config = tmp_path / "c.toml"
    config.write_text("".join(f"{name} = {value!r}\n" for name, value in options.items()))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    command = ["train", "--data", str(data), "--config", str(config), "--out"]
    assert main([*command, str(whole)]) == 0
    save = Run._save

    def killed_save(self, which, model, optimizer, at):
        if (which, at) == ("last", 2):
            raise Killed
        save(self, which, model, optimizer, at)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_save", killed_save)
        with pytest.raises(Killed):
            main([*command, str(cut)])
    assert content(cut) != content(whole)
    assert main(["train", "--resume", "--out", str(cut)]) == 0
    assert content(cut) == content(whole)
    assert len(content(cut)[2]) == 2
