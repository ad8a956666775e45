"""JAX with jit: the whole step, Adam included, is one compiled function. It does not import minivae."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from .works import CHECKED

DIMENSIONS = ("NHWC", "HWIO", "NHWC")
PADDING = [(1, 1), (1, 1)]
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}
MODELS = ("vae", "iwae", "flow", "seqvae")
SHIFT = math.log(math.e - 1)


def layers(params, part):
    """[(W, b)] of a part by the numbers of its layers; `params` {our name: array}, which lie as ours do."""
    names = [name for name in params if name.startswith(f"{part}.") and name.endswith(".W")]
    names.sort(key=lambda name: int(name.split(".")[2]))  # JAX sorts them as texts
    return [(params[name], params[name[:-1] + "b"]) for name in names]


def encoder(work, params, x):
    """x (..., D) -> heads beside each other (..., 2 L or more)."""
    act = ACTIVATIONS[work.activation]
    left = layers(params, "encoder")
    if work.channels:
        x = x.reshape(-1, *work.shape)
        for _ in work.channels:
            W, b = left.pop(0)
            x = act(jax.lax.conv_general_dilated(x, W, (2, 2), PADDING, dimension_numbers=DIMENSIONS) + b)
        x = x.reshape(len(x), -1)
    for W, b in left[:-1]:
        x = act(x @ W + b)
    W, b = left[-1]
    return x @ W + b


def decoder(work, params, z):
    """z (..., L) -> logits (..., D): a transposed convolution is one of the image with zeros between its pixels."""
    act = ACTIVATIONS[work.activation]
    left = layers(params, "decoder")
    n_dense = len(left) - len(work.channels)
    for i, (W, b) in enumerate(left[:n_dense]):
        z = z @ W + b
        z = act(z) if work.channels or i < n_dense - 1 else z
    if work.channels:
        h, w, _ = (n // 2 ** len(work.channels) for n in work.shape)
        z = z.reshape(-1, h, w, work.channels[-1])
        for i, (W, b) in enumerate(left[n_dense:]):
            options = {"lhs_dilation": (2, 2), "dimension_numbers": DIMENSIONS}
            z = jax.lax.conv_general_dilated(z, W[::-1, ::-1], (1, 1), [(2, 2), (2, 2)], **options) + b
            z = act(z) if i < len(work.channels) - 1 else z
        z = z.reshape(len(z), -1)
    return z


def planar(z, h):
    """Planar flows of each example: z (K, N, L) -> (z, log_det (K, N)); h (N, T (2 L + 1))."""
    L = z.shape[-1]
    u, w, b = jnp.split(h.reshape(len(h), -1, 2 * L + 1), (L, 2 * L), axis=-1)  # (N, T, L), b (N, T, 1)
    wu = (w * u).sum(-1, keepdims=True)
    m = jax.nn.softplus(wu + SHIFT) - 1
    v = u + (m - wu) * w / ((w * w).sum(-1, keepdims=True) + 1e-12)
    log_det = 0
    for t in range(v.shape[1]):
        a = jnp.tanh((z * w[:, t]).sum(-1, keepdims=True) + b[:, t])  # (K, N, 1)
        z = z + a * v[:, t]
        log_det += jnp.log(1 + (1 - a * a) * m[:, t])[..., 0]
    return z, log_det


def gru(params, part, x):
    """The states (N, T, H) of a GRU along x (N, T, n), from 0."""
    W, U, b, c = (params[f"{part}.body.layers.0.cell.{name}"] for name in "WUbc")

    def step(h, a):
        g = h @ U
        r, u = jnp.split(jax.nn.sigmoid(a[:, : -len(c)] + g[:, : -len(c)]), 2, axis=-1)
        n = jnp.tanh(a[:, -len(c) :] + r * (g[:, -len(c) :] + c))
        h = n + u * (h - n)
        return h, h

    a = (x @ W + b).swapaxes(0, 1)
    return jax.lax.scan(step, jnp.zeros((len(x), len(c))), a)[1].swapaxes(0, 1)


def seqvae(params, x, eps):
    """The loss of lines x (N, T)."""
    N, T = x.shape
    ends = (x == 0).at[:, -1].set(True).argmax(-1)
    states = gru(params, "encoder", params["encoder.embedding.W"][x])
    mu, log_var = jnp.split(affine(params, "encoder.heads.layers.0", states[jnp.arange(N), ends]), 2, axis=-1)
    z = mu + jnp.exp(0.5 * log_var) * eps
    before = params["decoder.embedding.W"][jnp.pad(x[:, :-1], ((0, 0), (1, 0)))]
    seen = jnp.concatenate((before, jnp.broadcast_to(z[:, None], (N, T, z.shape[-1]))), axis=-1)
    log_p = jax.nn.log_softmax(affine(params, "decoder.out.layers.0", gru(params, "decoder", seen)))
    log_px_z = jnp.take_along_axis(log_p, x[..., None], axis=-1)[..., 0]
    return kl(mu, log_var).mean() - jnp.where(jnp.arange(T) <= ends[:, None], log_px_z, 0).sum() / N


def affine(params, name, x):
    return x @ params[f"{name}.W"] + params[f"{name}.b"]


def kl(mu, log_var):
    return 0.5 * (mu * mu + jnp.exp(log_var) - 1 - log_var).sum(-1)


class Jax:
    """One jitted function per kind of work."""

    def __init__(self, work, data, threads):
        if work.model not in MODELS:
            raise ValueError(f"no {work.model} is written in JAX")
        self.work = work
        # lists: an index into a device array would be a copy
        self.x = [jnp.asarray(x, "int32" if work.is_lines else "float32") for x in data["x"]]
        self.eps = [jnp.asarray(eps) for eps in data["eps"]]
        self.images = jnp.split(self.x[0], work.N) if work.kind == "evidence" else None
        self.params = {name: jnp.asarray(array) for name, array in data["weights"].items()}
        self.moments = [jax.tree.map(jnp.zeros_like, self.params) for _ in range(2)]
        self.t = 0
        self.key = jax.random.key(1)
        self.run = getattr(self, work.kind)

    def check(self):
        work, x, eps = self.work, self.x, self.eps
        if work.kind == "step":
            gradient = jax.jit(jax.grad(self.loss))(self.params, x[0], eps[0])
            values = {"grad/" + name: g for name, g in gradient.items()}
            values["losses"] = [self._step(x[i % len(x)], eps[i]) for i in range(CHECKED)]
        elif work.kind == "evidence":
            values = {"log_px": jax.jit(self.bound)(self.params, x[0], eps[0])}
        elif work.kind == "encode":
            values = dict(zip(("mu", "log_var"), self._encode(self.params, x[0]), strict=True))
        else:
            values = {"x_hat": self._decode(self.params, eps[0])}
        return {name: np.asarray(value) for name, value in values.items()}

    def posterior(self, params, x):
        """mu, log_var (N, L), and what the flows take."""
        L = self.work.latent
        return jnp.split(encoder(self.work, params, x), (L, 2 * L), axis=-1)

    def log_px_z(self, params, x, z):
        logits = decoder(self.work, params, z)
        size = jnp.abs(logits)
        over = 0.5 * (logits + size)  # as maximum(logits, 0), whose gradient at 0 is none of sigmoid's
        return -(over - logits * x + jnp.log1p(jnp.exp(-size))).sum(-1)

    def loss(self, params, x, eps):
        if self.work.is_lines:
            return seqvae(params, x, eps)
        if self.work.K:
            return -self.bound(params, x, eps).mean()
        mu, log_var, _ = self.posterior(params, x)
        return (kl(mu, log_var) - self.log_px_z(params, x, mu + jnp.exp(0.5 * log_var) * eps)).mean()

    def bound(self, params, x, eps):
        """log of the mean importance weight (N,), eps (K, N, L)."""
        mu, log_var, h = self.posterior(params, x)
        z, log_det = mu + jnp.exp(0.5 * log_var) * eps, 0
        if self.work.model == "flow":
            z, log_det = planar(z, h)
        log_pz_qz = 0.5 * (eps * eps - z * z + log_var).sum(-1) + log_det  # log p(z) - log q(z | x)
        return jax.nn.logsumexp(self.log_px_z(params, x, z) + log_pz_qz, axis=0) - math.log(len(eps))

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=(1, 2, 3))
    def _update(self, params, m, v, t, x, key, eps=None):
        """One step of Adam (Kingma & Ba 2015, algorithm 1), with new noise unless it is given."""
        key, own = jax.random.split(key)
        eps = jax.random.normal(own, self.work.noise) if eps is None else eps
        loss, g = jax.value_and_grad(self.loss)(params, x, eps)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        m_scale, v_scale = (-1 / jnp.expm1(t * math.log(b)) for b in (0.9, 0.999))
        params = jax.tree.map(lambda p, m, v: p - 1e-3 * m * m_scale / (jnp.sqrt(v * v_scale) + 1e-8), params, m, v)
        return params, m, v, key, loss

    @functools.partial(jax.jit, static_argnums=0)
    def _sample(self, params, key):
        key, own = jax.random.split(key)
        z = jax.random.normal(own, (self.work.N, self.work.latent))
        return key, self._decode(params, z)

    @functools.partial(jax.jit, static_argnums=0)
    def _encode(self, params, x):
        return self.posterior(params, x)[:2]

    @functools.partial(jax.jit, static_argnums=0)
    def _decode(self, params, z):
        return jax.nn.sigmoid(decoder(self.work, params, z))

    @functools.partial(jax.jit, static_argnums=0)
    def _draw_log_px(self, params, x, key):
        key, own = jax.random.split(key)
        return key, self.bound(params, x, jax.random.normal(own, (self.work.K, 1, self.work.latent)))

    def step(self, i):
        return self._step(self.x[i % len(self.x)])

    def _step(self, x, eps=None):
        self.t += 1
        self.params, *self.moments, self.key, loss = self._update(self.params, *self.moments, self.t, x, self.key, eps)
        return float(loss)

    def evidence(self, i):
        for x in self.images:
            self.key, log_px = self._draw_log_px(self.params, x, self.key)
            log_px.block_until_ready()

    def encode(self, i):
        jax.block_until_ready(self._encode(self.params, self.x[0]))

    def decode(self, i):
        self._decode(self.params, self.eps[0]).block_until_ready()

    def sample(self, i):
        self.key, x_hat = self._sample(self.params, self.key)
        x_hat.block_until_ready()
