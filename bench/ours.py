"""minivae itself, through the functions that its users call; and the bare matrix products of a work."""

import math

import numpy as np

from minivae import Adam, log_evidence
from minivae.backend import generator, keep_freed_memory, place, to_numpy
from minivae.densities import log_mean_exp
from minivae.layers import GRU, Conv2d, ConvTranspose2d, Dense, MaskedConv2d, Quantize
from minivae.models import MODELS

from .works import CHECKED, arrays


def build(work, seed=0):
    """The model of a work; the other peers copy its weights."""
    return MODELS[work.model].build(work.shape, np.random.default_rng(seed), **work.settings)


class Minivae:
    """The peer that the others are compared with."""

    backend = "numpy"

    def __init__(self, work, data, threads):
        self.work = work
        self.model = build(work).bind("float32", self.backend)
        like = self.model.theta
        # lists: an index into an array of a device may be a copy
        self.x = place(list(data["x"]), like=like)
        self.eps = None if data["eps"] is None else place(list(data["eps"]), like=like)
        self.weights = {name: to_numpy(param.data).copy() for name, param in self.model.params.items()}
        self.objectives = list(self.model.by_objective())
        self.optimizer = Adam(self.model)
        self.rng = generator(1, "noise", like=like)
        self.run = getattr(self, work.kind)
        if work.kind == "step":
            keep_freed_memory()  # as `fit` does

    def check(self):
        """What every peer must compute alike: losses and first gradients of steps, or values at the given noise."""
        work, model, x = self.work, self.model, self.x
        if work.kind == "step":
            losses = []
            for i in range(CHECKED):
                noise = {"eps": self.eps and self.eps[i], "enc": None, "dec": None, "codes": None}
                losses.append(self._loss(model.loss_and_grads(x[i % len(x)], noise)))
                if i == 0:
                    values = {"grad/" + name: to_numpy(p.grad).copy() for name, p in model.params.items()}
                self.optimizer.step()
            return values | {"losses": np.array(losses)}
        if work.kind == "evidence":
            values = {"log_px": log_mean_exp(model.log_weights(x[0], self.eps[0]))}
        elif work.kind == "encode":
            values = dict(zip(("mu", "log_var"), model.encode(x[0]), strict=True))
        else:
            values = {"x_hat": model.decode(self.eps[0])}
        return to_numpy(values)

    def step(self, i):
        return self._loss(self.issue(i))

    def issue(self, i):
        """A step without waiting for its metrics."""
        x = self.x[i % len(self.x)]
        noise = place(self.model.draw_noise(self.rng, len(x)), like=self.model.theta)
        metrics = self.model.loss_and_grads(x, noise)
        self.optimizer.step()
        return metrics

    def _loss(self, metrics):
        """The sum of what each part descends."""
        return float(sum(metrics[objective] for objective in self.objectives))

    def evidence(self, i):
        return log_evidence(self.model, self.x[0], self.work.K, self.rng)

    def encode(self, i):
        return self.model.encode(self.x[0])

    def decode(self, i):
        return self.model.decode(self.eps[0])

    def sample(self, i):
        return self.model.sample(self.work.N, self.rng)


class Compiled(Minivae):
    """The same model with compiled kernels."""

    backend = "compiled"


class Products:
    """The matrix products of the work alone, into arrays that are already there: the floor of a NumPy program."""

    def __init__(self, work, data, threads):
        rng = np.random.default_rng(0)
        rows = work.N * max(work.K, 1)
        self.times, self.products = 1, []
        if work.kind != "step" and rows > 10_000:
            self.times, rows = rows // 10_000, 10_000
        for lead, k, n, is_first in _sizes(work, rows):
            x, W, y = (rng.standard_normal(size, dtype="float32") for size in ((*lead, k), (k, n), (*lead, n)))
            self.products.append((x, W, np.empty_like(y)))
            if work.kind == "step":
                self.products.append((x.reshape(-1, k).T, y.reshape(-1, n), np.empty_like(W)))  # dW = x' dy
                if not is_first:
                    self.products.append((y, W.T, np.empty_like(x)))  # dx = dy W'

    def run(self, i):
        for _ in range(self.times):
            for a, b, out in self.products:
                np.matmul(a, b, out=out)


def _sizes(work, rows):
    """[(lead, k, n, whether nobody needs its dx)] of products (*lead, k) @ (k, n) forward: of a step, or of `rows`."""
    peer, found = Minivae(work, arrays(work), 1), []

    def watched(layer, forward):
        def call(x, *args):
            y, cache = forward(x, *args)
            of_images = not found and not work.is_lines
            found.extend((*size, of_images or isinstance(layer, Quantize)) for size in _products(layer, x, y))
            return y, cache

        return call

    for layer in peer.model.named((Dense, Conv2d, ConvTranspose2d, MaskedConv2d, GRU, Quantize)).values():
        layer.forward = watched(layer, layer.forward)
    if work.kind == "step":
        peer.run(0)
    else:
        network = peer.model.encoder if work.kind == "encode" else peer.model.decoder
        network(np.zeros((rows, network.n_in), "float32"))
    return found


def _products(layer, x, y):
    """(lead, k, n) of each product of a layer's forward; `lead` is (T, N) where a step waits for the one before."""
    if isinstance(layer, GRU):
        (N, T, n_in), H = x[0].shape, len(layer.cell.U.data)
        return [((N * T,), n_in, 3 * H), ((T, N), H, 3 * H)]
    if isinstance(layer, Quantize):  # z e', and the gradient of e
        return [((x.size // layer.d,), layer.d, layer.K)]
    kh_kw, (c_in, c_out) = math.prod(layer.W.data.shape[:-2]), layer.W.data.shape[-2:]
    if isinstance(layer, ConvTranspose2d):  # columns of y, from which it is added up
        return [((math.prod(x.shape[:-1]),), c_in, kh_kw * c_out)]
    return [((math.prod(y.shape[:-1]),), kh_kw * c_in, c_out)]
