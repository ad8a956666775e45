"""bench: the peers compute what minivae computes, and the table says what was measured. Nothing is timed."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from test_house import ROOT

from bench import __main__ as bench
from bench import ours, worker, works


def small(name):
    """A work of the same kind and architecture, in a moment."""
    sizes = {"N": 4, "hidden": (6,) * len(works.WORKS[name].hidden), "latent": 3, "K": min(works.WORKS[name].K, 7)}
    channels = tuple(4 + i for i in range(len(works.WORKS[name].channels)))
    return replace(works.WORKS[name], **sizes, channels=channels)


@pytest.mark.parametrize("name", works.WORKS)
@pytest.mark.parametrize("peer", ["torch", "torch fused", "jax"])
def test_peers_compute_the_same(name, peer, tmp_path):
    """Ten losses and the first gradients of a step, or the values of a use; and a changed weight is seen."""
    module, cls, package = worker.PEERS[peer]
    pytest.importorskip(package, reason=f"{package} is not installed")
    work = small(name)
    data = works.arrays(work)
    mine = ours.Minivae(work, data, 1)
    worker.save(mine, tmp_path / "ours.npz")
    make = getattr(__import__(f"bench.{module}", fromlist=[cls]), cls)
    weights = {n: array.copy() for n, array in mine.weights.items()}
    theirs = make(work, data | {"weights": weights}, 1)
    assert worker.compare(theirs, tmp_path / "ours.npz") < 1e-4
    theirs.run(0)
    for array in weights.values():
        array *= 2
    assert worker.compare(make(work, data | {"weights": weights}, 1), tmp_path / "ours.npz") > bench.LIMIT


def test_nan_and_other_shapes_are_differences(tmp_path):
    class Peer:
        found = {"losses": np.array([1.0, 2.0])}
        weights = {}

        def check(self):
            return self.found

        def translate(self, name, array):
            return array

    peer = Peer()
    worker.save(peer, tmp_path / "ours.npz")
    assert worker.compare(peer, tmp_path / "ours.npz") == 0
    peer.found = {"losses": np.array([1.0, np.nan])}
    assert math.isnan(worker.compare(peer, tmp_path / "ours.npz"))
    peer.found = {"losses": np.array([[1.0, 2.0]])}
    with pytest.raises(ValueError, match="losses: expected shape"):
        worker.compare(peer, tmp_path / "ours.npz")


@pytest.mark.parametrize("name", works.WORKS)
def test_our_own_works_run(name):
    work = small(name)
    ours.Minivae(work, works.arrays(work), 1).run(0)


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        # per example: encoder without the dx of its first layer, then the decoder
        ("mnist", 3 * (784 * 400 + 400 * 40 + 20 * 400 + 400 * 784) - 784 * 400),
        ("decode", 20 * 400 + 400 * 784),
        ("encode", 784 * 400 + 400 * 40),
        (
            "conv",
            3 * (196 * 16 * 32 + 49 * 512 * 64 + 3136 * 256 + 256 * 32 + 16 * 256 + 256 * 3136)
            + 3 * (49 * 64 * 512 + 196 * 32 * 16)
            - 196 * 16 * 32,
        ),
    ],
)
def test_products_are_those_of_the_work(name, macs):
    products = ours.Products(replace(works.WORKS[name], N=2), None, 1)
    assert sum(a.size * b.shape[1] for a, b, _ in products.products) == 2 * macs


def test_works_by_key():
    work = works.find("mnist N=7; hidden=(3, 2)")
    assert (work.N, work.hidden, work.latent) == (7, (3, 2), 20)
    assert works.find("conv") == works.WORKS["conv"]


@pytest.mark.parametrize("label", ["vae", "mixture, 100 components", "ladder, levels 40-20"])
def test_a_twin_is_timed_only_if_its_gradients_agree(label, monkeypatch):
    variants = pytest.importorskip("bench.variants", reason="PyTorch is not installed")
    assert variants.measure(label, 2, np.random.default_rng(0))[0] == label
    kind, options, twin = variants.TWINS[label]
    monkeypatch.setitem(variants.TWINS, label, (kind, options, lambda *args, **kwargs: 1.001 * twin(*args, **kwargs)))
    with pytest.raises(ValueError, match=f"^{label}: expected the same gradients"):
        variants.measure(label, 2, np.random.default_rng(0))


def test_a_twin_of_lines_is_timed_only_if_its_gradients_agree(monkeypatch):
    lines = pytest.importorskip("bench.lines", reason="PyTorch is not installed")
    monkeypatch.setitem(lines.WORKS, "small", lines.Work("seqvae", 4, 5, 6, {"hidden": [3], "latent": 2}))
    row = lines.measure("small", 2, np.random.default_rng(0))  # with ms, then tokens a second
    assert float(row[4].replace(",", "")) * float(row[1]) / 1e3 == pytest.approx(4 * 5, rel=0.1)
    monkeypatch.setattr(lines, "END", 2)
    with pytest.raises(ValueError, match="^small: expected the same gradients"):
        lines.measure("small", 2, np.random.default_rng(0))


def test_ratios_are_paired():
    """One turn slows everybody down threefold; the ratio of each turn is the same."""
    noise = np.array([1.0, 3.0, 1.0, 1.0])
    times = {"minivae": noise * 2, "products": noise, "torch": noise * 4, "jax": noise * 3}
    row = bench.summarize({peer: {"times": list(t), "mib": 1.0} for peer, t in times.items()})
    assert row["ratios"]["torch"] == (0.5, 0.5, 0.5)
    assert row["best"] == "jax"
    assert row["ratios"]["jax"].median == pytest.approx(2 / 3)
    line = bench.table([{"work": "mnist", "threads": 1} | row]).splitlines()[-1]
    assert "| 0.50 (0.50-0.50) | 0.85 | 0.67 (0.67-0.67) jax | 1.0 | 2.00 (2.00-2.00) |" in line


def test_recorded_results_are_of_the_works_as_they_are():
    results = json.loads((ROOT / "bench" / "results.json").read_text())
    assert {(row["work"], row["threads"]) for row in results["rows"]} == {(k, n) for k in works.WORKS for n in (1, 2)}
    assert math.isfinite(results["import_seconds"])


@pytest.mark.parametrize("wrong", [("--works", "mnits"), ("--rounds", "1"), ("--threads", "0")])
def test_bad_options_are_refused(wrong):
    result = subprocess.run([sys.executable, "-m", "bench", *wrong], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 2
    assert wrong[1] in result.stderr
    assert "Traceback" not in result.stderr
