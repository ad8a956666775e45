"""figures/gpu.py, without a GPU: all of it runs with the CPU in the GPU's place, and says what was measured where."""

import dataclasses
import math
import re
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import test_kernels

from bench import ours, works
from figures import gpu, gpu_plots, gpu_timing
from minivae import backend, load_data
from minivae.laboratory import timing
from minivae.optim import Adam

SMALL = {
    "dense": dataclasses.replace(works.WORKS["mnist"], shape=(8, 8, 1), hidden=(6,), latent=2),
    "conv": dataclasses.replace(works.WORKS["conv"], shape=(8, 8, 1), hidden=(6,), channels=(2, 3), latent=2),
}


class Cpu:
    """In the place of `Gpu`: each launch is over when it returns, but events say what they are told to."""

    backend, torch = "numpy", "cpu"

    def __init__(self, needed=0):
        self.needed, self.held, self.waits = needed, [], 0  # ms to hold until a step is queued

    def describe(self):
        return "a GPU of paper"

    def wait(self):
        self.waits += 1

    def mark(self):
        return SimpleNamespace(done=bool(self.held) and self.held[-1] < self.needed)

    def between(self, start, end):
        return 0.25

    def hold(self, milliseconds):
        self.held.append(milliseconds)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    def no_torch(name, *args):
        raise ModuleNotFoundError("No module named 'torch'")

    data = load_data(np.random.default_rng(0).random((72, 8, 8)).astype("float32"))
    for name, value in {"WORKS": SMALL, "SIZES": (4, 8), "DRIFT": 4, "DRIFT_HERE": 3, "ROWS": 3, "EPOCHS": 2}.items():
        monkeypatch.setattr(gpu, name, value)
    monkeypatch.setattr(gpu, "load_data", lambda name: data)
    monkeypatch.setattr(gpu.subprocess, "run", pytest_says("= 3 passed, 1 skipped, 90 deselected in 1.0s ="))
    for name, value in {"ROUNDS": 2, "STEPS": 2, "on_torch": no_torch}.items():
        monkeypatch.setattr(gpu_timing, name, value)


def pytest_says(*lines, returncode=0):
    return lambda *args, **kwargs: subprocess.CompletedProcess(args, returncode, "\n".join(lines), "")


def only_parity(monkeypatch):
    monkeypatch.setattr(gpu, "TOPICS", {"Parity": gpu.TOPICS["Parity"]})
    monkeypatch.setattr(gpu, "draw_parity", lambda *args: None)


# ---- The page


def test_without_a_gpu(tmp_path, monkeypatch):
    """It says so, times nothing, claims nothing, and is the same bytes when written again."""
    assert gpu.write(tmp_path, None)
    assert {path.name for path in tmp_path.iterdir()} == {"gpu.md", "gpu_parity.png"}
    page = (tmp_path / "gpu.md").read_text()
    monkeypatch.setattr(gpu, "draw_parity", lambda *args: None)
    assert gpu.write(tmp_path, None)
    assert (tmp_path / "gpu.md").read_text() == page
    assert "There was no GPU on this machine: no figure below is one of a GPU." in page
    for pair in ("numpy float32 / numpy float64", "strict float64 / numpy float64", "strict float32 / numpy float32"):
        for model in SMALL:
            assert f"| {model} | {pair} | " in page
    assert "after 3 steps" in page
    assert "**NOT OK**" not in page
    lines, both, own = map(int, re.search(r"\| dense \| 0 \| 0 \| (\d+) \| (\d+) \| (\d+) \|", page).groups())
    assert lines > both + own > 2 * own >= 14
    for word in ("Milliseconds", "seconds", "## Tests", "## An epoch", "cupy"):
        assert word not in page


def test_with_the_cpu_in_the_place_of_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "draw_parity", lambda *args: None)
    device = Cpu(needed=25)
    assert gpu.write(tmp_path, device)
    assert {path.name for path in tmp_path.iterdir()} == {"gpu.md", "gpu_speed.png"}
    page = (tmp_path / "gpu.md").read_text()
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(gpu.TOPICS)
    assert "a GPU of paper." in page
    assert "no GPU" not in page
    assert "`python -m pytest -m gpu`: 3 passed, 1 skipped." in page
    assert "after 4 steps" in page
    assert "strict" not in page.split("## A training step, counted")[0]
    everywhere = "; ".join(f"{model}, batch {N}" for model in SMALL for N in gpu.SIZES)
    for peer in ("eager", "compiled"):
        why = "ModuleNotFoundError: No module named 'torch'"
        assert f"\n- PyTorch {peer} left out of {everywhere}. {why}\n" in page
    rows = [line for line in page.splitlines() if line.startswith(("| dense | 4 |", "| conv | 8 |"))]
    assert len(rows) == 4
    assert rows[-1].split(" | ")[3] == "0.250"  # kernels
    assert device.held[:3] == [10, 20, 40]  # until one is long enough
    assert device.waits > 30
    assert page.count(" after 2 |") == 2  # epochs


def test_the_published_page():
    page = (gpu.HERE / "gpu.md").read_text()
    titles = [title for title, (_, needs_gpu, _) in gpu.TOPICS.items() if not needs_gpu or "no GPU" not in page]
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == titles
    assert "**NOT OK**" not in page
    assert "**Failed" not in page
    for name in ("gpu_parity.png", "gpu_speed.png"):
        assert (gpu.HERE / name).exists() == (f"]({name})" in page)


def test_a_topic_that_fails_leaves_the_others(tmp_path, monkeypatch):
    def fails(device):
        raise RuntimeError("out of order\nat line 3")

    monkeypatch.setitem(gpu.TOPICS, "Parity", (fails, False, None))
    monkeypatch.setattr(gpu, "draw_speed", lambda *args: 1 / 0)
    assert not gpu.write(tmp_path, Cpu())
    page = (tmp_path / "gpu.md").read_text()
    assert "## Parity\n\n**Failed.** RuntimeError: out of order\n\n## A training step, counted" in page
    assert "| dense | 4 | " in page
    assert "## An epoch of MNIST" in page
    assert ".png" not in page


@pytest.mark.parametrize("limits", [(1e-12, 1), (1, 1e-12)])
def test_an_error_above_its_limit(limits, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "LIMITS", {"float32": limits, "float64": (1e-12, 1e-12)})
    only_parity(monkeypatch)
    assert not gpu.write(tmp_path, None)
    lines = (tmp_path / "gpu.md").read_text().splitlines()
    assert sum("**NOT OK**" in line for line in lines) >= 2
    assert all("float32 / numpy float64" in line or "strict float32" in line for line in lines if "NOT OK" in line)


def test_a_nan_is_above_every_limit(tmp_path, monkeypatch):
    def parity(*args, **named):
        p = found(*args, **named)
        for errors in (pair.gradients for pair in p.values()):
            errors["decoder.layers.0.W"] = math.nan
        return p

    found = gpu.parity
    monkeypatch.setattr(gpu, "parity", parity)
    only_parity(monkeypatch)
    assert not gpu.write(tmp_path, None)
    assert (tmp_path / "gpu.md").read_text().count("nan (decoder.layers.0.W) | 1e-04 | **NOT OK** |") == 4


def test_a_transfer_in_a_step_fails(monkeypatch):
    issue = gpu_timing.OnDevice.issue
    monkeypatch.setattr(gpu_timing.OnDevice, "issue", lambda self, i: (issue(self, i), backend.to_numpy(self.eps[0])))
    section = gpu.operations(None)
    assert not section.ok
    assert "| dense | 3 | 3 | " in section.text


@pytest.mark.parametrize(
    ("lines", "returncode", "text", "ok"),
    [
        (["= 48 passed, 900 deselected in 3s ="], 0, "48 passed.", True),
        (["FAILED t.py::f", "= 1 failed, 2 passed, 1 error ="], 1, "1 failed, 2 passed, 1 error.\n\n- `FAILED", False),
        (["= 2 passed in 3s ="], 1, "2 passed.", False),
        (["= 5 skipped, 9 deselected in 3s ="], 0, "5 skipped.", False),
        ([], 4, "none ran, exit code 4.", False),
    ],
)  # fmt: skip
def test_the_gpu_tests(lines, returncode, text, ok, monkeypatch):
    monkeypatch.setattr(gpu.subprocess, "run", pytest_says(*lines, returncode=returncode))
    section = gpu.tests(Cpu())
    assert section.text.startswith(f"`python -m pytest -m gpu`: {text}")
    assert section.ok == ok


def test_without_mnist(monkeypatch):
    def nowhere(name):
        raise ConnectionError("data: no mirror gave it")

    monkeypatch.setattr(gpu, "load_data", nowhere)
    section = gpu.epochs(Cpu())
    assert section.ok
    assert section.text == "MNIST is not here, so no epoch was timed. ConnectionError: data: no mirror gave it"


@pytest.mark.parametrize("ok", [True, False])
def test_exit_code(ok, monkeypatch, capsys, tmp_path):
    written = []
    monkeypatch.setattr(gpu, "write", lambda folder, device: written.append((folder, device)) or ok)
    monkeypatch.setattr(gpu.sys, "argv", ["gpu", "--out", str(tmp_path)])
    monkeypatch.setattr(gpu, "Gpu", Cpu if ok else lambda: backend.load_backend("nothing"))
    with pytest.raises(SystemExit) as ended:
        gpu.main()
    assert bool(ended.value.code) == (not ok)
    folder, device = written[0]
    assert folder == tmp_path
    assert isinstance(device, Cpu) == ok
    assert ("expected one of numpy" in capsys.readouterr().out) == (not ok)


def test_a_page_with_figures_of_a_gpu_stays(monkeypatch, capsys, tmp_path):
    """Where there is no GPU now; and a page without is written again."""
    written, there = [], tmp_path / "gpu.md"
    monkeypatch.setattr(gpu, "write", lambda folder, device: written.append(folder) or True)
    monkeypatch.setattr(gpu, "Gpu", lambda: backend.load_backend("nothing"))
    for folder, text, code in ((tmp_path, "A GPU of that name.", 2), (tmp_path, gpu.NO_GPU, 0), ("nowhere", "", 2)):
        there.write_text(text)
        monkeypatch.setattr(gpu.sys, "argv", ["gpu", "--out", str(folder)])
        with pytest.raises(SystemExit) as ended:
            gpu.main()
        assert int(ended.value.code) == code
    assert written == [tmp_path]
    errors = capsys.readouterr().err
    assert "holds figures of a GPU" in errors
    assert "expected a folder that exists, got nowhere" in errors


# ---- Times


def test_a_step_of_the_peer_is_one_of_minivae():
    """On the stand-in too, whose generator draws what NumPy's does: same noise, same update."""
    with gpu.stand_in().registered():
        for work in SMALL.values():
            work = dataclasses.replace(work, N=4)
            data, thetas = works.arrays(work), []
            for name in ("numpy", "strict"):
                peer = gpu_timing.OnDevice(work, data, name)
                for i in range(9):
                    peer.issue(i)
                thetas.append(backend.to_numpy(peer.model.theta))
            model = ours.build(work)
            optimizer, rng = Adam(model), backend.generator(1, "noise")
            for i in range(9):
                model.loss_and_grads(data["x"][i % 8], model.draw_noise(rng, 4))
                optimizer.step()
            np.testing.assert_array_equal(model.theta, thetas[0])
            np.testing.assert_allclose(model.theta, thetas[1], rtol=1e-4, atol=1e-6)


def test_a_peer_that_computes_something_else_is_left_out(monkeypatch):
    """Both peers of PyTorch are minivae here; one has other weights, which only the first size notices."""

    def on_torch(name, work, data, device):
        peer = gpu_timing.OnDevice(work, data, "numpy")
        peer.model.theta *= 1.01 if name == "TorchReduced" else 1
        return peer

    monkeypatch.setattr(gpu_timing, "on_torch", on_torch)
    rows, parts, left_out = gpu_timing.measure(SMALL, (4, 8), Cpu())
    assert [list(times) for times in rows.values()] == [["minivae", "PyTorch eager"], list(gpu.PEERS)] * 2
    assert all(len(blocks) == 2 and min(blocks) > 0 for times in rows.values() for blocks in times.values())
    assert parts.keys() == rows.keys()
    [((what, why), where), *_] = left_out.items()
    assert what == "PyTorch compiled"
    assert why.startswith("ValueError: it computes something else, by ")
    assert where == ["dense, batch 4"]
    assert len(left_out) == 2  # and of conv


def test_peers_take_turns_and_are_waited_for_by_the_block(monkeypatch):
    calls = []
    device = Cpu()
    monkeypatch.setattr(device, "wait", lambda: calls.append("wait"))
    peers = {name: lambda i, name=name: calls.append(name) for name in "ab"}
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: len(calls)))  # a second a call
    times = gpu_timing.interleaved(peers, device)
    block = {name: [name, "wait", name, name, "wait"] for name in "ab"}
    assert calls == [*block["a"], *block["b"], *block["b"], *block["a"]]
    assert times == {"a": [1500, 1500], "b": [1500, 1500]}  # ms: two steps and a wait, over two steps


def test_a_step_that_waits_cannot_be_split():
    with pytest.raises(RuntimeError, match="could not be queued whole"):
        gpu_timing.split(lambda i: None, Cpu(needed=math.inf))
    issue, busy = gpu_timing.split(lambda i: None, Cpu())
    assert 0 < issue < 100
    assert busy == 0.25


@pytest.mark.parametrize(
    ("wall", "issue", "busy", "parts"),
    [
        (4, 3, 1, (1 / 4, 2 / 4, 1 / 4)),  # launches do not keep up, and something else waits
        (4, 1, 4, (1, 0, 0)),  # launches hide behind kernels
        (4, 5, 1, (1 / 4, 3 / 4, 0)),
        (4, 1, 5, (1, 0, 0)),  # by chance
        (4, 1, 3, (3 / 4, 0, 1 / 4)),
    ],
)
def test_shares(wall, issue, busy, parts):
    assert gpu_timing.shares(wall, issue, busy) == pytest.approx(parts)
    assert sum(parts) == pytest.approx(1)


def test_ratios_and_goals(monkeypatch):
    """Of paired blocks; goals at the first batch size only."""
    rows = {("dense", 128): {"minivae": [1.0, 4.0, 3.0], "PyTorch eager": [2.0, 5.0, 6.0]},
            ("dense", 1024): {"minivae": [1.0, 1.0, 1.0], "PyTorch eager": [1.0, 1.0, 1.0]},
            ("conv", 128): {"minivae": [1.5, 1.3, 1.3], "PyTorch eager": [1.0, 1.0, 1.0]}}  # fmt: skip
    monkeypatch.setattr(gpu, "measure", lambda *args: (rows, {("dense", 128): (2.0, 1.0)}, {}))
    monkeypatch.setattr(gpu, "SIZES", (128, 1024))
    lines = gpu.speed(Cpu()).text.splitlines()
    assert "| dense | 128 | 3.000 (2.000-3.500) | 5.000 (3.500-5.500) | 0.50 (0.50-0.65) | 0.8 of eager: met |" in lines
    assert "| dense | 1,024 | 1.000 (1.000-1.000) | 1.000 (1.000-1.000) | 1.00 (1.00-1.00) |  |" in lines
    assert any(line.startswith("| conv | 128 |") and "1.2 of eager: not met |" in line for line in lines)
    assert "| dense | 128 | 3.000 | 1.000 | 2.000 | 2.000 | 1.000 |" in lines


def test_picture_of_times(tmp_path):
    """With a peer that is missing at one size, a size without its parts, and three peers."""
    rows = {(model, N): {peer: [0.1 * N**0.5 * (i + 1) * f for f in (0.9, 1, 1.2)] for i, peer in enumerate(gpu.PEERS)}
            for model in SMALL for N in (128, 1024, 8192)}  # fmt: skip
    del rows["conv", 8192]["PyTorch compiled"]
    parts = {(model, N): (0.9, 0.02 * N**0.5) for model, N in rows if N < 8192}
    gpu_plots.draw_speed(rows, parts, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").stat().st_size > 10_000
    gpu_plots.draw_speed({("dense", 128): {"minivae": [1.0, 2.0]}}, {}, tmp_path / "one.png")


def test_pytorch_in_the_same_place(monkeypatch):
    """All peers are timed and checked; on another device every array of a step lies there."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from bench import pytorch

    modes = []
    monkeypatch.setattr(torch, "compile", lambda f, mode: modes.append(mode) or f)  # a compiler takes a minute
    monkeypatch.setattr(gpu_timing, "on_torch", ON_TORCH)
    try:
        rows, _, left_out = gpu_timing.measure(SMALL, (4,), Cpu())
        assert not torch.backends.cudnn.allow_tf32
    finally:
        torch.backends.cudnn.allow_tf32 = True
    assert not left_out
    assert [list(times) for times in rows.values()] == [list(gpu.PEERS)] * 2
    assert set(modes) == {"reduce-overhead"}
    for work in SMALL.values():
        data = works.arrays(dataclasses.replace(work, N=4))
        peer = pytorch.Torch(work, data | {"weights": ours.Minivae(work, data, 1).weights}, 1, "meta")
        assert peer.issue(0).device.type == "meta"
        assert {param.grad.device.type for param in peer.net.parameters()} == {"meta"}


ON_TORCH = gpu_timing.on_torch


# ---- What is asked of CuPy


def test_cupy(monkeypatch):
    """Its names, as in CuPy 14: events, elapsed time, versions, properties of the device."""
    asked = []

    class Event:
        def __init__(self, block=False, disable_timing=False, interprocess=False):
            self.done = False

        def record(self, stream=None):
            asked.append("record")

    class Device:
        id = 3

        def synchronize(self):
            asked.append("synchronize")

    runtime = SimpleNamespace(
        getDeviceProperties=lambda device: {"name": b"Paper 100", "totalGlobalMem": device * 2**30, "major": 9},
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 12090,
    )
    cuda = SimpleNamespace(Event=Event, Device=Device, runtime=runtime, get_elapsed_time=lambda a, b: 1.5)
    monkeypatch.setitem(backend.BACKENDS, "cupy", lambda: SimpleNamespace(cuda=cuda, __version__="14.2.0"))
    monkeypatch.setattr(gpu_timing, "launch", lambda *args: asked.append(args))
    device = gpu_timing.Gpu()
    assert device.describe() == "Paper 100, 3 GiB; CUDA driver 13.0, runtime 12.9; CuPy 14.2.0"
    event = device.mark()
    assert not event.done
    device.wait()
    device.hold(2.5)
    assert device.between(event, device.mark()) == 1.5
    assert asked == ["record", "synchronize", (gpu_timing.SPIN, "spin", np.dtype("float32"), 1, 2_500_000), "record"]


def test_nvidias_compiler_takes_the_kernel_that_waits():
    status, log, ptx = test_kernels.compile_ptx(backend.cuda_source(gpu_timing.SPIN, "float32"))
    assert status == 0, log
    assert "warning" not in log
    assert ptx.count("%globaltimer") == 2
