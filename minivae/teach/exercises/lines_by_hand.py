"""What lesson 23 asks for beside the GRU: an entropy, a mask, a loss of tokens; and the same with mistakes in them."""

import numpy as np


def entropy(p, left, right):
    h = left.T @ (-p * np.log(p))
    M = left.T @ (p[:, None] * right)
    return np.linalg.solve(np.eye(len(h)) - M, h)


def mask(x):
    ends = x == 0
    return (np.cumsum(ends, axis=1) - ends == 0).astype(float)


def token_loss(logits, x, counts):
    a = logits - logits.max(axis=-1, keepdims=True)
    log_p = a - np.log(np.exp(a).sum(axis=-1, keepdims=True))
    one_hot = np.arange(logits.shape[-1]) == x[..., None]
    dlogits = (np.exp(log_p) - one_hot) * counts[..., None] / len(x)
    return -(log_p * one_hot * counts[..., None]).sum() / len(x), dlogits


def entropy_variant(p, left, right, log=np.log, sign=-1, weight=lambda p: p, in_M=lambda p: p, turn=lambda M: M,
                    of_right=lambda right: right, solve=np.linalg.solve, stays=-1):  # fmt: skip
    h = left.T @ (sign * weight(p) * log(p))
    M = turn(left.T @ (in_M(p)[:, None] * of_right(right)))
    return solve(np.eye(len(h)) + stays * M, h)


def one_step(I_minus_M, h):
    """h + M h."""
    return 2 * h - I_minus_M @ h


def without_I(I_minus_M, h):
    """M^-1 h."""
    return np.linalg.solve(np.eye(len(h)) - I_minus_M, h)


def without_the_largest(logits, x, counts):
    """o_k less the logarithm of sum exp(o - max)."""
    loss, dlogits = token_loss(logits, x, counts)
    return loss - (counts * logits.max(axis=-1)).sum() / len(x), dlogits


def log_of_sum(eps, log_p):
    return np.log(np.exp(log_p) + eps)


def shared(counts):
    """The places of a line, 1 together."""
    return counts / counts.sum(axis=1, keepdims=True)


def loss_variant(logits, x, counts, axis=-1, log=1, sign=1, dsign=1, hot=1, in_loss=lambda counts: counts,
                 in_gradient=lambda counts: counts, over=lambda counts: len(counts), dover=None,
                 before=lambda a, counts: a, shift=0, score=lambda log_p: log_p,
                 pick=lambda one_hot, log_p: one_hot):  # fmt: skip
    logits = before(logits, counts[..., None])
    a = logits - logits.max(axis=axis, keepdims=True)
    log_p = a - np.log(np.exp(a).sum(axis=axis, keepdims=True))
    target = np.roll(x, shift, axis=1)
    one_hot = np.arange(logits.shape[-1]) == target[..., None]
    dlogits = dsign * (np.exp(log_p) - hot * one_hot) * in_gradient(counts)[..., None] / (dover or over)(counts)
    loss = -sign * ((score(log_p) * pick(one_hot, log_p)).sum(axis=-1) * in_loss(counts)).sum() / over(counts)
    return loss / log, dlogits / log
