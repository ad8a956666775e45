"""Networks of models of text, from the options that they share."""

import math

from ..backend import array_module, place
from ..layers.lines import LineDecoder, LineEncoder, Recurrent, Transformer, ends_of, trimmed
from ..likelihoods import Tokens
from ..options import Option, each, one_of, read_arguments, real, whole
from .networks import MOST

AT_ONCE = 512  # pairs of a line and a sample of z that go through the decoder together
WRITTEN = 1024  # lines that are written together
SMALL = ("names", "expressions")  # sets of short lines


def _hidden(settings):
    """Widths of the encoder's layers, where none are given."""
    if settings["arch"] == "transformer":
        return [128, 128]
    return [128] if settings["data"] in SMALL else [256]


LINES = {
    "arch": Option(one_of(("gru", "transformer")), "gru", "kind of networks", "gru|transformer"),
    "hidden": Option(each(whole(1, MOST)), None, "of the encoder's layers, one above another", "N", True, fill=_hidden),
    "decoder_hidden": Option(each(whole(1, MOST)), None, "of the decoder's layers (default: as hidden)", "N", True,
                             fill=lambda settings: settings["hidden"], optional=True),
    "heads": Option(whole(1, MOST), None, "of the attention of each layer (default: 4)", "N",
                    fill=lambda settings: 4, needs=("arch", ("transformer",)), optional=True),
    "embedding": Option(whole(1, MOST), 64, "numbers that stand for a token", "N"),
    "latent": Option(whole(1, MOST), None, "number of latents (default: 32; names, expressions 16)", "L",
                     fill=lambda settings: 16 if settings["data"] in SMALL else 32),
    "likelihood": Option(one_of(("tokens",)), "tokens", "p(x | z) of a line: a choice among all tokens at each place"),
    "word_dropout": Option(real(below=1, closed=True), 0.0, "share of the tokens that the decoder does not see", "P"),
}  # fmt: skip


def build_lines(shape, rng, *, vocabulary, arch="gru", hidden=(256,), decoder_hidden=None, heads=None, embedding=64,
                latent=32, likelihood="tokens", word_dropout=0.0):  # fmt: skip
    """(encoder, decoder, likelihood) for lines of `shape` (T,) whose tokens are below `vocabulary`.

    With `latent` 0 the encoder is None, and the decoder a language model. Raises ValueError for values that the options
    of these names do not take, and for data that are no lines.
    """
    shape = each(whole(1))("shape", shape)
    if len(shape) != 1:
        raise ValueError(f"shape: expected lines (T,), got images of {'x'.join(map(str, shape))}")
    arch, hidden, embedding, likelihood, word_dropout, decoder_hidden, heads = read_arguments(
        LINES, arch=arch, hidden=hidden, embedding=embedding, likelihood=likelihood, word_dropout=word_dropout,
        decoder_hidden=decoder_hidden, heads=heads,
    )  # fmt: skip
    (T,), V, L = shape, whole(2)("vocabulary", vocabulary), whole(0, MOST)("latent", latent)
    decoder_hidden = hidden if decoder_hidden is None else decoder_hidden
    for name, widths in (("hidden", hidden), ("decoder_hidden", decoder_hidden)):
        if not widths or (arch == "transformer" and len(set(widths)) > 1):
            raise ValueError(f"{name}: expected layers{' of one width' * (arch == 'transformer')}, got {widths}")

    def body(n_in, hidden):
        if arch == "gru":
            return Recurrent(n_in, hidden, rng)
        return Transformer(n_in, hidden[0], len(hidden), heads or 4, T, rng)

    encoder = LineEncoder(V, embedding, body(embedding, hidden), hidden[-1], L, rng) if L else None
    seen = body(embedding + L, decoder_hidden)
    return encoder, LineDecoder(V, embedding, L, seen, decoder_hidden[-1], T, rng, word_dropout), Tokens(V)


class WriteLines:
    """Of a model of lines x (N, T) with a LineDecoder, z (..., L): how likely lines are, and lines that it writes."""

    reads_text = True

    def log_px_z(self, x, z, y=None):
        """log p(x | z), x (N, T), z (..., N, L) -> (..., N) nats: lines of about the same length at a time."""
        if z.ndim != 3:
            flat = z.reshape(math.prod(z.shape[:-2]), *z.shape[-2:])
            return self.log_px_z(x, flat).reshape(z.shape[:-1])
        xp, (K, N, L) = array_module(z), z.shape
        log_p = xp.empty((K, N), z.dtype)
        order = xp.argsort(ends_of(x))
        for rows, ks in _parts(N, K):
            rows = order[rows]
            z_rows = z[ks][:, rows]  # (k, n, L)
            k, n, _ = z_rows.shape
            lines = xp.tile(trimmed(x[rows]), (k, 1))
            out = self.decoder((lines, z_rows.reshape(k * n, L)))
            log_p[ks, rows] = self.likelihood.forward(lines, out)[0].reshape(k, n)
        return log_p

    def log_px_z_and_slope(self, x, z, y=None):
        """The same and its gradient by z (..., N, L); no parameter gets one."""
        rows = z.reshape(math.prod(z.shape[:-1]), z.shape[-1])
        lines = array_module(z).tile(trimmed(x), (math.prod(z.shape[:-2]), 1))
        out, c_dec = self.decoder.forward((lines, rows))
        log_px_z, c_x = self.likelihood.forward(lines, out)
        dout = self.likelihood.backward(array_module(z).ones_like(log_px_z), c_x)
        _, dz = self.decoder.backward(dout, c_dec, accumulate=False)
        return log_px_z.reshape(z.shape[:-1]), dz.reshape(z.shape)

    def decode(self, z, y=None, draw=None, temperature=1.0, top_k=None):
        """Lines (..., T) of z (..., L), written token by token: the likeliest, or drawn by the generator `draw`.

        Then a token is drawn from softmax(logits / temperature) over the `top_k` likeliest; None: over all.
        """
        return self._x_hat(self.rows(z, "z", self.L), y, draw, temperature, top_k)

    def sample(self, n, rng, y=None, draw=None, temperature=1.0, top_k=None):
        """n lines (n, T) of z from the prior, written as by `decode`."""
        n = whole(0)("n", n)
        z = self.prior.draw(place(self.prior.draw_noise(rng, n), like=self.theta))
        return self._x_hat(z, y, draw, temperature, top_k)

    def _x_hat(self, z, y, draw=None, temperature=1.0, top_k=None):
        temperature, top_k = real()("temperature", temperature), None if top_k is None else whole(1)("top_k", top_k)
        xp, rows = array_module(z), z.reshape(math.prod(z.shape[:-1]), z.shape[-1])
        noise = None if draw is None else place(draw.random((len(rows), self.D), dtype="float32"), like=z)
        lines = xp.zeros((len(rows), self.D), z.dtype)
        for i in range(0, len(rows), WRITTEN):
            part = slice(i, i + WRITTEN)
            u = None if noise is None else noise[part]
            lines[part] = self.decoder.write(rows[part], u, temperature, top_k)
        return lines.reshape(*z.shape[:-1], self.D)


def _parts(N, K):
    """[(slice of N lines, slice of K samples)] that cover all, about `AT_ONCE` pairs in each."""
    n, k = max(1, AT_ONCE // K), min(K, AT_ONCE)
    return [(slice(i, i + n), slice(j, j + k)) for i in range(0, N, n) for j in range(0, K, k)]
