"""Exercises of lesson 22: what a decoder answers where codes are shared, and the gradients of two players."""

from functools import partial

import numpy as np

from ...numeric import sigmoid, softplus
from ..exercise import Exercise
from . import critics_by_hand as by_hand
from .critics_by_hand import (
    best_decoder,
    best_odds,
    both_players,
    critic_loss,
    net,
    net_backward,
    sharpness,
)


def _codes(rng):
    M, K, L, D = rng.integers((11, 5, 2, 12), (20, 9, 6, 25))
    mu, log_var = rng.standard_normal((2, K, L))
    return {"z": rng.standard_normal((M, L)), "mu": 0.5 * mu, "log_var": 0.5 * log_var, "x": rng.random((K, D))}


def _images(rng):
    N, h, w = rng.integers((4, 5, 9), (12, 9, 14))
    return {"images": rng.random((N, h, w))}


def _odds(rng):
    """Some odds are as sure as they can be, so that a logarithm of a probability is not finite."""
    N, M = rng.integers((4, 10), (9, 16))
    odds, odds_g = 2 * rng.standard_normal((N, 1)) + 1, 2 * rng.standard_normal((M, 1)) - 1
    odds[1], odds_g[2] = -800, 800
    return {"odds": odds, "odds_g": odds_g}


def _boxes(rng):
    M = rng.integers(5, 12)
    p, p_g = rng.dirichlet(np.full(M, 2.0)) + 0.01, rng.dirichlet(np.full(M, 2.0)) + 0.01
    return {"p": p / p.sum(), "p_g": p_g / p_g.sum(), "share": rng.uniform(0.2, 0.35)}


def _weights(rng, n_in, hidden, n_out):
    shapes = (n_in, hidden), hidden, (hidden, n_out), n_out
    return [rng.standard_normal(shape) for shape in shapes]


def _net(rng):
    N, n_in, hidden, n_out = rng.integers((4, 9, 15, 2), (9, 15, 22, 5))
    weights = dict(zip(("W1", "b1", "W2", "b2"), _weights(rng, n_in, hidden, n_out), strict=True))
    return {"dy": rng.standard_normal((N, n_out)), "x": rng.standard_normal((N, n_in))} | weights


def _game(rng):
    N, D, L, H, C = rng.integers((4, 9, 2, 14, 21), (9, 14, 6, 20, 30))
    generator = dict(zip(("V1", "c1", "V2", "c2"), _weights(rng, L, H, D), strict=True))
    critic = dict(zip(("W1", "b1", "W2", "b2"), _weights(rng, D, C, 1), strict=True))
    critic["W2"] = critic["W2"] / 5
    return {"x": rng.standard_normal((N, D)), "z": rng.standard_normal((N, L))} | generator | critic


_decoder, _sharp = partial(partial, by_hand.decoder_variant), partial(partial, by_hand.sharpness_variant)
_critic, _best = partial(partial, by_hand.critic_loss_variant), partial(partial, by_hand.best_odds_variant)
_back, _play = partial(partial, by_hand.backward_variant), partial(partial, by_hand.players_variant)

EXERCISES = (
    Exercise(
        "22.1",
        "best_decoder",
        "x_hat",
        _codes,
        best_decoder,
        points=2,
        hints=(
            "At one z there is one answer x_hat(z). How often does each image come to this z? Set the derivative of "
            "the expected squared error at this z to 0.",
            "The answer is a weighted mean of the images, and the weights of one z add up to 1. z[:, None] - mu has "
            "the shape (M, K, L).",
            "log_q (M, K) is a sum over the latents; w = exp(log_q), divided by its sum over the images; w @ x. "
            "log(2 pi) is in every weight and cancels, log_var does not.",
        ),
        slips={
            "the half is missing in log q": _decoder(half=1),
            "the height of a density is missing: log q has -log_var / 2, which differs between the images": _decoder(
                height=0),
            "log_var in log q once, not half of it": _decoder(height=2),
            "the height has the wrong sign: a wide density is low": _decoder(height=-1),
            "divided by the standard deviation; the square of z - mu goes with the variance": _decoder(
                variance=lambda log_var: np.exp(log_var / 2)),
            "log_var is used where its exponential should be": _decoder(variance=lambda log_var: log_var),
            "not divided by the variance": _decoder(variance=lambda log_var: 1),
            "multiplied with the variance": _decoder(variance=lambda log_var: np.exp(-log_var)),
            "the distance is not squared": _decoder(apart=np.abs),
            "only the distance to mu counts here, as if all clouds were of the variance 1": _decoder(
                height=0, variance=np.ones_like),
            "only the distance to mu counts here, without the half; each cloud has a variance of its own": _decoder(
                height=0, variance=np.ones_like, half=1),
            "averaged over the latents: logarithms of independent densities add up": _decoder(total=np.mean),
            "the weights of one z do not add up to 1: divide by their sum over the images": _decoder(
                over=lambda w: w),
            "divided by the sum over z: at each z the weights of the images add up to 1": _decoder(
                over=lambda w: w / w.sum(axis=0)),
            "divided by the sum over everything: at each z the weights of the images add up to 1": _decoder(
                over=lambda w: w / w.sum()),
            "divided by K, not by the sum of the weights": _decoder(over=lambda w: w / w.shape[1]),
            "that is the image with the largest q; the others have a part in the mean": _decoder(
                over=lambda w: (w == w.max(axis=1, keepdims=True)) * 1.0),
            "all images weigh the same: at this z some are likelier than others": _decoder(weigh=np.ones_like),
            "the weights are log q; they should be q": _decoder(weigh=lambda log_q: log_q),
            "the sign of log q: near images weigh most": _decoder(weigh=lambda log_q: np.exp(-log_q)),
        },
    ),
    Exercise(
        "22.2",
        "sharpness",
        "sharp",
        _images,
        sharpness,
        hints=(
            'np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge") puts one more row or column at each edge.',
            "With that array p, p[:, :-2, 1:-1] are the neighbors above, (N, h, w). The variance is over the last two "
            "axes.",
        ),
        slips={
            "beyond an edge the edge goes on; here it is dark there": _sharp(pad="constant"),
            "beyond an edge the edge goes on; here the image is mirrored": _sharp(pad="reflect"),
            "beyond an edge the edge goes on; here the other side follows, as np.roll does": _sharp(pad="wrap"),
            "four neighbors, not eight: the corners do not count": _sharp(corners=1),
            "eight neighbors less eight times the pixel: here it is four and four": _sharp(corners=1, center=8),
            "four times the pixel is subtracted, not once": _sharp(center=1),
            "the pixel is not subtracted": _sharp(center=0),
            "the pixel is added four times": _sharp(center=-4),
            "only the neighbors above and below": _sharp(across=False),
            "only the neighbors above and below, less twice the pixel": _sharp(across=False, center=2),
            "the standard deviation, not the variance": _sharp(spread=np.std),
            "the variance over h w - 1; here the plain one is wanted": _sharp(spread=partial(np.var, ddof=1)),
            "the mean absolute value, not the variance": _sharp(spread=lambda a, axis: np.abs(a).mean(axis=axis)),
            "one number per image: the variance is over its pixels": _sharp(
                spread=lambda a, axis: np.full(len(a), a.var())),
            "the variance over the images; it is wanted over the pixels, for each image": _sharp(each=False),
            "the variance of the Laplacian, times the number of pixels": _sharp(
                spread=lambda a, axis: a.var(axis=axis) * a[0].size),
        },
    ),
    Exercise(
        "22.3",
        "critic_loss",
        "loss, dodds, dodds_g",
        _odds,
        critic_loss,
        value=lambda odds, odds_g: critic_loss(odds, odds_g)[0],
        hints=(
            "softplus(-odds) is -log sigma(odds), softplus(odds_g) is -log sigma(-odds_g). Two means, and half of "
            "their sum.",
            "softplus(-odds) has the slope -sigmoid(-odds), and what stands before it in the loss stands before its "
            "slope: a half, and one over the number of odds of this kind.",
        ),
        slips={
            "data and samples are exchanged: odds should rise on data": _critic(swap=-1),
            "the half is missing: there are two means, and the loss is their mean": _critic(half=1),
            "sums where means should be": _critic(mean=np.sum, size=lambda odds: 1),
            "the loss is right, but its slopes are those of sums: divide by the number of odds": _critic(
                size=lambda odds: 1),
            "all odds weigh the same here: data weigh a half, however many there are": _critic(together=True),
            "the sign of dodds: to raise odds of data lowers the loss": _critic(slope=-1),
            "the sign of dodds_g: to raise odds of samples raises the loss": _critic(slope_g=-1),
            "a minus inside is forgotten: the slope of softplus(-odds) is -sigmoid(-odds)": _critic(inner=1),
            "that is the slope of sigmoid; the loss is softplus, whose slope is sigmoid itself": _critic(
                step=lambda a: sigmoid(a) * sigmoid(-a)),
            "softplus where its slope should be": _critic(step=softplus),
            "only data: the samples' part is missing": _critic(made=0),
            "only samples: the data's part is missing": _critic(real=0),
        },
    ),
    Exercise(
        "22.4",
        "best_odds",
        "odds, loss",
        _boxes,
        best_odds,
        points=2,
        hints=(
            "Each x has its own odds, so take one x alone: its part of the loss has two terms. Where is their "
            "derivative 0?",
            "softplus(-o) has the slope -sigmoid(-o), softplus(o) has sigmoid(o); their quotient is e^o. share and "
            "1 - share are constants before p and p_g.",
            "loss: put the odds found into the sum that is given.",
        ),
        slips={
            "the sign: odds are high where data are likelier": _best(sign=-1),
            "share is forgotten: that is right for a half": _best(of_share=lambda share: 1),
            "share is upside down": _best(of_share=lambda share: (1 - share) / share),
            "1 - share is forgotten, the weight of the samples": _best(of_share=lambda share: share),
            "share is forgotten, 1 - share is there": _best(of_share=lambda share: 1 / (1 - share)),
            "that is the ratio; odds are its logarithm": _best(log=lambda a: a),
            "in bits: the natural logarithm is wanted": _best(log=np.log2),
            "that is the probability of data, sigma(odds), not the odds": _best(log=lambda a: a / (1 + a)),
            "the logarithm of that probability, not the odds": _best(log=lambda a: np.log(a / (1 + a))),
            "the difference of p and p_g; which step gave a quotient?": _best(
                log=lambda a: a, ratio=lambda p, p_g: p - p_g),
            "p alone: where samples are as likely, the critic cannot know": _best(ratio=lambda p, p_g: p),
            "in the loss both kinds weigh a half; the weights are share and 1 - share": _best(
                weight=0.5, weight_g=0.5),
            "in the loss both kinds weigh 1; the weights are share and 1 - share": _best(weight=1, weight_g=1),
            "in the loss the two weights are exchanged": lambda p, p_g, share: by_hand.best_odds_variant(
                p, p_g, share, weight=1 - share, weight_g=share),
            "in the loss softplus(odds) and softplus(-odds) are exchanged": _best(swap=-1),
            "the loss is averaged over x: p and p_g are its weights already": _best(total=np.mean),
        },
    ),
    Exercise(
        "22.5",
        "net_backward",
        "dx, dW1, db1, dW2, db2",
        _net,
        net_backward,
        points=2,
        value=lambda dy, x, W1, b1, W2, b2: (dy * net(x, W1, b1, W2, b2)).sum(),
        hints=(
            "Compute a = x W1 + b1 again: you need its sign, and leaky(a) is the input of the second layer.",
            "dh = dy W2^T, and da = dh times the slope of leaky at a. Then both layers are those of lesson 1; dx is "
            "one more product.",
        ),
        slips={
            "the slope of leaky below 0 is 0.2, not 0": _back(slope=lambda a: (a > 0) * 1.0),
            "the slope of leaky above 0 is 1": _back(slope=lambda a: np.where(a > 0, 0.2, 1)),
            "the slope of leaky is 0.2 below 0 only": _back(slope=lambda a: 0.2),
            "the slope of leaky is missing": _back(slope=lambda a: 1),
            "the slope below 0 is 0.2, not -0.2": _back(slope=lambda a: np.where(a > 0, 1, -0.2)),
            "multiplied with leaky(a): its slope belongs there": _back(slope=by_hand.leaky),
            "dW2: the second layer's input is leaky(a), not a": _back(hidden=lambda a: a),
            "dW2: the second layer's input is leaky(a); that is max(a, 0)": _back(hidden=lambda a: np.maximum(a, 0)),
            "b1 is forgotten in a": _back(bias=0),
            "the way through W1 is missing: that is da, dx is da W1^T": _back(to_x=False),
            "averaged over the examples; whether the loss is a mean is in dy": lambda dy, x, *weights: (
                net_backward(dy, x, *weights)[0], *(g / len(x) for g in net_backward(dy, x, *weights)[1:])),
            "db1 and db2 are averaged over the examples; they are sums": _back(total=np.mean),
        },
    ),
    Exercise(
        "22.6",
        "both_players",
        "loss, loss_critic, dV1, dc1, dV2, dc2, dW1, db1, dW2, db2",
        _game,
        both_players,
        points=3,
        hints=(
            "Forward first: x_g, odds of x, odds of x_g. Your critic_loss gives the loss of the critic and both its "
            "slopes.",
            "The generator: net_backward through the critic with the slope of its own loss; of what comes back take "
            "dx, the first, and send it through the generator.",
            "The critic: net_backward twice, on x with dodds and on x_g with dodds_g; add the last four of each.",
        ),
        slips={
            "the critic gets the generator's gradient as well: that way it learns to please it": _play(to_critic=1),
            "the critic gets the generator's gradient only": _play(to_critic=1, climb=0),
            "the generator gets the critic's gradient as well": _play(to_generator=1),
            "the generator gets the critic's gradient, and not that of its own loss": _play(
                generator=0, to_generator=1),
            "both get the gradient of the sum of both losses: then nobody is against anybody": _play(
                to_critic=1, to_generator=1),
            "the generator climbs the critic's loss: that is the game of equation 1, not the loss that is asked": _play(
                slope=lambda odds_g: -sigmoid(odds_g)),
            "the minus in the generator's slope is forgotten": _play(slope=lambda odds_g: sigmoid(-odds_g)),
            "the critic climbs: it minimizes its own loss, too": _play(climb=-1),
            "the generator's slope is not divided by N": _play(slope=lambda odds_g: -len(odds_g) * sigmoid(-odds_g)),
            "the generator's slope is halved: only the critic has two kinds of examples": _play(
                slope=lambda odds_g: -0.5 * sigmoid(-odds_g)),
            "the critic's loss is a half of two means: the half is missing": _play(half=1),
            "the critic does not learn from the samples": _play(made=0),
            "the critic does not learn from the data": _play(real=0),
            "the critic takes data for samples and samples for data": _play(swap=-1),
            "the generator's loss is -log sigma(odds_g), which is softplus(-odds_g)": _play(cost=softplus),
            "the generator's loss is softplus(-odds_g); here it is -odds_g": _play(cost=np.negative),
        },
    ),
)  # fmt: skip
