"""Networks over the steps of sequences."""

from ..options import sizes
from .activations import ReLU
from .attention import CausalAttention, Positions
from .combine import Network, Residual, Sequential
from .dense import Dense
from .initialize import he
from .norm import LayerNorm


def transformer(width, blocks, heads, T, rng):
    """x (N, t, width) -> y in the same shape, t <= T; y_t depends on the steps up to t only.

    Each block adds to x what attention makes of all steps, then what two dense layers make of each step by itself
    (Vaswani et al. 2017, without the encoder). The norms stand before them, as in GPT-2, and one behind all blocks.
    """
    (blocks,) = sizes(blocks=blocks)
    layers = [Positions(T, width, rng)]
    for _ in range(blocks):
        layers.append(Residual(LayerNorm(width), CausalAttention(width, heads, rng)))
        dense = Dense(width, 4 * width, rng, he), ReLU(), Dense(4 * width, width, rng)
        layers.append(Residual(Network(LayerNorm(width), *dense)))  # folds (N, t) into rows
    return Sequential(*layers, LayerNorm(width))


def next_step(net, x, memory=None):
    """(y (N, width) of one step more, what is remembered then): a `transformer` that is given its x one by one.

    x (N, width) of this step. What is remembered is that of each block's attention; None before the first step.
    """
    positions, *blocks, last = net.layers
    t = 0 if memory is None else memory[0][0].shape[-2]
    x = x + positions.rows(t, t + 1)
    remembered = []
    for i, (attends, thinks) in enumerate(zip(blocks[::2], blocks[1::2], strict=True)):
        norm, attention = attends.body.layers
        y, kept = attention.step(norm(x), None if memory is None else memory[i])
        remembered.append(kept)
        x = thinks(x + y)
    return last(x), remembered


def weights_of(net, x):
    """The weights (N, heads, t, t) of each block of a `transformer`, whose x is (N, t, width)."""
    found = []
    for layer in net.layers:
        if isinstance(layer, Residual) and isinstance(layer.body.layers[-1], CausalAttention):
            norm, attention = layer.body.layers
            found.append(attention.weights(norm(x)))
        x = layer(x)
    return found
