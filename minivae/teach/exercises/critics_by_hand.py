"""The functions that lesson 22 asks for, and once more with places where people make a mistake in them."""

import numpy as np

from ...numeric import sigmoid, softplus


def leaky(a):
    return np.where(a > 0, a, 0.2 * a)


def net(x, W1, b1, W2, b2):
    return leaky(x @ W1 + b1) @ W2 + b2


def best_decoder(z, mu, log_var, x):
    log_q = -0.5 * (log_var + (z[:, None] - mu) ** 2 / np.exp(log_var)).sum(axis=-1)  # (M, K)
    w = np.exp(log_q - log_q.max(axis=1, keepdims=True))
    return w / w.sum(axis=1, keepdims=True) @ x


def sharpness(images):
    p = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:]
    return (around - 4 * images).var(axis=(1, 2))


def critic_loss(odds, odds_g):
    loss = (softplus(-odds).mean() + softplus(odds_g).mean()) / 2
    return loss, -sigmoid(-odds) / (2 * len(odds)), sigmoid(odds_g) / (2 * len(odds_g))


def best_odds(p, p_g, share):
    odds = np.log(share * p) - np.log((1 - share) * p_g)
    return odds, (share * p * softplus(-odds) + (1 - share) * p_g * softplus(odds)).sum()


def net_backward(dy, x, W1, b1, W2, b2):
    a = x @ W1 + b1
    da = dy @ W2.T * np.where(a > 0, 1, 0.2)
    return da @ W1.T, x.T @ da, da.sum(axis=0), leaky(a).T @ dy, dy.sum(axis=0)


def both_players(x, z, V1, c1, V2, c2, W1, b1, W2, b2):
    critic, N = (W1, b1, W2, b2), len(x)
    x_g = net(z, V1, c1, V2, c2)
    odds, odds_g = net(x, *critic), net(x_g, *critic)
    loss_critic, dodds, dodds_g = critic_loss(odds, odds_g)
    dx_g = net_backward(-sigmoid(-odds_g) / N, x_g, *critic)[0]
    real, made = net_backward(dodds, x, *critic)[1:], net_backward(dodds_g, x_g, *critic)[1:]
    generator = net_backward(dx_g, z, V1, c1, V2, c2)[1:]
    return softplus(-odds_g).mean(), loss_critic, *generator, *(a + b for a, b in zip(real, made, strict=True))


# ---- the same with other arguments: the mistakes


def over_images(w):
    return w / w.sum(axis=1, keepdims=True)


def decoder_variant(z, mu, log_var, x, half=0.5, height=1, apart=np.square, variance=np.exp, total=np.sum,
                    weigh=np.exp, over=over_images):  # fmt: skip
    log_q = -half * total(height * log_var + apart(z[:, None] - mu) / variance(log_var), axis=-1)
    return over(weigh(log_q)) @ x


def sharpness_variant(images, pad="edge", corners=0, center=4, spread=np.var, each=True, across=True):
    p = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode=pad)
    around = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + across * (p[:, 1:-1, :-2] + p[:, 1:-1, 2:])
    around = around + corners * (p[:, :-2, :-2] + p[:, 2:, 2:] + p[:, :-2, 2:] + p[:, 2:, :-2])
    edges = around - center * images
    return spread(edges, axis=(1, 2)) if each else spread(edges, axis=0)


def critic_loss_variant(odds, odds_g, half=0.5, swap=1, mean=np.mean, size=len, slope=1, slope_g=1, inner=-1,
                        step=sigmoid, real=1, made=1, together=False):  # fmt: skip
    """`swap` -1: data and samples exchanged; `inner` +1: the minus inside the slope of the data is forgotten."""
    cost, cost_g = real * softplus(-swap * odds), made * softplus(swap * odds_g)
    n, m = size(odds), size(odds_g)
    loss = half * (mean(cost) + mean(cost_g))
    if together:
        n = m = (n + m) / 2
        loss = (cost.sum() + cost_g.sum()) / (2 * n)
    return (loss, -slope * real * half * swap * step(swap * inner * odds) / n,
            slope_g * made * half * swap * step(swap * odds_g) / m)  # fmt: skip


def best_odds_variant(p, p_g, share, sign=1, of_share=lambda share: share / (1 - share), log=np.log,
                      ratio=lambda p, p_g: p / p_g, weight=None, weight_g=None, total=np.sum, swap=1):  # fmt: skip
    odds = sign * log(of_share(share) * ratio(p, p_g))
    weight, weight_g = share if weight is None else weight, 1 - share if weight_g is None else weight_g
    return odds, total(weight * p * softplus(-swap * odds) + weight_g * p_g * softplus(swap * odds))


def backward_variant(dy, x, W1, b1, W2, b2, slope=lambda a: np.where(a > 0, 1, 0.2), hidden=leaky, total=np.sum,
                     divide=1, to_x=True, first=lambda x, da: x.T @ da, bias=1):  # fmt: skip
    a = x @ W1 + bias * b1
    da = dy @ W2.T * slope(a)
    dx = da @ W1.T if to_x else da
    return dx, first(x, da) / divide, total(da, axis=0) / divide, hidden(a).T @ dy / divide, total(dy, axis=0) / divide


def players_variant(x, z, V1, c1, V2, c2, W1, b1, W2, b2, slope=lambda odds_g: -sigmoid(-odds_g), half=0.5, real=1,
                    made=1, n=len, to_critic=0, to_generator=0, cost=lambda odds_g: softplus(-odds_g), climb=1,
                    swap=1, generator=1):  # fmt: skip
    """`to_critic`, `to_generator`: how much of the other's gradient a player gets as well."""
    critic, N = (W1, b1, W2, b2), n(x)
    x_g = net(z, V1, c1, V2, c2)
    odds, odds_g = net(x, *critic), net(x_g, *critic)
    loss_critic = half * (real * softplus(-swap * odds).mean() + made * softplus(swap * odds_g).mean())
    dx_g, *helped = net_backward(slope(odds_g) / N, x_g, *critic)
    of_real = net_backward(-real * half * swap * sigmoid(-swap * odds) / N, x, *critic)[1:]
    dx_made, *of_made = net_backward(made * half * swap * sigmoid(swap * odds_g) / N, x_g, *critic)
    of_generator = net_backward(generator * dx_g + to_generator * dx_made, z, V1, c1, V2, c2)[1:]
    of_critic = (climb * (a + b) + to_critic * c for a, b, c in zip(of_real, of_made, helped, strict=True))
    return cost(odds_g).mean(), loss_critic, *of_generator, *of_critic
