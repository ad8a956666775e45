"""PyTorch as people write it: modules, functional losses, an optimizer of torch.optim. It does not import minivae."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Net(nn.Module):
    """The model of a work."""

    def __init__(self, work):
        super().__init__()
        act = ACTIVATIONS[work.activation]
        D = math.prod(work.shape)
        L = work.latent
        flat, to_image = D, []
        encoder, decoder = [], []
        if work.channels:
            h, w, c = work.shape
            scale = 2 ** len(work.channels)
            image = (work.channels[-1], h // scale, w // scale)
            flat = math.prod(image)
            to_image = [nn.Unflatten(-1, image)]
            encoder.append(nn.Unflatten(-1, (c, h, w)))
            for c_out in work.channels:
                encoder += [nn.Conv2d(c, c_out, 4, 2, 1), act()]
                c = c_out
            encoder.append(nn.Flatten())
        widths = [flat, *work.hidden]
        for n_in, n_out in zip(widths, widths[1:], strict=False):
            encoder += [nn.Linear(n_in, n_out), act()]
        encoder.append(nn.Linear(widths[-1], 2 * L))
        inner = [L, *work.hidden[::-1], *([flat] if work.channels else [])]
        for n_in, n_out in zip(inner, inner[1:], strict=False):
            decoder += [nn.Linear(n_in, n_out), act()]
        decoder += to_image
        channels = [work.shape[2], *work.channels][::-1]
        for n_in, n_out in zip(channels, channels[1:], strict=False):
            decoder += [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1), act()]
        decoder[-1:] = [nn.Flatten()] if work.channels else [act(), nn.Linear(inner[-1], D)]
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

    def layouts(self, work):
        """A function from our layout per parameter, in the order of both: W (n_in, n_out), images (h, w, c)."""
        image = (*[n // 2 ** len(work.channels) for n in work.shape[:2]], (*work.shape[2:], *work.channels)[-1])
        order = np.arange(math.prod(image)).reshape(image).transpose(2, 0, 1).ravel()  # of (c, h, w) in (h, w, c)
        layouts = []
        for network in (self.encoder, self.decoder):
            modules = list(network)
            for i, module in enumerate(modules):
                rows = columns = slice(None)
                if isinstance(module, nn.Linear):
                    if i and isinstance(modules[i - 1], nn.Flatten):
                        rows = order
                    if any(isinstance(m, nn.Unflatten) for m in modules[i + 1 : i + 3]):
                        columns = order
                    layouts.append(lambda W, rows=rows, columns=columns: W[rows][:, columns].T)
                elif isinstance(module, nn.Conv2d):
                    layouts.append(lambda W: W.transpose(3, 2, 0, 1))
                elif isinstance(module, nn.ConvTranspose2d):
                    layouts.append(lambda W: W.transpose(2, 3, 0, 1))
                else:
                    continue
                layouts.append(lambda b, columns=columns: b[columns])
        return layouts


class Torch:
    """Eager, with the default Adam."""

    fused, compiled, mode = None, False, None

    def __init__(self, work, data, threads, device="cpu"):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.work, self.device = work, device
        self.x, self.eps = torch.from_numpy(data["x"]).to(device), torch.from_numpy(data["eps"]).to(device)
        net = self.net = Net(work).to(device)
        self.layouts = dict(zip(data["weights"], net.layouts(work), strict=True))
        for (name, array), param in zip(data["weights"].items(), net.parameters(), strict=True):
            param.data = torch.from_numpy(np.ascontiguousarray(self.layouts[name](array))).to(device)
        parts = net, net.log_px, net.encode, net.decode
        if self.compiled:
            torch.compiler.reset()  # of what other sizes were compiled to, so that this one is compiled as it is
            parts = [torch.compile(part, mode=self.mode) for part in parts]
        self.loss, self.log_px, self.to_posterior, self.to_image = parts
        self.optimizer = torch.optim.Adam(net.parameters(), fused=self.fused)
        self.run = getattr(self, work.kind)

    def check(self):
        work, x, eps = self.work, self.x, self.eps
        if work.kind == "step":
            losses, values = [], {}
            for i in range(len(eps)):
                losses.append(self._step(x[i % len(x)], eps[i, 0]).item())
                if i == 0:
                    for name, param in zip(self.layouts, self.net.parameters(), strict=True):
                        values["grad/" + name] = param.grad.cpu().numpy().copy()
            return values | {"losses": np.array(losses)}
        with torch.no_grad():
            if work.kind == "evidence":
                return {"log_px": self.log_px(x[0], eps[0]).cpu().numpy()}
            if work.kind == "encode":
                parts = [part.cpu().numpy() for part in self.to_posterior(x[0])]
                return dict(zip(("mu", "log_var"), parts, strict=True))
            return {"x_hat": self.to_image(eps[0, 0]).cpu().numpy()}

    def translate(self, name, array):
        """One of our arrays as it lies here."""
        return self.layouts[name.removeprefix("grad/")](array) if name.startswith("grad/") else array

    def step(self, i):
        return self.issue(i).item()

    def issue(self, i):
        """A step without waiting for its loss."""
        x = self.x[i % len(self.x)]
        return self._step(x, torch.randn(len(x), self.work.latent, device=self.device))

    def _step(self, x, eps):
        self.optimizer.zero_grad()
        loss = self.loss(x, eps)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def evidence(self, i):
        for x in self.x[0].split(1):
            self.log_px(x, torch.randn(self.work.K, 1, self.work.latent, device=self.device))

    @torch.no_grad()
    def encode(self, i):
        return self.to_posterior(self.x[0])

    @torch.no_grad()
    def decode(self, i):
        return self.to_image(self.eps[0, 0])

    @torch.no_grad()
    def sample(self, i):
        return self.to_image(torch.randn(self.work.N, self.work.latent, device=self.device))


class TorchFused(Torch):
    """With the optimizer in one kernel."""

    fused = True


class TorchCompiled(TorchFused):
    """Forward and backward compiled too."""

    compiled = True


class TorchReduced(TorchCompiled):
    """And on a GPU launched as one graph each."""

    mode = "reduce-overhead"
