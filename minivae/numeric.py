"""Three formulas of numbers that layers, densities and likelihoods share."""

from .backend import array_module


def sigmoid(x):
    """1 / (1 + exp(-x)) as half a tanh, which cannot overflow."""
    y = array_module(x).tanh(0.5 * x)
    y *= 0.5
    y += 0.5
    return y


def softmax(logits):
    """exp(l) / sum_c exp(l_c) over the last axis but one, shifted by the largest: no overflow."""
    p = array_module(logits).exp(logits - logits.max(axis=-2, keepdims=True))
    return p / p.sum(axis=-2, keepdims=True)


def sum_rows(dy):
    """Sum over all axes but the last, as a matrix product with ones: many times faster where rows are short."""
    rows = dy.reshape(-1, dy.shape[-1])
    return array_module(dy).ones(len(rows), dy.dtype) @ rows
