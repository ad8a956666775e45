"""PyTorch as an oracle, where it is installed: the same values and gradients, computed by autograd."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from minivae import layers, optim
from minivae.backend import place
from minivae.densities import kl_gaussians, kl_gaussians_backward
from minivae.flows import Coupling
from minivae.likelihoods import LIKELIHOODS
from minivae.models import VAE, Labels
from minivae.models.examples import lines as of_lines
from minivae.models.examples import small
from minivae.models.gumbel import GRADIENTS
from minivae.models.multimodal import EXPERTS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
twins_of_lines, variants = pytest.importorskip("bench.lines"), pytest.importorskip("bench.variants")
families = pytest.importorskip("bench.families")
F = torch.nn.functional


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tensor(a):
    return torch.tensor(np.ascontiguousarray(a), dtype=torch.float64, requires_grad=True)


def close(a, b):
    np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-10, atol=1e-12)


def gradients_agree(model, p):
    """That of every parameter with the one of its twin."""
    for name, param in model.params.items():
        close(param.grad, p[name].grad)


def nchw(a):
    return a.permute(0, 3, 1, 2)


def torch_layer(layer, x, params):
    """The same layer by PyTorch's functions, on NHWC images."""
    W, b = params.get("W"), params.get("b")
    if isinstance(layer, layers.Dense):
        return x @ W + b
    if isinstance(layer, layers.Conv2d):
        y = F.conv2d(nchw(x), W.permute(3, 2, 0, 1), b, layer.stride, layer.padding)
        return y.permute(0, 2, 3, 1)
    if isinstance(layer, layers.Spectral):
        W = params["layer.W"]
        sigma = tensor(layer.u.data) @ W.flatten(0, -2) @ tensor(layer.v.data)
        return torch_layer(layer.layer, x, {"W": W / sigma, "b": params["layer.b"]})
    if isinstance(layer, layers.ConvTranspose2d):
        y = F.conv_transpose2d(nchw(x), W.permute(2, 3, 0, 1), b, layer.stride, layer.padding, layer.output_padding)
        return y.permute(0, 2, 3, 1)
    if isinstance(layer, layers.LayerNorm):
        return F.layer_norm(x, x.shape[-1:], params["gain"], b, layer.tiny)
    if isinstance(layer, layers.GroupNorm):
        return F.group_norm(nchw(x), layer.groups, params["gain"], b, layer.tiny).permute(0, 2, 3, 1)
    if isinstance(layer, layers.BatchNorm):
        y = F.batch_norm(nchw(x), None, None, params["gain"], b, training=True, eps=layer.tiny)
        return y.permute(0, 2, 3, 1)
    if isinstance(layer, layers.AvgPool2d | layers.MaxPool2d):
        f = F.avg_pool2d if isinstance(layer, layers.AvgPool2d) else F.max_pool2d
        return f(nchw(x), layer.kernel, layer.stride).permute(0, 2, 3, 1)
    if isinstance(layer, layers.Upsample):
        return F.interpolate(nchw(x), scale_factor=layer.factor, mode="nearest").permute(0, 2, 3, 1)
    if isinstance(layer, layers.LeakyReLU):
        return F.leaky_relu(x, layer.slope)
    return ACTIVATIONS[type(layer).__name__](x)


ACTIVATIONS = {
    "ReLU": F.relu,
    "ELU": F.elu,
    "GELU": lambda a: F.gelu(a, approximate="tanh"),
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
    "SiLU": F.silu,
    "Softplus": lambda a: torch.logaddexp(a, torch.zeros_like(a)),
}


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda r: layers.Dense(4, 3, r), (5, 4)),
        (lambda r: layers.Conv2d(2, 3, (3, 2), r, (2, 1), (1, 0)), (2, 6, 5, 2)),
        (lambda r: layers.Conv2d(1, 4, 4, r, 2, 1), (3, 8, 8, 1)),
        (lambda r: layers.ConvTranspose2d(3, 2, 4, r, 2, 1), (2, 3, 4, 3)),
        (lambda r: layers.ConvTranspose2d(2, 3, (3, 4), r, (2, 3), (1, 1), (1, 2)), (2, 3, 2, 2)),
        (lambda r: layers.Spectral(layers.Dense(4, 3, r)), (5, 4)),
        (lambda r: layers.Spectral(layers.Conv2d(2, 3, (3, 2), r, (2, 1), (1, 0))), (2, 6, 5, 2)),
        (lambda r: layers.LayerNorm(6), (4, 6)),
        (lambda r: layers.GroupNorm(6, 3), (2, 3, 4, 6)),
        (lambda r: layers.BatchNorm(3), (4, 2, 3, 3)),
        (lambda r: layers.AvgPool2d((3, 2), (2, 1)), (2, 6, 5, 2)),
        (lambda r: layers.MaxPool2d((3, 2), (2, 1)), (2, 6, 5, 2)),
        (lambda r: layers.Upsample((2, 3)), (2, 3, 2, 2)),
        (lambda r: layers.LeakyReLU(), (4, 6)),
        (lambda r: layers.ELU(), (4, 6)),
        (lambda r: layers.GELU(), (4, 6)),
        (lambda r: layers.ReLU(), (4, 6)),
        (lambda r: layers.Tanh(), (4, 6)),
        (lambda r: layers.Sigmoid(), (4, 6)),
        (lambda r: layers.SiLU(), (4, 6)),
        (lambda r: layers.Softplus(), (4, 6)),
    ],
)
def test_layer(make, shape, rng):
    layer = make(rng).bind("float64")
    layer.theta += 0.3 * rng.standard_normal(layer.theta.size)
    x = rng.standard_normal(shape)
    y, cache = layer.forward(x, layer.draw_noise(rng, len(x)))
    w = rng.standard_normal(y.shape)
    layer.zero_grad()
    dx = layer.backward(w, cache)
    tx, params = tensor(x), {name: tensor(p.data) for name, p in layer.params.items()}
    ty = torch_layer(layer, tx, params)
    (ty * torch.tensor(w)).sum().backward()
    close(y, ty)
    close(dx, tx.grad)
    for name, p in layer.params.items():
        close(p.grad, params[name].grad)


def test_gru(rng):
    """PyTorch has the blocks r, u, n in rows, and a second bias where ours, c, is the candidate's alone."""
    layer = layers.GRU(3, 4, rng).bind("float64")
    layer.theta += 0.3 * rng.standard_normal(layer.theta.size)
    x, h0 = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 4))
    W, U, b, c = (p.data for p in layer.params.values())
    other = torch.nn.GRU(3, 4, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for target, value in ((other.weight_ih_l0, W.T), (other.weight_hh_l0, U.T), (other.bias_ih_l0, b),
                              (other.bias_hh_l0, np.concatenate([np.zeros(8), c]))):  # fmt: skip
            target.copy_(torch.tensor(value))
    y, cache = layer.forward((x, h0))
    w = rng.standard_normal(y.shape)
    layer.zero_grad()
    dx, dh0 = layer.backward(w, cache)
    tx, th = tensor(x), tensor(h0)
    ty, _ = other(tx, th[None])
    (ty * torch.tensor(w)).sum().backward()
    for ours, theirs in ((y, ty), (dx, tx.grad), (dh0, th.grad), (layer.cell.W.grad, other.weight_ih_l0.grad.T),
                         (layer.cell.U.grad, other.weight_hh_l0.grad.T), (layer.cell.b.grad, other.bias_ih_l0.grad),
                         (layer.cell.c.grad, other.bias_hh_l0.grad[8:])):  # fmt: skip
        close(ours, theirs)


def copied(own, theirs):
    """[(ours, theirs)] of parameters, after theirs took our values, transposed."""
    pairs = list(zip(own, theirs, strict=True))
    with torch.no_grad():
        for ours, other in pairs:
            other.copy_(torch.tensor(ours.data.T))
    return pairs


def test_attention(rng):
    """Value, weights and every gradient of PyTorch's own, whose mask is True where a step must not look."""
    layer = layers.CausalAttention(6, 3, rng).bind("float64")
    layer.theta += 0.3 * rng.standard_normal(layer.theta.size)
    x, w = rng.standard_normal((2, 2, 5, 6))
    other = torch.nn.MultiheadAttention(6, 3, batch_first=True, dtype=torch.float64)
    pairs = copied(layer.params.values(), other.parameters())
    y, cache = layer.forward(x)
    layer.zero_grad()
    dx = layer.backward(w, cache)
    tx, later = tensor(x), torch.ones(5, 5, dtype=torch.bool).triu(1)
    ty, weights = other(tx, tx, tx, attn_mask=later, average_attn_weights=False)
    (ty * torch.tensor(w)).sum().backward()
    for ours, theirs in ((y, ty), (dx, tx.grad), (layer.weights(x), weights)):
        close(ours, theirs)
    for ours, theirs in pairs:
        close(ours.grad.T, theirs.grad)


def test_transformer(rng):
    """A block is PyTorch's with its norms first."""
    net = layers.transformer(6, 1, 3, 7, rng).bind("float64")
    net.theta += 0.3 * rng.standard_normal(net.theta.size)
    x, w = rng.standard_normal((2, 2, 5, 6))
    one = torch.nn.TransformerEncoderLayer(6, 3, 24, 0.0, batch_first=True, norm_first=True, dtype=torch.float64)
    last = torch.nn.LayerNorm(6, dtype=torch.float64)
    positions = tensor(net.layers[0].W.data)
    parts = [one.norm1, one.self_attn, one.norm2, one.linear1, one.linear2, last]
    theirs = [p for part in parts for p in part.parameters()]
    pairs = copied(list(net.params.values())[1:], theirs)
    y, cache = net.forward(x)
    net.zero_grad()
    dx = net.backward(w, cache)
    tx = tensor(x)
    ty = last(one(tx + positions[:5], torch.ones(5, 5, dtype=torch.bool).triu(1)))
    (ty * torch.tensor(w)).sum().backward()
    for ours, theirs in ((y, ty), (dx, tx.grad), (net.layers[0].W.grad, positions.grad)):
        close(ours, theirs)
    for ours, theirs in pairs:
        close(ours.grad.T, theirs.grad)


def torch_gru(x, params):
    """All states of PyTorch's GRU (N, T, H), from a state of 0."""
    W, U, b, c = (params[f"cell.{name}"] for name in "WUbc")
    other = torch.nn.GRU(*W.shape[:1], c.numel(), batch_first=True, dtype=torch.float64)
    weights = {"weight_ih_l0": W.T, "weight_hh_l0": U.T, "bias_ih_l0": b, "bias_hh_l0": F.pad(c, (2 * c.numel(), 0))}
    return torch.func.functional_call(other, weights, (x,))[0]


def test_embedding(rng):
    layer, index = layers.Embedding(5, 3, rng).bind("float64"), rng.integers(0, 5, (4, 6))
    W = tensor(layer.W.data)
    y, cache = layer.forward(index)
    layer.zero_grad()
    layer.backward(y, cache)
    ty = F.embedding(torch.tensor(index), W)
    (ty * ty.detach()).sum().backward()
    close(y, ty)
    close(layer.W.grad, W.grad)


def test_kl_of_gaussians(rng):
    arrays = rng.standard_normal((4, 3, 5))
    t = [tensor(a) for a in arrays]
    q = torch.distributions.Normal(t[0], (0.5 * t[1]).exp())
    p = torch.distributions.Normal(t[2], (0.5 * t[3]).exp())
    kl = torch.distributions.kl_divergence(q, p).sum(-1)
    close(kl_gaussians(*arrays).sum(axis=-1), kl)
    kl.sum().backward()
    for g, a in zip(kl_gaussians_backward(np.ones((3, 5)), *arrays), t, strict=True):
        close(g, a.grad)


def torch_network(network, x, params, prefix):
    for i, layer in enumerate(network.layers):
        start = f"{prefix}.layers.{i}."
        own = {name.removeprefix(start): p for name, p in params.items() if name.startswith(start)}
        if isinstance(layer, layers.Reshape):
            x = x.reshape(len(x), *layer.shape)
        elif isinstance(layer, layers.ColumnsToChannels):
            h, w, c = layer.shape
            columns = x[:, None, None, h * w * c :].expand(-1, h, w, -1)
            x = torch.cat([x[:, : h * w * c].reshape(-1, h, w, c), columns], dim=-1)
        elif isinstance(layer, layers.Columns):
            x = x[..., : layer.n]
        elif isinstance(layer, layers.Residual):
            x = x + torch_network(layer.body, x, params, f"{start}body")
        elif isinstance(layer, layers.Repeat):
            x = x[:, None].expand(-1, layer.T, -1)
        elif isinstance(layer, layers.FromZero):
            pass  # PyTorch's starts from 0
        elif isinstance(layer, layers.GRU):
            x = torch_gru(x, own)
        elif isinstance(layer, layers.Last):
            x = x[:, -1]
        elif isinstance(layer, layers.Blocks):
            N, h, w, c = x.shape
            x = x.reshape(N, h, w, layer.n, c // layer.n).permute(0, 3, 1, 2, 4).reshape(N, -1)
        elif isinstance(layer, layers.Split):
            return x.chunk(2, dim=-1)
        else:
            x = torch_layer(layer, x, own)
    return x


class LogisticMixture:
    def __init__(self, logits, mu, scale, n):
        self.weights, self.mu, self.scale, self.n = logits.softmax(-1), mu, scale, n

    def log_prob(self, k):
        """log of the sum of differences of distribution functions; k (..., D), components (..., D, M)."""
        k = k[..., None]
        above = torch.where(k == self.n, 1.0, ((((k + 0.5) / self.n) - self.mu) / self.scale).sigmoid())
        below = torch.where(k == 0, 0.0, ((((k - 0.5) / self.n) - self.mu) / self.scale).sigmoid())
        return (self.weights * (above - below)).sum(-1).log()


class BetaBinomial:
    def __init__(self, a, b, n):
        self.a, self.b, self.n = a, b, n

    def log_prob(self, k):
        def log_beta(a, b):
            return a.lgamma() + b.lgamma() - (a + b).lgamma()

        choices = math.lgamma(self.n + 1) - (k + 1).lgamma() - (self.n - k + 1).lgamma()
        return choices + log_beta(k + self.a, self.n - k + self.b) - log_beta(self.a, self.b)


@pytest.mark.parametrize("arch", ["dense", "conv", "gru"])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_whole_vae(arch, likelihood, rng):
    """Loss and every gradient of a step, through PyTorch's own distributions."""
    model = VAE.build((7, 6, 1), rng, arch=arch, hidden=(10, 6), channels=(3, 4), latent=3, activation="silu",
                      likelihood=likelihood, levels=3, mixtures=4, beta=0.8).bind("float64")  # fmt: skip
    x = (rng.random((5, 42)) < 0.4).astype("float64")
    if likelihood == "softmax":
        x = np.eye(42)[rng.integers(0, 42, 5)]
    elif LIKELIHOODS[likelihood].values == "counts":
        x *= rng.integers(1, 20, x.shape)
    noise = model.draw_noise(rng, 5)
    metrics = model.loss_and_grads(x, noise)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    mu, log_var = torch_network(model.encoder, torch.tensor(model.seen(x)), params, "encoder")
    z = mu + (0.5 * log_var).exp() * torch.tensor(noise["eps"])
    out, tx = torch_network(model.decoder, z, params, "decoder"), torch.tensor(x)
    D = torch.distributions
    if likelihood == "bernoulli":
        p = D.Bernoulli(logits=out)
    elif likelihood == "categorical":
        p, tx = D.Categorical(logits=out.reshape(5, 3, 42).transpose(1, 2)), 2 * tx
    elif likelihood == "logistic-mixture":
        logits, middle, log_scale = out.reshape(5, 3, 4, 42).transpose(2, 3).unbind(1)  # (5, 42, 4) each
        start = (torch.arange(4) + 0.5) / 4
        p, tx = LogisticMixture(logits, start + middle / 8, log_scale.exp() / 8, 2), 2 * tx
    elif likelihood == "beta-binomial":
        c = 2 * out[:, 42:].exp()
        p, tx = BetaBinomial(c * out[:, :42].sigmoid(), c * (-out[:, :42]).sigmoid(), 2), 2 * tx
    elif likelihood == "gaussian":
        p = D.Normal(out, (0.5 * params["likelihood.log_var"]).exp())
    elif likelihood == "gaussian-fixed":
        p = D.Normal(out, 0.1)
    elif likelihood == "student-t":
        log_df, log_var_x = params["likelihood.log_df"], params["likelihood.log_var"]
        p = D.StudentT(log_df.exp(), out, (0.5 * log_var_x).exp())
    elif likelihood == "poisson":
        p = D.Poisson(out.exp())
    elif likelihood == "negative-binomial":
        log_r = params["likelihood.log_r"]
        p = D.NegativeBinomial(log_r.exp(), logits=out - log_r)
    elif likelihood == "softmax":
        p = D.OneHotCategorical(logits=out)
    else:
        p = D.Normal(out[:, :42], (0.5 * out[:, 42:]).exp())
    kl = D.kl_divergence(D.Normal(mu, (0.5 * log_var).exp()), D.Normal(0.0, 1.0)).sum(-1)
    loss = (0.8 * kl - p.log_prob(tx).reshape(5, -1).sum(-1)).mean()  # one choice of D has one
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    for name, p in model.params.items():
        close(p.grad, params[name].grad)


def test_whole_ppca(rng):
    """log p(x) by PyTorch's Gaussian of low rank."""
    model, x, _ = small("ppca", rng, latent=3)
    metrics = model.loss_and_grads(x, {})
    params = {name: tensor(p.data) for name, p in model.params.items()}
    W, b, log_var = params.values()
    p = torch.distributions.LowRankMultivariateNormal(b, W.T, log_var.exp().expand(len(b)))
    loss = -p.log_prob(torch.tensor(x)).mean()
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, params)


def torch_log_weights(model, x, y, eps, params, stopped=False):
    """(log w (K, N), z) of a model with Bernoulli pixels and a Gaussian posterior; `stopped`: log q at held heads."""
    given = model.seen(x, y)
    mu, log_var = torch_network(model.encoder, torch.tensor(given), params, "encoder")
    z = mu + (0.5 * log_var).exp() * torch.tensor(eps)  # (K, N, L)
    z.retain_grad()
    K, N, L = z.shape
    columns = torch.tensor(given[:, model.D :]).expand(K, N, -1)
    flat = torch.cat([z, columns], dim=-1).reshape(K * N, -1)
    out = torch_network(model.decoder, flat, params, "decoder").reshape(K, N, -1)
    D = torch.distributions
    log_px_z = D.Bernoulli(logits=out).log_prob(torch.tensor(x)).sum(-1)
    if stopped:
        mu, log_var = mu.detach(), log_var.detach()
    log_qz_x = D.Normal(mu, (0.5 * log_var).exp()).log_prob(z).sum(-1)
    return log_px_z, D.Normal(0.0, 1.0).log_prob(z).sum(-1), log_qz_x, z


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("beta", [1.0, 0.7])
def test_whole_iwae(arch, beta, rng):
    """The bound and every gradient, by differentiating the log-mean-exp itself."""
    model, x, _ = small("iwae", rng, arch=arch, samples=4, beta=beta, activation="silu")
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    log_px_z, log_pz, log_qz_x, _ = torch_log_weights(model, x, None, noise["eps"], params)
    log_w = log_px_z + log_pz - log_qz_x
    iwae = (log_w.logsumexp(0) - math.log(4)).mean()
    assert metrics["iwae"] == pytest.approx(iwae.item(), rel=1e-10)
    assert metrics["elbo"] == pytest.approx(log_w.mean().item(), rel=1e-10)
    loss = -((log_px_z + beta * (log_pz - log_qz_x)).logsumexp(0) - math.log(4)).mean()
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    for name, p in model.params.items():
        close(p.grad, params[name].grad)


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_doubly_reparameterized_gradient(arch, rng):
    """Tucker et al. 2019, eq. 8, as its authors compute it: d log w / dz with held heads, times squared weights."""
    model, x, _ = small("iwae", rng, arch=arch, samples=4, gradient="doubly", activation="silu")
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    model.loss_and_grads(x, noise)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    log_px_z, log_pz, log_qz_x, z = torch_log_weights(model, x, None, noise["eps"], params, stopped=True)
    log_w = log_px_z + log_pz - log_qz_x
    v = log_w.softmax(0).detach()
    own = [name for name in params if name.startswith("encoder")]
    grads = torch.autograd.grad(-(v * v * log_w).sum(0).mean(), [params[name] for name in own], retain_graph=True)
    for name, g in zip(own, grads, strict=True):
        close(model.params[name].grad, g)
    rest = [name for name in params if name not in own]
    loss = -(log_w.logsumexp(0) - math.log(4)).mean()
    for name, g in zip(rest, torch.autograd.grad(loss, [params[name] for name in rest]), strict=True):
        close(model.params[name].grad, g)


def torch_levels(model, x, eps, params):
    """z, log p(z) and log q(z | x) of each level, highest first where the posterior comes from the top."""
    D, widths = torch.distributions, model.levels
    eps = torch.tensor(eps).split(widths, dim=-1)
    normal = lambda mu, log_var: D.Normal(mu, (0.5 * log_var).exp())  # noqa: E731
    prior = lambda i, z: torch_network(model.prior.networks[i], z, params, f"prior.networks.{i}")  # noqa: E731
    x, z, q = torch.tensor(model.seen(x)), [None] * len(widths), [None] * len(widths)
    if model.posterior.n_heads == 2:
        for i in range(len(widths)):
            if i:
                own = torch_network(model.posterior.networks[i - 1], z[i - 1], params, f"posterior.networks.{i - 1}")
            else:
                own = torch_network(model.encoder, x, params, "encoder")
            q[i] = normal(*own)
            z[i] = q[i].loc + q[i].scale * eps[i]
    else:
        heads = []
        for i, (block, head) in enumerate(zip(model.encoder.blocks, model.encoder.heads, strict=True)):
            x = torch_network(block, x, params, f"encoder.blocks.{i}")
            heads.append(normal(*torch_network(head, x, params, f"encoder.heads.{i}")))
        for i in reversed(range(len(widths))):
            q[i] = heads[i]
            if i + 1 < len(widths):
                p = normal(*prior(i, z[i + 1]))
                a, b = 1 / heads[i].variance, 1 / p.variance
                q[i] = D.Normal((heads[i].loc * a + p.loc * b) / (a + b), (a + b) ** -0.5)
            z[i] = q[i].loc + q[i].scale * eps[i]
    log_q = [part.log_prob(value).sum(-1) for part, value in zip(q, z, strict=True)]
    p = [normal(*prior(i, above)) for i, above in enumerate(z[1:])] + [D.Normal(0.0, 1.0)]
    return z, [part.log_prob(value).sum(-1) for part, value in zip(p, z, strict=True)], log_q


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("name", ["hvae", "ladder"])
@pytest.mark.parametrize(("upper", "K"), [([2], 1), ([3, 2], 3)])
def test_whole_hierarchy(arch, name, upper, K, rng):
    model, x, _ = small(name, rng, arch=arch, upper=upper, between=[4], samples=K, activation="silu", beta=0.8,
                        beta_schedule="constant")  # fmt: skip
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    z, log_p, log_q = torch_levels(model, x, noise["eps"], params)
    flat = torch.cat(z, dim=-1).reshape(K * len(x), -1)
    out = torch_network(model.decoder, flat, params, "decoder").reshape(K, len(x), -1)
    log_px_z = torch.distributions.Bernoulli(logits=out).log_prob(torch.tensor(x)).sum(-1)
    loss = -((log_px_z + 0.8 * (sum(log_p) - sum(log_q))).logsumexp(0) - math.log(K)).mean()
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    for i, (p, q) in enumerate(zip(log_p, log_q, strict=True), 1):
        assert metrics[f"kl_{i}"] == pytest.approx((q - p).mean().item(), rel=1e-10)
    loss.backward()
    for name, p in model.params.items():
        close(p.grad, params[name].grad)


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_whole_m2(arch, rng):
    """Both bounds written down row by row and class by class, each class a one-hot row behind x and z."""
    model, x, y = small("m2", rng, arch=arch, beta=0.8, alpha=0.5, activation="silu")
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise, y=y)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    X, eps, D = torch.tensor(x), torch.tensor(noise["eps"]), torch.distributions
    log_q = torch_network(model.classifier, X, params, "classifier").log_softmax(-1)
    h = torch_network(model.encoder.first, X, params, "encoder.first")
    bounds = []
    for c in range(3):
        behind = 10.0 * torch.eye(3, dtype=X.dtype)[c]
        heads = torch_network(model.encoder.rest, h + behind @ params["encoder.rows.W"], params, "encoder.rest")
        q = D.Normal(heads[0], (0.5 * heads[1]).exp())
        z = torch.cat([q.loc + q.scale * eps, behind.expand(len(x), -1)], dim=-1)
        log_px_yz = D.Bernoulli(logits=torch_network(model.decoder, z, params, "decoder")).log_prob(X).sum(-1)
        bounds.append(log_px_yz - math.log(3) - 0.8 * D.kl_divergence(q, D.Normal(0.0, 1.0)).sum(-1))
    loss = 0
    for n, label in enumerate(y):
        bound = torch.stack([part[n] for part in bounds])
        summed = (log_q[n].exp() * (bound - log_q[n])).sum()
        loss = loss - (summed if label < 0 else bound[label]) / len(x)
        loss = loss - (0 if label < 0 else 0.5 * log_q[n, label] / (y >= 0).sum())
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    for name, p in model.params.items():
        close(p.grad, params[name].grad)


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("labels", [Labels("classes", 3), Labels("rows", 2)])
def test_whole_cvae(arch, labels, rng):
    model, x, y = small("cvae", rng, arch=arch, labels=labels, beta=0.8, activation="silu")
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise, y=y)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    log_px_z, _, _, _ = torch_log_weights(model, x, y, noise["eps"][None], params)
    mu, log_var = torch_network(model.encoder, torch.tensor(model.seen(x, y)), params, "encoder")
    D = torch.distributions
    kl = D.kl_divergence(D.Normal(mu, (0.5 * log_var).exp()), D.Normal(0.0, 1.0)).sum(-1)
    loss = (0.8 * kl - log_px_z[0]).mean()
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    for name, p in model.params.items():
        close(p.grad, params[name].grad)


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("labels", [Labels("classes", 3), Labels("rows", 2)])
@pytest.mark.parametrize("name", ["cvae", "ivae"])
def test_whole_learned_prior(name, arch, labels, rng):
    own = {"prior": "learned"} if name == "cvae" else {}
    model, x, y = small(name, rng, arch=arch, labels=labels, beta=0.8, activation="silu", **own)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise, y=y)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    D = torch.distributions
    normal = lambda mu, log_var: D.Normal(mu, (0.5 * log_var).exp())  # noqa: E731
    columns = torch.tensor(np.eye(3)[y] if labels.kind == "classes" else y)
    p = normal(*torch_network(model.prior_network, columns, params, "prior_network"))
    q = normal(*torch_network(model.encoder, torch.tensor(model.seen(x, y)), params, "encoder"))
    z = q.loc + q.scale * torch.tensor(noise["eps"])
    seen = torch.cat([z, columns], dim=-1) if name == "cvae" else z
    out = torch_network(model.decoder, seen, params, "decoder")
    log_px_z = D.Bernoulli(logits=out).log_prob(torch.tensor(x)).sum(-1)
    loss = (0.8 * D.kl_divergence(q, p).sum(-1) - log_px_z).mean()
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    for name, p in model.params.items():
        close(p.grad, params[name].grad)


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("labels", [Labels("classes", 3), Labels("rows", 2)])
def test_whole_net(arch, labels, rng):
    model, x, y = small("net", rng, arch=arch, labels=labels, activation="silu")
    metrics = model.loss_and_grads(x, model.draw_noise(rng, len(x)), y=y)
    params = {name: tensor(p.data) for name, p in model.params.items()}
    columns = torch.tensor(np.eye(3)[y] if labels.kind == "classes" else y)
    out = torch_network(model.decoder, columns, params, "decoder")
    loss = -torch.distributions.Bernoulli(logits=out).log_prob(torch.tensor(x)).sum(-1).mean()
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    for name, p in model.params.items():
        close(p.grad, params[name].grad)


def on_rows(network, params, prefix):
    """f(x (..., n)) of a network of ours without its Split, as the twins of `bench.variants` take it."""
    parts = [layer for layer in network.layers if not isinstance(layer, layers.Split)]
    body = SimpleNamespace(layers=parts)
    return lambda x: torch_network(body, x.reshape(-1, x.shape[-1]), params, prefix).reshape(*x.shape[:-1], -1)


def twins_of_networks(model, params, arch):
    """The encoder and the decoder of a model, as functions of PyTorch."""
    if arch == "dense":
        return variants.dense(params, "encoder"), variants.dense(params, "decoder")
    return on_rows(model.encoder, params, "encoder"), on_rows(model.decoder, params, "decoder")


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("beta", [1.0, 0.7])
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize(
    ("name", "options", "twin"),
    [
        ("iwae", {}, variants.iwae),
        ("flow", {"flow": "planar", "flows": 3}, variants.planar),
        ("flow", {"flow": "radial", "flows": 3}, variants.radial),
        ("iaf", {"flows": 3, "flow_width": 7, "context": 4}, variants.iaf),
        ("vamp", {"components": 6}, variants.vamp),
        ("mixture", {"components": 6}, variants.mixture),
        ("realnvp", {"flows": 3, "flow_width": 7}, variants.realnvp),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_whole_variant(name, options, twin, K, beta, arch, rng):
    """Loss and every gradient of the models with flows and other priors."""
    model, x, _ = small(name, rng, arch=arch, latent=3, samples=K, beta=beta, activation="relu", **options)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    p = variants.tensors(model)
    encode, decode = twins_of_networks(model, p, arch)
    loss = twin(p, torch.tensor(x), torch.tensor(noise["eps"]), encode, decode, beta)
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize(
    ("name", "options", "own"),
    [
        ("capacity", {"gamma": 3.0, "capacity": 50.0, "capacity_epochs": 1}, {"gamma": 3.0, "C": 50.0}),
        ("capacity", {"gamma": 3.0, "capacity": 0.0, "capacity_epochs": 1}, {"gamma": 3.0, "C": 0.0}),
        ("tcvae", {"beta": 3.0}, {"beta": 3.0}),
        ("tcvae", {"beta": 3.0, "estimator": "stratified", "n_train": 40}, {"beta": 3.0}),
        ("factorvae", {"gamma": 3.0, "critic": (6, 5)}, {"gamma": 3.0}),
    ],
    ids=["capacity below", "capacity above", "tcvae", "tcvae stratified", "factorvae"],
)
def test_whole_variant_of_factors(name, options, own, arch, rng):
    """Losses and every gradient; of FactorVAE those of both players."""
    model, x, _ = small(name, rng, arch=arch, latent=3, activation="relu", **options)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise, t=1)
    p = variants.tensors(model)
    encode, decode = twins_of_networks(model, p, arch)
    if name == "tcvae":
        own = own | {"log_weights": torch.tensor(model.log_weights_of(len(x), x))}
    if name == "factorvae":
        own = own | {"order": torch.tensor(noise["order"]).long()}
    twin = getattr(variants, name)
    loss = twin(p, torch.tensor(x), torch.tensor(noise["eps"]), encode, decode, **own)
    assert metrics["loss"] + metrics.get("loss_critic", 0) == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_whole_gumbel(gradient, arch, rng):
    """Loss and every gradient, at a temperature that has begun to fall."""
    own = {"gradient": gradient, "categories": 4, "beta": 0.7}
    warm = {} if gradient == "score" else {"temperature": 2.0, "temperature_end": 0.5, "temperature_epochs": 2}
    model, x, _ = small("gumbel", rng, arch=arch, latent=3, activation="relu", **own, **warm)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise, t=1)
    p = variants.tensors(model)
    networks = twins_of_networks(model, p, arch)
    loss = variants.gumbel(p, torch.tensor(x), torch.tensor(noise["eps"]), *networks, temperature=1.0, **own)
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_whole_adversarial_autoencoder(arch, rng):
    """Both losses, every gradient, and the next vectors of the spectral norm."""
    model, x, _ = small("aae", rng, arch=arch, latent=3, gamma=3.0, critic=(6, 5), activation="relu")
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    p = variants.tensors(model)
    learned = dict(p)
    encode, decode = twins_of_networks(model, p, arch)
    loss = variants.aae(p, torch.tensor(x), torch.tensor(noise["prior"]), encode, decode, gamma=3.0)
    assert metrics["loss"] + metrics["loss_critic"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, learned)
    for name, state in model.states.items():
        state.step()
        close(state.data, p[name])


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_whole_vaegan(arch, rng):
    """Three losses, and the gradient of each to its own player."""
    own = {"beta": 0.7, "gamma": 0.5}
    model, x, _ = small("vaegan", rng, arch=arch, latent=3, critic=[6, 5], critic_channels=[3, 4], **own)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    p = variants.tensors(model)
    encode, decode = twins_of_networks(model, p, arch)
    body, head = (lambda x, f=f: torch_network(getattr(model, f), x, p, f) for f in ("critic", "head"))
    if arch == "dense":
        body = head = None  # the twin's own
    losses = variants.vaegan(p, torch.tensor(x), torch.tensor(noise["eps"]), encode, decode,
                             torch.tensor(noise["prior"]), body, head, **own)  # fmt: skip
    for name, loss in losses.items():
        assert metrics[name] == pytest.approx(loss.item(), rel=1e-10)
    variants.backward(losses, p, model.by_objective())
    gradients_agree(model, p)


@pytest.mark.parametrize("critic_norm", ["none", "spectral"])
@pytest.mark.parametrize("objective", ["non-saturating", "hinge"])
@pytest.mark.parametrize(("arch", "likelihood"), [("dense", "bernoulli"), ("dense", "gaussian-fixed"),
                                                  ("conv", "bernoulli")])  # fmt: skip
def test_whole_gan(arch, likelihood, objective, critic_norm, rng):
    """Both losses, the gradient of each to its own player, and the next vectors of the spectral norm."""
    own = {"likelihood": likelihood, "objective": objective, "critic_norm": critic_norm, "shake": 1.0}
    model, x, _ = small("gan", rng, arch=arch, latent=3, critic=[6, 5], critic_channels=[3, 4], **own)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    p = variants.tensors(model)
    learned = dict(p)
    decode = lambda z: torch_network(model.decoder, z, p, "decoder")  # noqa: E731
    critic = (lambda x: torch_network(model.critic, x, p, "critic")) if arch == "conv" else None
    make = torch.sigmoid if likelihood == "bernoulli" else (lambda out: out)
    losses = variants.gan(p, torch.tensor(x), torch.tensor(noise["prior"]), decode, critic=critic,
                          objective=objective, make=make)  # fmt: skip
    for name, loss in losses.items():
        assert metrics[name] == pytest.approx(loss.item(), rel=1e-10)
    variants.backward(losses, learned, model.by_objective())
    gradients_agree(model, learned)
    for name, state in model.states.items():
        state.step()
        close(state.data, p[name])


@pytest.mark.parametrize("arch", ["dense", "conv"])
@pytest.mark.parametrize("experts", EXPERTS)
def test_whole_multimodal(experts, arch, rng):
    """Loss and every gradient, of rows whose x and y are known."""
    own = {"experts": experts, "label_weight": 3.0, "beta": 0.7}
    model, x, _ = small("multimodal", rng, arch=arch, latent=3, activation="relu", **own)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    y = np.array([0, 2, 1, 1, 0])
    metrics = model.loss_and_grads(x, noise, y=y)
    p = variants.tensors(model)
    networks = twins_of_networks(model, p, arch)
    loss = variants.multimodal(p, torch.tensor(x), torch.tensor(noise["eps"]), *networks, torch.tensor(y), **own)
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize("experts", EXPERTS)
def test_whole_halves(experts, rng):
    """Loss and every gradient, of images of an odd width."""
    own = {"experts": experts, "beta": 0.7}
    model, x, _ = small("halves", rng, shape=(4, 5, 1), latent=3, activation="relu", **own)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    p = variants.tensors(model)
    encode = variants.dense(p, "encoder")
    loss = variants.halves(p, torch.tensor(x), torch.tensor(noise["eps"]), encode, None, (4, 5), **own)
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_a_vqvae(arch, rng):
    """Losses and every gradient, of the codes and of their prior as well."""
    model, x, _ = small("vqvae", rng, arch=arch, shape=(6, 6, 1), channels=(3,), latent=4, codebook="loss", commit=2.0)
    metrics = model.loss_and_grads(x, model.draw_noise(rng, len(x)))
    p = variants.tensors(model)
    side = {"dense": (1, 4), "conv": (3, 3)}[arch]
    loss = variants.vqvae(p, torch.tensor(x), *twins_of_networks(model, p, arch), commit=2.0, side=side)
    assert metrics["loss"] + metrics["loss_prior"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize(
    ("arch", "shape", "options"),
    [
        ("dense", (5,), {"hidden": [6, 4]}),
        ("dense", (3, 4, 2), {"hidden": [6], "dequantize": True, "logit_alpha": 0.02, "bins": 3}),
        ("conv", (3, 4, 1), {"channels": [4, 4], "dequantize": True, "logit_alpha": 1e-3}),
    ],
    ids=["rows", "images", "conv"],
)
def test_a_flow_of_couplings(arch, shape, options, rng):
    """Loss and every gradient, behind a logit and without one."""
    model, x, _ = small("nvp", rng, arch=arch, shape=shape, flows=3, shake=0.03, **options)
    metrics = model.loss_and_grads(x, {})
    p = variants.tensors(model)
    networks = {name: part.network for name, part in model.named(Coupling).items()}
    network = lambda prefix: lambda x: torch_network(networks[prefix[: -len(".network")]], x, p, prefix)  # noqa: E731
    own = {"alpha": options.get("logit_alpha"), "bins": options.get("bins")}
    loss = families.nvp(p, torch.tensor(x), shape, network=network if arch == "conv" else None, **own)
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize(
    ("arch", "shape", "options"),
    [("dense", (5,), {"hidden": [6, 4]}), ("conv", (4, 8, 2), {"channels": [3, 16, 8]})],
    ids=["chain", "unet"],
)
def test_whole_ddpm(arch, shape, options, rng):
    """Loss, bound and every gradient."""
    own = {"times": 7, "jumps": 2, "likelihood": "gaussian", "dequantize": True}
    model, x, _ = small("ddpm", rng, arch=arch, shape=shape, **own, **options)
    model.noising.error.data[...] = rng.random(7)
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    p = variants.tensors(model)
    images = shape if arch == "conv" else None
    loss, elbo = families.ddpm(p, torch.tensor(x), *map(torch.tensor, (noise["u"], noise["eps"])), 7, images)
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    assert metrics["elbo"] == pytest.approx(elbo.item(), rel=1e-10)
    loss.backward()
    gradients_agree(model, p)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("seqvae", {"hidden": [4, 4], "beta": 0.7, "latent": 3}),
        ("seqvae", {"hidden": [4, 4], "latent": 3, "arch": "transformer", "heads": 2}),
        ("lm", {"hidden": [4, 4]}),
        ("lm", {"hidden": [4], "arch": "transformer", "heads": 2}),
    ],
    ids=["seqvae gru", "seqvae transformer", "lm gru", "lm transformer"],
)
def test_whole_lines(name, options, dropout, rng):
    """Loss and every gradient, of lines of all lengths; one is empty, and one of tokens to its last place."""
    own = options | {"embedding": 5}
    model, x, _ = of_lines(name, rng, word_dropout=dropout, **own)
    x[0, 0], x[1] = 0, [2, 1, 3, 1, 2, 4]
    noise = place(model.draw_noise(rng, len(x)), like=model.theta)
    metrics = model.loss_and_grads(x, noise)
    sizes = model.likelihood.n_out, x.shape[1]
    twin = twins_of_lines.twin_of(model, twins_of_lines.TWINS[name](*sizes, **own))
    rows, drawn = twins_of_lines.given(x, noise)
    loss = twin(rows, **drawn)
    assert metrics["loss"] == pytest.approx(loss.item(), rel=1e-10)
    loss.backward()
    for param, g in zip(model.params.values(), twins_of_lines.gradients(twin), strict=True):
        close(param.grad, g)


@pytest.mark.parametrize(
    ("make", "torch_make"),
    [
        (lambda m: optim.SGD(m, 0.1, 0.9), lambda p: torch.optim.SGD(p, 0.1, 0.9)),
        (lambda m: optim.Adam(m, 0.01), lambda p: torch.optim.Adam(p, 0.01)),
        (lambda m: optim.AdamW(m, 0.01, 0.3), lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.3)),
    ],
)
def test_optimizer(make, torch_make, rng):
    model = layers.Sequential(layers.Dense(3, 3, rng)).bind("float64")
    W = tensor(model.layers[0].W.data)
    optimizer, other = make(model), torch_make([W])
    for _ in range(5):
        model.grad[...] = rng.standard_normal(model.grad.size)
        W.grad = torch.tensor(model.layers[0].W.grad)
        optimizer.step()
        other.step()
    close(model.layers[0].W.data, W)
