"""How figures.gpu times: the device, the peers on it in turns, and what a step of minivae consists of."""

import importlib
import tempfile
import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bench import ours, worker
from bench.__main__ import LIMIT
from bench.works import arrays
from minivae.backend import launch, load_backend
from minivae.laboratory.timing import in_turns, seconds_of

PEERS = {"minivae": None, "PyTorch eager": "TorchFused", "PyTorch compiled": "TorchReduced"}  # class in bench.pytorch
ROUNDS, STEPS = 15, 20  # blocks of so many steps
HOLD, HOLD_AT_MOST = 10, 1000  # ms
SPIN = r"""
extern "C" __global__ void spin(long long nanoseconds) {
    long long began, now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(began));
    do {
        asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    } while (now - began < nanoseconds);
}
"""


class Gpu:
    """What the measurements ask of a GPU, of CuPy in particular; the tests put the CPU in its place."""

    backend, torch = "cupy", "cuda"

    def __init__(self):
        self.cupy = load_backend("cupy")
        self.cuda = self.cupy.cuda

    def describe(self):
        properties = self.cuda.runtime.getDeviceProperties(self.cuda.Device().id)
        of = {what: getattr(self.cuda.runtime, f"{what}GetVersion")() for what in ("driver", "runtime")}
        cuda = ", ".join(f"{what} {v // 1000}.{v % 1000 // 10}" for what, v in of.items())
        memory = properties["totalGlobalMem"] / 2**30
        return f"{properties['name'].decode()}, {memory:.0f} GiB; CUDA {cuda}; CuPy {self.cupy.__version__}"

    def wait(self):
        self.cuda.Device().synchronize()

    def mark(self):
        """An event, `done` when all that was launched before it is."""
        event = self.cuda.Event()
        event.record()
        return event

    def between(self, start, end):
        """Milliseconds."""
        return self.cuda.get_elapsed_time(start, end)

    def hold(self, milliseconds):
        """Launch what keeps the device for so long from anything launched after it."""
        launch(SPIN, "spin", np.dtype("float32"), 1, int(1e6 * milliseconds))


class OnDevice(ours.Minivae):
    """minivae with all its arrays on a device, and noise drawn there."""

    def __init__(self, work, data, backend):
        self.backend = backend
        super().__init__(work, data, 1)


def on_torch(name, work, data, device):
    import torch

    torch.backends.cudnn.allow_tf32 = False  # as CuPy's products: all digits of float32
    return getattr(importlib.import_module("bench.pytorch"), name)(work, data, 1, device.torch)


def measure(works, sizes, device):
    """Of every work at every batch size; at the first, the peers are checked.

    {(model, N): {peer: ms per step of each block}}; {(model, N): (ms of issuing, of the kernels)} of minivae;
    {(what was left out, why): [where]}.
    """
    rows, parts, missing = {}, {}, {}
    for model, work in works.items():
        for N in sizes:
            left_out = {}
            at = (model, N)
            try:
                peers = start(replace(work, N=N), device, left_out, check=N == sizes[0])
                rows[at] = interleaved(peers, device)
                if "minivae" in peers:
                    parts[at] = split(peers["minivae"], device)
            except Exception as error:
                traceback.print_exc()
                left_out["the rest"] = first_line(error)
            for what_why in left_out.items():
                missing.setdefault(what_why, []).append(f"{model}, batch {N:,}")
            print(at, rows.get(at), parts.get(at), left_out, flush=True)  # in case that the run is stopped
    return rows, parts, missing


def start(work, device, left_out, check):
    """{peer: f(i)} that issues a step and waits for nothing; {peer: why} of those that cannot go into `left_out`.

    `check`: whether each computes the gradients and losses of NumPy.
    """
    data = arrays(work)
    peers = {}
    reference = ours.Minivae(work, data, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours.npz"
        if check:
            worker.save(reference, path)
        for label, name in PEERS.items():
            data["weights"] = {name: array.copy() for name, array in reference.weights.items()}
            try:
                peer = OnDevice(work, data, device.backend) if name is None else on_torch(name, work, data, device)
                if check and not (off := worker.compare(peer, path)) <= LIMIT:
                    raise ValueError(f"it computes something else, by {off:.1e}")
                for i in range(5):  # compiles, and takes memory
                    peer.issue(i)
                device.wait()
                peers[label] = peer.issue
            except Exception as error:  # of a compiler, of memory, of a library that is not there
                traceback.print_exc()
                left_out[label] = first_line(error)
    return peers


def interleaved(peers, device):
    """{peer: [ms per step of each block]}, in turns whose order rotates."""

    def block(issue):
        issue(0)
        return seconds_of(issue, STEPS, device.wait) / STEPS * 1000

    return in_turns({label: partial(block, issue) for label, issue in peers.items()}, ROUNDS)


def split(issue, device, repeats=11):
    """Median ms that the host takes to issue a step, and the device to run it with all of it in its queue.

    The device is held until then. A step during which it came free counts for nothing, and the next hold is longer.
    """
    samples = []
    hold = HOLD
    while len(samples) < repeats:
        device.wait()
        device.hold(hold)
        begin = device.mark()
        issued = seconds_of(lambda i: issue(len(samples))) * 1000
        end = device.mark()
        if not begin.done:
            device.wait()
            samples.append((issued, device.between(begin, end)))
        elif (hold := 2 * hold) > HOLD_AT_MOST:
            raise RuntimeError(
                "a step could not be queued whole: it waits for the device, or is too long for its queue"
            )
    return [float(ms) for ms in np.median(samples, axis=0)]


def shares(wall, issue, busy):
    """Parts of a step in which kernels run; in which the device waits for launches; for something else."""
    wall = max(wall, busy)
    launches = max(min(issue, wall) - busy, 0)
    return busy / wall, launches / wall, (wall - busy - launches) / wall


def first_line(error):
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"
