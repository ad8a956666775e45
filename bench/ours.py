"""minivae itself, through the functions that its users call; and the bare matrix products of a step."""

import math

import numpy as np

from minivae import VAE, Adam, log_evidence
from minivae.backend import keep_freed_memory
from minivae.densities import log_mean_exp
from minivae.layers import Conv2d, ConvTranspose2d, Dense


def build(work, seed=0):
    """The model of a work; the other peers copy its weights."""
    return VAE.build(
        work.shape,
        np.random.default_rng(seed),
        arch=work.arch,
        hidden=work.hidden,
        channels=work.channels,
        latent=work.latent,
        activation=work.activation,
    )


class Minivae:
    """The peer that the others are compared with."""

    def __init__(self, work, data, threads):
        self.work, self.x, self.eps = work, data["x"], data["eps"]
        self.model = build(work)
        self.weights = {name: param.data.copy() for name, param in self.model.params.items()}
        self.optimizer = Adam(self.model)
        self.rng = np.random.default_rng(1)
        self.run = getattr(self, work.kind)
        if work.kind == "step":
            keep_freed_memory()  # as `fit` does

    def check(self):
        """What every peer must compute alike: losses and first gradients of steps, or values at the given noise."""
        work, model, x = self.work, self.model, self.x
        if work.kind == "step":
            losses = []
            for i, eps in enumerate(self.eps):
                noise = {"eps": eps[0], "enc": None, "dec": None}
                losses.append(float(model.loss_and_grads(x[i % len(x)], noise)["loss"]))
                if i == 0:
                    values = {"grad/" + name: p.grad.copy() for name, p in model.params.items()}
                self.optimizer.step()
            return values | {"losses": np.array(losses)}
        if work.kind == "evidence":
            return {"log_px": log_mean_exp(model.log_weights(x[0], self.eps[0]))}
        if work.kind == "encode":
            return dict(zip(("mu", "log_var"), model.encode(x[0]), strict=True))
        return {"x_hat": model.decode(self.eps[0, 0])}

    def step(self, i):
        x = self.x[i % len(self.x)]
        loss = self.model.loss_and_grads(x, self.model.draw_noise(self.rng, len(x)))["loss"]
        self.optimizer.step()
        return float(loss)

    def evidence(self, i):
        return log_evidence(self.model, self.x[0], self.work.K, self.rng)

    def encode(self, i):
        return self.model.encode(self.x[0])

    def decode(self, i):
        return self.model.decode(self.eps[0, 0])

    def sample(self, i):
        return self.model.sample(self.work.N, self.rng)


class Products:
    """The matrix products of the work alone, into arrays that are already there: the floor of a NumPy program."""

    def __init__(self, work, data, threads):
        rng = np.random.default_rng(0)
        rows = min(work.N * work.K, 10_000)
        self.times = work.N * work.K // rows
        self.products = []
        for m, k, n, is_first in _sizes(build(work), work.kind, rows):
            x, W, y = (rng.standard_normal(size, dtype="float32") for size in ((m, k), (k, n), (m, n)))
            self.products.append((x, W, np.empty_like(y)))
            if work.kind == "step":
                self.products.append((x.T, y, np.empty_like(W)))  # dW = x' dy
                if not is_first:
                    self.products.append((y, W.T, np.empty_like(x)))  # dx = dy W'

    def run(self, i):
        for _ in range(self.times):
            for a, b, out in self.products:
                np.matmul(a, b, out=out)


def _sizes(model, kind, rows):
    """(m, k, n, whether nobody needs its dx) of each layer's product (m, k) @ (k, n) on `rows` examples."""
    names = {"step": ("encoder", "decoder"), "encode": ("encoder",)}.get(kind, ("decoder",))
    for network in (getattr(model, name) for name in names):
        x, is_first = np.zeros((rows, network.n_in), "float32"), network is model.encoder
        for layer in network.layers:
            y = layer(x)
            if isinstance(layer, Dense | Conv2d | ConvTranspose2d):
                kh_kw, (c_in, c_out) = math.prod(layer.W.data.shape[:-2]), layer.W.data.shape[-2:]
                if isinstance(layer, ConvTranspose2d):  # columns of y, from which it is added up
                    yield math.prod(x.shape[:-1]), c_in, kh_kw * c_out, is_first
                else:
                    yield math.prod(y.shape[:-1]), kh_kw * c_in, c_out, is_first
                is_first = False
            x = y
