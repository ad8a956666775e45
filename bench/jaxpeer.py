"""JAX with jit: the whole step, Adam included, is one compiled function. The arrays lie as ours do."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from minivae import layers

from .ours import build

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def network(ours):
    """(parameters as a list of (W, b), function(parameters, x)) of one of our networks."""
    params = [(layer.W.data, layer.b.data) for layer in ours.layers if hasattr(layer, "W")]

    def apply(params, x):
        left = list(params)
        for layer in ours.layers:
            if isinstance(layer, layers.Dense):
                W, b = left.pop(0)
                x = x @ W + b
            elif isinstance(layer, layers.Conv2d):
                W, b = left.pop(0)
                padding = [(p, p) for p in layer.padding]
                x = jax.lax.conv_general_dilated(x, W, layer.stride, padding, dimension_numbers=DIMENSIONS) + b
            elif isinstance(layer, layers.ConvTranspose2d):
                W, b = left.pop(0)
                how = zip(layer.kernel, layer.padding, layer.output_padding, strict=True)
                padding = [(k - 1 - p, k - 1 - p + o) for k, p, o in how]
                W = W[::-1, ::-1]
                x = jax.lax.conv_general_dilated(
                    x, W, (1, 1), padding, lhs_dilation=layer.stride, dimension_numbers=DIMENSIONS
                )
                x = x + b
            elif isinstance(layer, layers.Reshape):
                x = x.reshape(len(x), *layer.shape)
            elif isinstance(layer, layers.Blocks):
                x = x.reshape(len(x), -1)
            elif isinstance(layer, layers.Tanh):
                x = jnp.tanh(x)
            elif isinstance(layer, layers.ReLU):
                x = jax.nn.relu(x)
        return x

    return params, apply


class Jax:
    """One jitted function per kind of work."""

    def __init__(self, work, data, threads):
        self.work = work
        self.x, self.eps = jnp.asarray(data["x"]), jnp.asarray(data["eps"])
        model = build(work)
        encoder, self.encoder = network(model.encoder)
        decoder, self.decoder = network(model.decoder)
        self.params = jax.tree.map(jnp.asarray, {"encoder": encoder, "decoder": decoder})
        self.moments = [jax.tree.map(jnp.zeros_like, self.params) for _ in range(2)]
        self.t, self.key = 0, jax.random.key(1)
        self.run = getattr(self, work.kind)

    def check(self):
        work, x, eps = self.work, self.x, self.eps
        if work.kind == "step":
            gradient = jax.jit(jax.grad(self.loss))(self.params, x[0], eps[0, 0])
            found = {}
            for name, model in (("encoder", build(work).encoder), ("decoder", build(work).decoder)):
                learning = [i for i, layer in enumerate(model.layers) if hasattr(layer, "W")]
                for i, (W, b) in zip(learning, gradient[name], strict=True):
                    found |= {f"grad/{name}.layers.{i}.W": W, f"grad/{name}.layers.{i}.b": b}
            losses = [self._step(x[i % len(x)], eps[i, 0]) for i in range(len(eps))]
            return {name: np.asarray(value) for name, value in (found | {"losses": losses}).items()}
        if work.kind == "evidence":
            return {"log_px": np.asarray(self._log_px(self.params, x[0], eps[0]))}
        if work.kind == "encode":
            mu, log_var = self._encode(self.params, x[0])
            return {"mu": np.asarray(mu), "log_var": np.asarray(log_var)}
        return {"x_hat": np.asarray(self._decode(self.params, eps[0, 0]))}

    def translate(self, name, array):
        return array

    def posterior(self, params, x):
        return jnp.split(self.encoder(params["encoder"], x), 2, axis=-1)

    def log_px_z(self, params, x, z):
        logits = self.decoder(params["decoder"], z)
        return -(jnp.maximum(logits, 0) - logits * x + jnp.log1p(jnp.exp(-jnp.abs(logits)))).sum(-1)

    def loss(self, params, x, eps):
        mu, log_var = self.posterior(params, x)
        kl = 0.5 * (mu * mu + jnp.exp(log_var) - 1 - log_var).sum(-1)
        return (kl - self.log_px_z(params, x, mu + jnp.exp(0.5 * log_var) * eps)).mean()

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=(1, 2, 3))
    def _update(self, params, m, v, t, x, eps):
        """Adam (Kingma & Ba 2015, algorithm 1)."""
        loss, g = jax.value_and_grad(self.loss)(params, x, eps)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        m_scale, v_scale = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        params = jax.tree.map(lambda p, m, v: p - 1e-3 * m * m_scale / (jnp.sqrt(v * v_scale) + 1e-8), params, m, v)
        return params, m, v, loss

    @functools.partial(jax.jit, static_argnums=0)
    def _noise(self, key):
        key, own = jax.random.split(key)
        return key, jax.random.normal(own, (self.work.N, self.work.latent))

    @functools.partial(jax.jit, static_argnums=0)
    def _encode(self, params, x):
        return self.posterior(params, x)

    @functools.partial(jax.jit, static_argnums=0)
    def _decode(self, params, z):
        return jax.nn.sigmoid(self.decoder(params["decoder"], z))

    @functools.partial(jax.jit, static_argnums=0)
    def _log_px(self, params, x, eps):
        """eps (K, N, L) -> (N,)"""
        mu, log_var = self.posterior(params, x)
        z = mu + jnp.exp(0.5 * log_var) * eps
        log_pz_qz = 0.5 * (eps * eps - z * z + log_var).sum(-1)  # log p(z) - log q(z | x)
        return jax.nn.logsumexp(self.log_px_z(params, x, z) + log_pz_qz, axis=0) - math.log(len(eps))

    def step(self, i):
        self.key, eps = self._noise(self.key)
        return self._step(self.x[i % len(self.x)], eps)

    def _step(self, x, eps):
        self.t += 1
        self.params, *self.moments, loss = self._update(self.params, *self.moments, self.t, x, eps)
        return float(loss)

    def evidence(self, i):
        K, L = self.work.K, self.work.latent
        for x in jnp.split(self.x[0], self.work.N):
            self.key, own = jax.random.split(self.key)
            self._log_px(self.params, x, jax.random.normal(own, (K, 1, L))).block_until_ready()

    def encode(self, i):
        jax.block_until_ready(self._encode(self.params, self.x[0]))

    def decode(self, i):
        self._decode(self.params, self.eps[0, 0]).block_until_ready()

    def sample(self, i):
        self.key, z = self._noise(self.key)
        self._decode(self.params, z).block_until_ready()
