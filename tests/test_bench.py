"""bench: the peers compute what minivae computes, and the table says what was measured. Nothing is timed."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import strict
from test_house import ROOT

from bench import __main__ as bench
from bench import ours, worker, works


def small(name):
    """A work of the same kind and architecture, in a moment."""
    work = works.WORKS[name]
    channels = tuple(4 + i for i in range(len(work.channels)))
    own = {"vocabulary": 5} if work.is_lines else {"flows": 3} if "flows" in work.options else {}
    shape = (32, 32, 1) if work.shape[0] == 64 else work.shape
    work = replace(work, shape=shape, N=4, K=min(work.K, 7), channels=channels, options=work.options | own)
    return work if work.latent is None else replace(work, hidden=(6,) * len(work.hidden), latent=3)


def stand_in():
    """Of the peer "compiled": the strict backend of the tests."""
    return type("StandIn", (ours.Compiled,), {"backend": "strict"})


@pytest.mark.parametrize("name", works.WORKS)
@pytest.mark.parametrize("peer", ["torch", "torch fused", "jax"])
def test_peers_compute_the_same(name, peer, tmp_path):
    """Ten losses and the first gradients of a step, or the values of a use; and a changed weight is seen."""
    module, cls, package = worker.PEERS[peer]
    pytest.importorskip(package, reason=f"{package} is not installed")
    work = small(name)
    if package == "jax" and work.model == "vqvae":
        pytest.skip("it is not written in JAX")
    data = works.arrays(work)
    mine = ours.Minivae(work, data, 1)
    worker.save(mine, tmp_path / "ours.npz")
    make = getattr(__import__(f"bench.{module}", fromlist=[cls]), cls)
    weights = {n: array.copy() for n, array in mine.weights.items()}
    theirs = make(work, data | {"weights": weights}, 1)
    limit = bench.LIMIT if name == "gru" else 1e-4  # PyTorch's gates have two biases each, and both learn
    assert worker.compare(theirs, tmp_path / "ours.npz") < limit
    theirs.run(0)
    for array in weights.values():
        array *= 2
    assert worker.compare(make(work, data | {"weights": weights}, 1), tmp_path / "ours.npz") > bench.LIMIT


@pytest.mark.parametrize("name", works.WORKS)
def test_another_backend_computes_the_same(name, tmp_path):
    """What the peer "compiled" does, on the stand-in of a GPU: all its arrays lie there."""
    work = small(name)
    data = works.arrays(work)
    worker.save(ours.Minivae(work, data, 1), tmp_path / "ours.npz")
    with strict.registered():
        peer = stand_in()(work, data, 1)
        assert worker.compare(peer, tmp_path / "ours.npz") < 1e-4
        peer.run(0)
        peer.model.theta *= 2
        assert worker.compare(peer, tmp_path / "ours.npz") > bench.LIMIT


def test_a_peer_that_cannot_start_is_left_out(tmp_path, capfd):
    """Without a traceback; the others stay."""
    pytest.importorskip("jax", reason="jax is not installed")
    processes, differences = bench.start("vqvae N=2", 1, ["minivae", "jax", "products"], tmp_path)
    for process in processes:
        process.close()
    assert [process.peer for process in processes] == ["minivae", "products"]
    assert differences == {}
    first, second = capfd.readouterr().err.splitlines()
    assert first == "bench: no vqvae is written in JAX"
    assert second == "bench: the process of jax stopped; its message is above; left out of vqvae N=2"


def test_nan_and_other_shapes_are_differences(tmp_path):
    class Peer:
        found = {"losses": np.array([1.0, 2.0])}
        weights = {}

        def check(self):
            return self.found

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
        ("iwae", 2 * 784 * 400 + 3 * (400 * 40 + 5 * (20 * 400 + 400 * 784))),
        # 8 steps, x of 64 numbers; the decoder's with z beside them
        ("gru", 3 * (8 * (64 + 128) * 384 + 128 * 32 + 8 * (80 + 128) * 384 + 8 * 128 * 28)),
    ],
)
def test_products_are_those_of_the_work(name, macs):
    products = ours.Products(replace(works.WORKS[name], N=2), None, 1)
    assert sum(a.size * b.shape[-1] for a, b, _ in products.products) == 2 * macs


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
    times = {"minivae": 2, "compiled": 1.5, "products": 1, "torch": 4, "jax": 3}
    times = {peer: seconds * noise for peer, seconds in times.items()}
    row = bench.summarize({peer: {"times": list(t), "mib": 1.0} for peer, t in times.items()})
    assert row["ratios"]["minivae"]["torch"] == (0.5, 0.5, 0.5)
    assert row["best"] == "jax"
    assert row["ratios"]["minivae"]["jax"].median == pytest.approx(2 / 3)
    ours = "| 0.50 (0.50-0.50) | 0.67 (0.67-0.67) jax | 2.00 (2.00-2.00) |"
    compiled = " 0.38 (0.38-0.38) | 0.50 (0.50-0.50) jax | 1.50 (1.50-1.50) |"
    for threads, goal in ((1, 0.9), (2, 1.0)):
        line = bench.table([{"work": "mnist", "threads": threads} | row]).splitlines()[-1]
        assert f"{ours}{compiled} 0.65 | {goal} | 1, 1, 1 |" in line
    del times["compiled"]
    row = bench.summarize({peer: {"times": list(t), "mib": 1.0} for peer, t in times.items()})
    assert ours + "  |  |  |  |  | 1, -, 1 |" in bench.table([{"work": "gru", "threads": 1} | row])


def test_recorded_results_are_of_works_that_there_are():
    results = json.loads((ROOT / "bench" / "results.json").read_text())
    assert {(row["work"], row["threads"]) for row in results["rows"]} == {(k, n) for k in works.WORKS for n in (1, 2)}
    assert math.isfinite(results["import_seconds"])


@pytest.mark.parametrize("wrong", [("--works", "mnits"), ("--rounds", "1"), ("--threads", "0")])
def test_bad_options_are_refused(wrong):
    result = subprocess.run([sys.executable, "-m", "bench", *wrong], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 2
    assert wrong[1] in result.stderr
    assert "Traceback" not in result.stderr
