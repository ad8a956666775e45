"""JAX with jit: the whole step, Adam included, is one compiled function. It does not import minivae."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

DIMENSIONS = ("NHWC", "HWIO", "NHWC")
PADDING = [(1, 1), (1, 1)]
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


def encoder(work, params, x):
    """x (..., D) -> (..., 2 L); `params` are pairs (W, b) in the order of the layers, and lie as ours do."""
    act = ACTIVATIONS[work.activation]
    left = list(params)
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
    left = list(params)
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


class Jax:
    """One jitted function per kind of work."""

    def __init__(self, work, data, threads):
        self.work = work
        # lists: an index into a device array would be a copy
        self.x = [jnp.asarray(x) for x in data["x"]]
        self.eps = [jnp.asarray(eps) for eps in data["eps"]]
        self.images = jnp.split(self.x[0], work.N) if work.kind == "evidence" else None
        self.z = self.eps[0][0]
        self.names = list(data["weights"])
        self.params = {"encoder": [], "decoder": []}
        for W, b in zip(self.names[::2], self.names[1::2], strict=True):
            self.params[W.split(".")[0]].append((jnp.asarray(data["weights"][W]), jnp.asarray(data["weights"][b])))
        self.moments = [jax.tree.map(jnp.zeros_like, self.params) for _ in range(2)]
        self.t = 0
        self.key = jax.random.key(1)
        self.run = getattr(self, work.kind)

    def check(self):
        work, x, eps = self.work, self.x, self.eps
        if work.kind == "step":
            gradient = jax.jit(jax.grad(self.loss))(self.params, x[0], eps[0][0])
            leaves = jax.tree.leaves([gradient["encoder"], gradient["decoder"]])
            values = {"grad/" + name: g for name, g in zip(self.names, leaves, strict=True)}
            values["losses"] = [self._step(x[i % len(x)], eps[i][0]) for i in range(len(eps))]
        elif work.kind == "evidence":
            values = {"log_px": self._log_px(self.params, x[0], eps[0])}
        elif work.kind == "encode":
            values = dict(zip(("mu", "log_var"), self._encode(self.params, x[0]), strict=True))
        else:
            values = {"x_hat": self._decode(self.params, self.z)}
        return {name: np.asarray(value) for name, value in values.items()}

    def translate(self, name, array):
        return array

    def posterior(self, params, x):
        return jnp.split(encoder(self.work, params["encoder"], x), 2, axis=-1)

    def log_px_z(self, params, x, z):
        logits = decoder(self.work, params["decoder"], z)
        size = jnp.abs(logits)
        over = 0.5 * (logits + size)  # as maximum(logits, 0), whose gradient at 0 is none of sigmoid's
        return -(over - logits * x + jnp.log1p(jnp.exp(-size))).sum(-1)

    def loss(self, params, x, eps):
        mu, log_var = self.posterior(params, x)
        kl = 0.5 * (mu * mu + jnp.exp(log_var) - 1 - log_var).sum(-1)
        return (kl - self.log_px_z(params, x, mu + jnp.exp(0.5 * log_var) * eps)).mean()

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=(1, 2, 3))
    def _update(self, params, m, v, t, x, key, eps=None):
        """One step of Adam (Kingma & Ba 2015, algorithm 1), with new noise unless it is given."""
        key, own = jax.random.split(key)
        eps = jax.random.normal(own, (self.work.N, self.work.latent)) if eps is None else eps
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
        return self.posterior(params, x)

    @functools.partial(jax.jit, static_argnums=0)
    def _decode(self, params, z):
        return jax.nn.sigmoid(decoder(self.work, params["decoder"], z))

    @functools.partial(jax.jit, static_argnums=0)
    def _log_px(self, params, x, eps):
        """eps (K, N, L) -> (N,)"""
        mu, log_var = self.posterior(params, x)
        z = mu + jnp.exp(0.5 * log_var) * eps
        log_pz_qz = 0.5 * (eps * eps - z * z + log_var).sum(-1)  # log p(z) - log q(z | x)
        return jax.nn.logsumexp(self.log_px_z(params, x, z) + log_pz_qz, axis=0) - math.log(len(eps))

    @functools.partial(jax.jit, static_argnums=0)
    def _draw_log_px(self, params, x, key):
        key, own = jax.random.split(key)
        return key, self._log_px(params, x, jax.random.normal(own, (self.work.K, 1, self.work.latent)))

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
        self._decode(self.params, self.z).block_until_ready()

    def sample(self, i):
        self.key, x_hat = self._sample(self.params, self.key)
        x_hat.block_until_ready()
