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
