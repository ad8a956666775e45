"""An encoder whose heads stand at different depths."""

from .base import Layer


class Upward(Layer):
    """d_i = block_i(d_{i-1}) with d_0 = x, and the heads h_i(d_i) of each depth i.

    x (..., D) -> a tuple of all heads, those of d_1 first. `blocks` and `heads` are networks, as many of the one as of
    the other; each of `heads` gives a tuple, (mu, log_var) say.
    """

    def __init__(self, blocks, heads):
        self.blocks = list(blocks)
        self.heads = list(heads)
        self.n_in = blocks[0].n_in if blocks[0].layers else heads[0].n_in

    def draw_noise(self, rng, n):
        noise = [block.draw_noise(rng, n) for block in self.blocks]
        return None if all(part is None for part in noise) else noise

    def forward(self, x, noise=None):
        y, caches = (), []
        for i, (block, head) in enumerate(zip(self.blocks, self.heads, strict=True)):
            x, c_block = block.forward(x, None if noise is None else noise[i])
            own, c_head = head.forward(x)
            y += own
            caches.append((c_block, c_head, len(own)))
        return y, caches

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dx = 0.0
        # forward gave d_i to its heads and to the next block, so now it gets the gradients of both
        for i, (c_block, c_head, n) in reversed(list(enumerate(cache))):
            own, dy = dy[len(dy) - n :], dy[: len(dy) - n]
            dx = dx + self.heads[i].backward(own, c_head, accumulate)
            dx = self.blocks[i].backward(dx, c_block, accumulate, need_dx or i > 0)
        return dx
