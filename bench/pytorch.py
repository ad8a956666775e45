"""PyTorch as people write it: modules, functional losses, an optimizer of torch.optim."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from minivae import layers

from .ours import build

ACTIVATION = layers.ReLU | layers.Tanh  # by name in PyTorch too


def flat_order(image):
    """Where our flat (h, w, c) has what PyTorch's flat (c, h, w) has; any row if it was never an image."""
    return slice(None) if image is None else np.arange(math.prod(image)).reshape(image).transpose(2, 0, 1).ravel()


def layouts(layer, image_in, image_out):
    """Functions from our W and b to PyTorch's; the images are what a dense layer's flat input and output stand for."""
    if not isinstance(layer, layers.Dense):
        return lambda W: W.transpose(3, 2, 0, 1) if isinstance(layer, layers.Conv2d) else W.transpose(2, 3, 0, 1), np.copy
    rows, columns = flat_order(image_in), flat_order(image_out)
    return lambda W: W[rows][:, columns].T, lambda b: b[columns]


class Net(nn.Module):
    """The same model, built from ours layer by layer, with the same weights."""

    def __init__(self, model):
        super().__init__()
        self.ours = {}  # {our name: (parameter, function from our layout)}
        self.encoder = self._network(model.encoder, "encoder")
        self.decoder = self._network(model.decoder, "decoder")

    def forward(self, x, eps):
        mu, log_var = self.encode(x)
        logits = self.decoder(mu + torch.exp(0.5 * log_var) * eps)
        kl = 0.5 * (mu * mu + log_var.exp() - 1 - log_var).sum()
        return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / len(x)

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=-1)

    def decode(self, z):
        return torch.sigmoid(self.decoder(z))

    def log_px(self, x, eps):
        """eps (K, N, L) -> (N,)"""
        mu, log_var = self.encode(x)
        z = mu + torch.exp(0.5 * log_var) * eps
        logits = self.decoder(z)
        log_px_z = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        log_pz = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        log_qz = torch.distributions.Normal(mu, torch.exp(0.5 * log_var)).log_prob(z).sum(-1)
        return torch.logsumexp(log_px_z + log_pz - log_qz, dim=0) - math.log(len(eps))

    def _network(self, network, prefix):
        """Layer by layer, on an example that tells where there are images."""
        parts, x, image_in, image_out = [], np.zeros((1, network.n_in), "float32"), None, None
        for i, layer in enumerate(network.layers):
            y = layer(x)
            if isinstance(layer, layers.Dense):
                part = nn.Linear(*layer.W.data.shape)
                becomes = next((nxt for nxt in network.layers[i + 1 :] if not isinstance(nxt, ACTIVATION)), None)
                image_out = becomes.shape if isinstance(becomes, layers.Reshape) else None
            elif isinstance(layer, layers.Conv2d):
                part = nn.Conv2d(*layer.W.data.shape[2:], layer.kernel, layer.stride, layer.padding)
            elif isinstance(layer, layers.ConvTranspose2d):
                how = layer.kernel, layer.stride, layer.padding, layer.output_padding
                part = nn.ConvTranspose2d(*layer.W.data.shape[2:], *how)
            elif isinstance(layer, ACTIVATION):
                part = getattr(nn, type(layer).__name__)()
            elif isinstance(layer, layers.Split):
                continue  # `encode` does that
            elif y.ndim == 4:
                part = nn.Unflatten(-1, (y.shape[3], *y.shape[1:3]))
            else:
                part, image_in = nn.Flatten(), x.shape[1:]
            parts.append(part)
            if hasattr(layer, "W"):
                to_W, to_b = layouts(layer, image_in, image_out)
                for name, f in (("W", to_W), ("b", to_b)):
                    param = part.weight if name == "W" else part.bias
                    param.data = torch.from_numpy(np.ascontiguousarray(f(getattr(layer, name).data)))
                    self.ours[f"{prefix}.layers.{i}.{name}"] = param, f
                image_in = None
            x = y
        return nn.Sequential(*parts)


class Torch:
    """Eager, with the default Adam."""

    fused, compiled = None, False

    def __init__(self, work, data, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.work = work
        self.x, self.eps = torch.from_numpy(data["x"]), torch.from_numpy(data["eps"])
        self.net = Net(build(work))
        self.loss, self.log_px, self.encoder, self.decoder = self.net, self.net.log_px, self.net.encode, self.net.decode
        if self.compiled:
            parts = (self.loss, self.log_px, self.encoder, self.decoder)
            self.loss, self.log_px, self.encoder, self.decoder = map(torch.compile, parts)
        self.optimizer = torch.optim.Adam(self.net.parameters(), fused=self.fused)
        self.run = getattr(self, work.kind)

    def check(self):
        work, x, eps = self.work, self.x, self.eps
        if work.kind == "step":
            losses = []
            for i in range(len(eps)):
                losses.append(self._step(x[i % len(x)], eps[i, 0]))
                if i == 0:
                    found = {"grad/" + name: p.grad.numpy().copy() for name, (p, _) in self.net.ours.items()}
            return found | {"losses": np.array(losses)}
        with torch.no_grad():
            if work.kind == "evidence":
                return {"log_px": self.log_px(x[0], eps[0]).numpy()}
            if work.kind == "encode":
                return {name: part.numpy() for name, part in zip(("mu", "log_var"), self.encoder(x[0]), strict=True)}
            return {"x_hat": self.decoder(eps[0, 0]).numpy()}

    def translate(self, name, array):
        """One of our arrays as it lies here."""
        return self.net.ours[name.removeprefix("grad/")][1](array) if name.startswith("grad/") else array

    def step(self, i):
        x = self.x[i % len(self.x)]
        return self._step(x, torch.randn(len(x), self.work.latent))

    def _step(self, x, eps):
        self.optimizer.zero_grad()
        loss = self.loss(x, eps)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evidence(self, i):
        for x in self.x[0].split(1):  # the fastest of 1, 2, 5 and 10 images at a time
            self.log_px(x, torch.randn(self.work.K, 1, self.work.latent))

    @torch.no_grad()
    def encode(self, i):
        return self.encoder(self.x[0])

    @torch.no_grad()
    def decode(self, i):
        return self.decoder(self.eps[0, 0])

    @torch.no_grad()
    def sample(self, i):
        return self.decoder(torch.randn(self.work.N, self.work.latent))


class TorchFused(Torch):
    """With the optimizer in one kernel."""

    fused = True


class TorchCompiled(TorchFused):
    """Forward and backward compiled too."""

    compiled = True
