"""PyTorch as people write it: modules, functional losses, an optimizer of torch.optim.

The VAE imports nothing of minivae. Losses of further models are those of `bench.variants`, models of lines those of
`bench.lines`.
"""

import math
from functools import partial
from itertools import cycle

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .works import CHECKED

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}
USES = {"evidence": "log_px", "encode": "encode", "decode": "decode", "sample": "decode"}


def same(t):
    return t


def turned(t):
    return t.T


def candidate(t):
    """Of the second biases of a GRU; those of the gates are no use, and not ours."""
    return t[len(t) // 3 * 2 :]


VIEWS = {
    nn.Linear: [turned, same],
    nn.Conv2d: [lambda t: t.permute(2, 3, 1, 0), same],
    nn.ConvTranspose2d: [lambda t: t.permute(2, 3, 0, 1), same],
    nn.Embedding: [same],
    nn.GRU: [turned, turned, same, candidate],
    nn.LayerNorm: [same, same],
    nn.ParameterList: [same],
}


def parts(net):
    """[(parameter, view)] in the order of our parameters: the numbers of the view, or of its gradient, lie as ours."""
    found = []
    for module in net.modules():
        views = getattr(module, "views", VIEWS.get(type(module), []))
        found += zip(module.parameters(recurse=False), cycle(views), strict=False)
    return found


@torch.no_grad()
def load(net, arrays):
    """Copy our parameters, in their order; what is none of ours is 0."""
    for parameter in net.parameters():
        parameter.zero_()
    for (parameter, view), own in zip(parts(net), arrays, strict=True):
        part = view(parameter)
        part.copy_(torch.tensor(own).reshape(part.shape))


class Permute(nn.Module):
    def __init__(self, *dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(self.dims)


class Net(nn.Module):
    """The networks of a work, the encoder with so many `heads`; and the loss of a VAE."""

    def __init__(self, work, heads):
        super().__init__()
        act = ACTIVATIONS[work.activation]
        encoder, decoder = [], []
        flat = math.prod(work.shape)
        if work.channels:
            h, w, c = work.shape
            scale = 2 ** len(work.channels)
            self.side = h // scale, w // scale
            image = (work.channels[-1], *self.side)
            flat = math.prod(image)
            encoder.append(nn.Unflatten(-1, (c, h, w)))
            for c_out in work.channels:
                encoder += [nn.Conv2d(c, c_out, 4, 2, 1), act()]
                c = c_out
        if work.hidden is None:  # codes at the places that the convolutions leave
            depth = work.options["width"]
            encoder += [nn.Conv2d(c, depth, 1), Permute(0, 2, 3, 1), nn.Flatten()]
            decoder += [nn.Unflatten(-1, (*self.side, depth)), Permute(0, 3, 1, 2), nn.Conv2d(depth, c, 1), act()]
        else:
            if work.channels:
                encoder.append(nn.Flatten())
            widths = [flat, *work.hidden]
            for n_in, n_out in zip(widths, widths[1:], strict=False):
                encoder += [nn.Linear(n_in, n_out), act()]
            encoder.append(nn.Linear(widths[-1], heads))
            inner = [work.latent, *work.hidden[::-1], *([flat] if work.channels else [])]
            for n_in, n_out in zip(inner, inner[1:], strict=False):
                decoder += [nn.Linear(n_in, n_out), act()]
            if work.channels:  # our images are (h, w, c)
                encoder[-1 - 2 * len(work.hidden)].views = [lambda t: t.T.unflatten(0, image).permute(1, 2, 0, 3), same]
                decoder[-2].views = [
                    lambda t: t.T.unflatten(1, image).permute(0, 2, 3, 1),
                    lambda t: t.unflatten(0, image).permute(1, 2, 0),
                ]
                decoder.append(nn.Unflatten(-1, image))
            else:
                decoder.append(nn.Linear(inner[-1], flat))
        channels = [work.shape[2], *work.channels][::-1]
        for n_in, n_out in zip(channels, channels[1:], strict=False):
            decoder += [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1), act()]
        if work.channels:
            decoder[-1] = nn.Flatten()
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)

    def forward(self, x, eps):
        """The loss: -ELBO of the batch, nats per example."""
        mu, log_var = self.encode(x)
        logits = self.decoder(mu + torch.exp(0.5 * log_var) * eps)
        kl = 0.5 * (mu * mu + log_var.exp() - 1 - log_var).sum()
        return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / len(x)

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=-1)

    def decode(self, z):
        return torch.sigmoid(self.decoder(z))

    def log_px(self, x, eps):
        """Importance-sampled log p(x) (N,), eps (K, N, L)."""
        mu, log_var = self.encode(x)
        std = torch.exp(0.5 * log_var)
        z = mu + std * eps
        logits = self.decoder(z)
        log_px_z = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        log_pz = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        log_qz = torch.distributions.Normal(mu, std).log_prob(z).sum(-1)
        return torch.logsumexp(log_px_z + log_pz - log_qz, dim=0) - math.log(len(eps))


class Further(Net):
    """A model whose loss is a twin's, a function of the networks and of what else learns, by our names."""

    def __init__(self, work, heads, twin, learned):
        super().__init__(work, heads)
        self.p = {name: nn.Parameter(torch.tensor(array)) for name, array in learned.items()}
        self.rest = nn.ParameterList(self.p.values())
        self.twin = partial(twin, side=self.side) if work.hidden is None else twin

    def forward(self, x, *eps):
        return self.twin(self.p, x, *eps, encode=self.encoder, decode=self.decoder)


def in_order(weights):
    """{name: array} of encoder, decoder and what else there is, as `parts` has them."""
    first = {part: {n: a for n, a in weights.items() if n.startswith(f"{part}.")} for part in ("encoder", "decoder")}
    return first["encoder"] | first["decoder"] | weights


def build(work, weights):
    """The model of a work with our weights {name: array}."""
    weights = in_order(weights)
    heads = len([array for name, array in weights.items() if name.startswith("encoder.")][-1])
    if work.is_lines:
        from . import lines

        net = lines.TWINS[work.model](work.options["vocabulary"], *work.shape, work.hidden, latent=work.latent)
    elif work.model == "vae":
        net = Net(work, heads)
    else:
        from . import variants

        rest = {name: array for name, array in weights.items() if not name.startswith(("encoder.", "decoder."))}
        net = Further(work, heads, getattr(variants, work.options.get("flow", work.model)), rest)
    load(net, weights.values())
    return net


class Torch:
    """Eager, with the default Adam."""

    fused, compiled, mode = None, False, None

    def __init__(self, work, data, threads, device="cpu"):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.work, self.device = work, device
        self.x = torch.from_numpy(data["x"]).to(device, torch.long if work.is_lines else torch.float32)
        self.eps = None if work.noise is None else torch.from_numpy(data["eps"]).to(device)
        self.shapes = {name: array.shape for name, array in in_order(data["weights"]).items()}
        net = self.net = build(work, data["weights"]).to(device)
        self.use = net if work.kind == "step" else getattr(net, USES[work.kind])
        if self.compiled:
            torch.compiler.reset()  # of what other sizes were compiled to, so that this one is compiled as it is
            self.use = torch.compile(self.use, mode=self.mode)
        self.optimizer = torch.optim.Adam(net.parameters(), fused=self.fused)
        self.run = getattr(self, work.kind)

    def check(self):
        work, x = self.work, self.x
        if work.kind == "step":
            losses, values = [], {}
            for i in range(CHECKED):
                losses.append(self._step(x[i % len(x)], *self._given(i)).item())
                if i == 0:
                    for (name, shape), (parameter, view) in zip(self.shapes.items(), parts(self.net), strict=True):
                        values["grad/" + name] = view(parameter.grad).reshape(shape).cpu().numpy().copy()
            return values | {"losses": np.array(losses)}
        with torch.no_grad():
            if work.kind == "evidence":
                return {"log_px": self.use(x[0], self.eps[0]).cpu().numpy()}
            if work.kind == "encode":
                return dict(zip(("mu", "log_var"), (part.cpu().numpy() for part in self.use(x[0])), strict=True))
            return {"x_hat": self.use(self.eps[0]).cpu().numpy()}

    def _given(self, i):
        """The noise of a step to check."""
        return () if self.eps is None else (self.eps[i],)

    def step(self, i):
        return self.issue(i).item()

    def issue(self, i):
        """A step without waiting for its loss."""
        noise = () if self.eps is None else (torch.randn_like(self.eps[0]),)
        return self._step(self.x[i % len(self.x)], *noise)

    def _step(self, x, *eps):
        self.optimizer.zero_grad()
        loss = self.use(x, *eps)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def evidence(self, i):
        for x in self.x[0].split(1):
            self.use(x, torch.randn(self.work.K, 1, self.work.latent, device=self.device))

    @torch.no_grad()
    def encode(self, i):
        return self.use(self.x[0])

    @torch.no_grad()
    def decode(self, i):
        return self.use(self.eps[0])

    @torch.no_grad()
    def sample(self, i):
        return self.use(torch.randn(self.work.N, self.work.latent, device=self.device))


class TorchFused(Torch):
    """With the optimizer in one kernel."""

    fused = True


class TorchCompiled(TorchFused):
    """Forward and backward compiled too."""

    compiled = True


class TorchReduced(TorchCompiled):
    """And on a GPU launched as one graph each."""

    mode = "reduce-overhead"
