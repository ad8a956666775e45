"""What goes wrong in exercises 17.1 to 17.5: {number: {a mistake in words: who makes it}}."""

from functools import partial

import numpy as np

from ...numeric import sigmoid
from . import priors_by_hand as by_hand
from .draws import as_it_is, averaged, log_sum_exp
from .priors_by_hand import LOG_2PI

_mix, _split = partial(partial, by_hand.mixture_variant), partial(partial, by_hand.surgery_variant)
_gauss, _down = partial(partial, by_hand.gaussian_variant), partial(partial, by_hand.backward_variant)
_pseudo = partial(partial, by_hand.pseudo_variant)

PRIORS = {
    "17.1": {
        "exp underflows where z is far from every Gaussian: subtract the largest a of that z first": _mix(
            say=lambda a: np.log(np.exp(a).sum(axis=0))),
        "nan_to_num hides that exp underflows where z is far: subtract the largest a of that z first": _mix(
            say=lambda a: np.nan_to_num(np.log(np.exp(a).sum(axis=0)))),
        "1e-300 in the log hides that exp underflows where z is far: subtract the largest a of that z first": _mix(
            say=lambda a: np.log(np.exp(a).sum(axis=0) + 1e-300)),
        "1e-12 in the log hides that exp underflows where z is far: subtract the largest a of that z first": _mix(
            say=lambda a: np.log(np.exp(a).sum(axis=0) + 1e-12)),
        "the smallest a or their mean is subtracted, and exp overflows where z is far: take the largest": _mix(
            say=lambda a: a.min(axis=0) + np.log(np.exp(a - a.min(axis=0)).sum(axis=0))),
        "the log is missing: top is added to the log of the sum": _mix(
            say=lambda a: a.max(axis=0) + np.exp(a - a.max(axis=0)).sum(axis=0)),
        "top was subtracted before exp: add it again behind the log": _mix(
            say=lambda a: log_sum_exp(a) - a.max(axis=0)),
        "top is subtracted once more, where it should be added": _mix(
            say=lambda a: log_sum_exp(a) - 2 * a.max(axis=0)),
        "top is added twice": _mix(say=lambda a: log_sum_exp(a) + a.max(axis=0)),
        "divided by C: a sum is wanted, the weights are in log_w": _mix(
            shift=lambda a: -np.log(len(a))),
        "log_w is missing": _mix(weigh=lambda w, p: p),
        "log_w is added twice": _mix(weigh=lambda w, p: 2 * w + p),
        "log_w is missing, and in its place stands 1 / C: the weights are not equal here": _mix(
            weigh=lambda w, p: p - np.log(len(p))),
        "the weight is multiplied with the density: so its logarithm is added to the log density": _mix(
            weigh=lambda w, p: w * p),
        "w is added, where its logarithm should be": _mix(weigh=lambda w, p: np.exp(w) + p),
        "w times the log density: the weight belongs to the density, so its logarithm is added": _mix(
            weigh=lambda w, p: np.exp(w) * p),
        "log_w is subtracted: it is negative already": _mix(weigh=lambda w, p: p - w),
        "that is the mean of the logarithms; the logarithm of the mean is wanted": by_hand.mean_of_logs,
        "that is the sum of the logarithms; the logarithm of the sum is wanted": _mix(
            say=lambda a: a.sum(axis=0)),
        "that is the largest term alone; the others are missing": _mix(say=lambda a: a.max(axis=0)),
        "that is the density; its logarithm is wanted": _mix(say=lambda a: np.exp(a).sum(axis=0)),
        "summed over the z: for each z, sum over the components, axis 0": _mix(say=lambda a: log_sum_exp(a.T)),
        "summed over the z as well: one number for each z is wanted": _mix(say=lambda a: log_sum_exp(a.ravel())),
        "not summed over the components: one number for each z is wanted": _mix(say=as_it_is),
        "the half is missing in the log density": _mix(half=-1),
        "the sign of the log density": _mix(half=0.5),
        "log(2 pi) is missing in the log density": _mix(const=0),
        "log_var is missing in the log density": _mix(log=0),
        "standard deviation for variance: exp(log_var) is the variance": _mix(variance=lambda a: np.exp(a / 2)),
        "log_var is the log of the variance; here it stands for that of the standard deviation": _mix(
            variance=lambda a: np.exp(2 * a), log=2),
        "divided by exp(-log_var): v is exp(log_var)": _mix(variance=lambda a: np.exp(-a)),
        "the square is not divided by the variance": _mix(variance=lambda a: 1 + 0 * a),
        "averaged over the latents, not summed": _mix(total=averaged),
    },
    "17.2": {
        "exp underflows where there are many latents, and log q(z) is -inf: call log_mixture": _split(
            marginal=lambda a: np.log(np.exp(a).sum(axis=0))),
        "the weight 1 / N is missing in q(z)": _split(weight=lambda N: 0),
        "the weight of q(z) is 1 / N: its logarithm is -log N, not +log N": _split(weight=np.log),
        "1 / N stands where its logarithm should be": _split(weight=lambda N: 1 / N),
        "q(z) is the mean of the densities; here it is the mean of their logarithms": _split(
            marginal=lambda a: a.mean(axis=0), weight=lambda N: 0),
        "q(z) stands where its logarithm should be": _split(
            marginal=lambda a: np.exp(a).mean(axis=0), weight=lambda N: 0
        ),
        "for each z, sum over the posteriors; here it is the sum over the z": _split(
            marginal=lambda a: log_sum_exp(a.T)),
        "z_n's own posterior is left out of q(z): it belongs to it": _split(hide=1),
        "z_n's own posterior is left out of q(z), and the mean is over N - 1": _split(
            hide=1, weight=lambda N: -np.log(N - 1)),
        "that is the mean KL, both parts together": _split(second="qz_x"),
        "p is subtracted in both: the first part contains no p": _split(minus="pz"),
        "that is minus the entropy of q(z | x): log q(z) is not subtracted": _split(minus="0"),
        "that is the entropy of q(z): log q(z | x) is missing": _split(first="0"),
        "that is the mean of -log p(z): log q(z) is missing": _split(second="0"),
        "the mean of log q(z | x) is from its formula: both parts are wanted from the draws": (
            by_hand.surgery_by_formula),
        "averaged over the latents, not summed": _split(each=lambda log_q, L: log_q / L),
        "averaged over all pairs: z_n is from the posterior of x_n alone, so take the diagonal": _split(
            own=lambda log_q: log_q.mean(axis=0)),
        "all pairs are summed and divided by N: take the diagonal, N numbers": by_hand.surgery_of_pairs,
        "weighted with the density: the draws come from it already, the mean is plain": _split(times=lambda a: a),
        "all pairs are summed: z_n is from the posterior of x_n alone, so take the diagonal": _split(
            own=lambda log_q: log_q.sum(axis=0)),
        "the largest density for the own one: take the diagonal": _split(own=lambda log_q: log_q.max(axis=0)),
        "the sign of the information: it is log q(z | x) - log q(z)": _split(ahead=-1),
        "that is log N less the information, how uncertain z leaves which x it is from": _split(
            more=lambda info, N: np.log(N) - info),
        "that is log N, the most it can be: the mean of log q(z | x) - log q(z) is wanted": _split(
            more=lambda info, N: np.log(N)),
        "the information is not divided by N: it is a mean over the draws": _split(more=lambda info, N: N * info),
        "log N is added to the information: its place is in log q(z) alone": _split(
            more=lambda info, N: np.log(N) + info),
        "the sign of the marginal KL: it is log q(z) - log p(z)": _split(behind=-1),
        "summed over the draws; the mean is wanted": _split(total=np.sum),
        "the mean is over N, not N - 1": _split(total=lambda a: a.sum() / (len(a) - 1)),
        "that is in bits: nats are wanted, do not divide by log 2": _split(total=lambda a: a.mean() / np.log(2)),
        "not averaged over the draws: a single number each": _split(total=as_it_is),
        "p is taken for N(0, I); log_pz is given": _split(
            prior=lambda log_pz, z: -0.5 * (LOG_2PI + z**2).sum(axis=-1)),
        "log_pz is missing: that is minus the entropy of q(z)": _split(prior=lambda log_pz, z: 0 * log_pz),
        "log_pz is added, where it should be subtracted": _split(prior=lambda log_pz, z: -log_pz),
    },
    "17.3": {
        "the spread of the means is forgotten: posteriors that lie apart need a wide prior": _gauss(apart=0),
        "the posteriors' own variances are forgotten: v_p is the mean of v, too": _gauss(wide=0),
        "that is the variance; its logarithm is wanted": _gauss(say=as_it_is),
        "that is the standard deviation; the logarithm of the variance is wanted": _gauss(say=np.sqrt),
        "that is the logarithm of the standard deviation": _gauss(say=lambda v: np.log(v) / 2),
        "that is the logarithm of the precision: the sign": _gauss(say=lambda v: -np.log(v)),
        "the log of each part is taken: add the two parts first": lambda mu, log_var: (
            mu.mean(axis=0), np.log(np.exp(log_var).mean(axis=0)) + np.log(mu.var(axis=0))),
        "both parts are halved: v_p is their sum": _gauss(say=lambda v: np.log(v / 2)),
        "v is exp(log_var), not exp(-log_var)": _gauss(variance=lambda a: np.exp(-a)),
        "log_var is averaged: the mean of the variances is wanted, exp comes first": _gauss(
            width=lambda v: np.exp(np.log(v).mean(axis=0))),
        "the mean of log_var is the log of the prior's variance only without spread and if all are equal": (
            lambda mu, log_var: (mu.mean(axis=0), log_var.mean(axis=0))),
        "log_var is used where its exponential should be": _gauss(variance=as_it_is),
        "standard deviation for variance: exp(log_var) is v": _gauss(variance=lambda a: np.exp(a / 2)),
        "mu_p is not subtracted: the mean of mu^2 is wanted around mu_p": _gauss(
            spread=lambda mu: (mu**2).mean(axis=0)),
        "the square of mu_p for the spread: it is the mean of (mu - mu_p)^2": _gauss(
            spread=lambda mu: mu.mean(axis=0) ** 2),
        "mu_p^2 is added, where it should be subtracted": _gauss(
            spread=lambda mu: (mu**2).mean(axis=0) + mu.mean(axis=0) ** 2),
        "the standard deviation of mu; its variance is wanted": _gauss(spread=lambda mu: mu.std(axis=0)),
        "the spread is around one mean of all latents: each has its own, over axis 0": _gauss(
            spread=lambda mu: ((mu - mu.mean()) ** 2).mean(axis=0)),
        "the mean of the absolute deviations; that of their squares is wanted": _gauss(
            spread=lambda mu: abs(mu - mu.mean(axis=0)).mean(axis=0)),
        "divided by N - 1, as np.var does with ddof=1; here the plain one is wanted": _gauss(
            spread=lambda mu: mu.var(axis=0, ddof=1)),
        "the two parts are multiplied: they add up": lambda mu, log_var: (
            mu.mean(axis=0),
            np.log((np.exp(log_var) * (mu - mu.mean(axis=0)) ** 2).mean(axis=0)),
        ),
        "the spread is subtracted: both parts add up": _gauss(apart=-1),
        "precisions are averaged; the variances are": _gauss(width=lambda v: 1 / (1 / v).mean(axis=0)),
        "mu_p is the plain mean of mu, without weights": _gauss(
            center=lambda mu, v: (mu / v).sum(axis=0) / (1 / v).sum(axis=0)),
        "mu_p is not 0: it is the mean of mu": _gauss(center=lambda mu, v: 0 * mu[0]),
        "mu_p is summed over the examples; the mean is wanted": _gauss(center=lambda mu, v: mu.sum(axis=0)),
        "one number for all latents: take the means over axis 0": _gauss(
            center=lambda mu, v: mu.mean(), width=lambda v: v.mean(), spread=lambda mu: mu.var()),
        "averaged over the latents, not over the examples": _gauss(
            center=lambda mu, v: mu.mean(axis=1), width=lambda v: v.mean(axis=1),
            spread=lambda mu: mu.var(axis=1)),
        "the variances are summed over the examples, not averaged": _gauss(width=lambda v: v.sum(axis=0)),
        "the squares are summed over the examples, not averaged": _gauss(
            spread=lambda mu: mu.var(axis=0) * len(mu)),
        "v_p is summed over the examples: both of its parts are means": _gauss(
            width=lambda v: v.sum(axis=0), spread=lambda mu: mu.var(axis=0) * len(mu)
        ),
        "everything is summed over the examples: all three are means": _gauss(
            center=lambda mu, v: mu.sum(axis=0), width=lambda v: v.sum(axis=0),
            spread=lambda mu: mu.var(axis=0) * len(mu)),
        "one variance for all latents: each has its own, take the means over axis 0": _gauss(
            width=lambda v: v.mean(axis=0) * 0 + v.mean(), spread=lambda mu: mu.var() + 0 * mu[0]),
    },
    "17.4": {
        "exp(a) is not divided by p(z): the shares of one z add up to 1": _down(share=lambda a, w: np.exp(a)),
        "exp(a) and p(z) both underflow where z is far: take their quotient as one exp of a difference": _down(
            share=lambda a, w: np.exp(a) / np.exp(a).sum(axis=0)),
        "exp(a) underflows where z is far, and what keeps it from 0 / 0 makes all shares 0 there: take one exp of a "
        "difference": _down(share=lambda a, w: np.exp(a) / np.maximum(np.exp(a).sum(axis=0), 1e-300)),
        "exp(a - a_max) is not divided by its sum: the shares of one z add up to 1": _down(
            share=lambda a, w: np.exp(a - a.max(axis=0))),
        "those are the logarithms of the shares: exp is missing": _down(share=lambda a, w: a - log_sum_exp(a)),
        "the weights w stand for the shares: the share of a component depends on z": _down(
            share=lambda a, w: np.exp(w) + 0 * a),
        "every component gets the same share, 1 / C: the share depends on z": _down(
            share=lambda a, w: 1 / len(a) + 0 * a),
        "every component gets the whole gradient, share 1: it gets exp(a) / p(z)": _down(
            share=lambda a, w: 1 + 0 * a),
        "the shares add up to 1 over the z; they do so over the components, axis 0": _down(
            share=lambda a, w: np.exp(a - log_sum_exp(a.T)[:, None])),
        "log_w is missing in the shares": _down(logs=np.zeros_like),
        "log_w is in the shares twice": _down(logs=lambda w: 2 * w),
        "w stands in the shares where its logarithm should be": _down(logs=np.exp),
        "the density of each component is divided by p(z), but not weighted: w is missing": _down(
            share=lambda a, w: np.exp(a - w - log_sum_exp(a))),
        "only the likeliest component gets a gradient: each gets its share": _down(
            share=lambda a, w: 1.0 * (a == a.max(axis=0))),
        "a stands for exp(a): the share is exp(a) / p(z)": _down(share=lambda a, w: a / a.sum(axis=0)),
        "the shares are squared": _down(share=lambda a, w: np.exp(2 * (a - log_sum_exp(a)))),
        "divided by N: if there is a mean over the z, it is in g already": _down(upstream=lambda g: g / len(g)),
        "g is forgotten": _down(upstream=np.ones_like),
        "the sign of dz: log p(z) falls as z moves away from mu": _down(sign=(-1, 1, 1)),
        "the sign of dmu: it is the opposite of what z gets": _down(sign=(1, -1, 1)),
        "the sign of dlog_var": _down(sign=(1, 1, -1)),
        "the signs of dz and dmu": _down(sign=(-1, -1, 1)),
        "the sign: that is the gradient of -log p(z)": _down(sign=(-1, -1, -1)),
        "dz and dmu are multiplied with the variance, where they should be divided by it": _down(
            outer=np.square),
        "the variance is missing in dz and dmu: both are divided by it": _down(outer=as_it_is),
        "not divided by the variance": _down(over=lambda v: 1),
        "divided by the standard deviation: exp(log_var) is the variance": _down(over=np.sqrt),
        "divided by the square of the variance": _down(over=np.square),
        "log_var is used where its exponential should be": _down(variance=as_it_is),
        "the half is missing in dlog_var": _down(half=1),
        "the -1 is missing in dlog_var: log_var is in the normalizer, too": _down(one=0),
        "the half is in d^2 / v, but not in the -1 of dlog_var: log_var has it in both": _down(one=2),
        "the half is in the -1 of dlog_var, but not in d^2 / v: log_var has it in both": _down(half=1, one=0.5),
        "d^2 / v is missing in dlog_var": _down(square=lambda d: 0 * d),
        "the -1 of dlog_var is not multiplied with the share": _down(last=lambda r, g: g),
        "the -1 of dlog_var is not multiplied with g": _down(last=lambda r, g: r / g),
        "the -1 of dlog_var is outside the sum over the z: it is multiplied with g and the share": _down(
            last=lambda r, g: 1 / len(g)),
        "the -1 of dlog_var is multiplied neither with g nor with the share": _down(last=lambda r, g: 1),
        "the -1 of dlog_var has the wrong sign": _down(one=-1),
        "the sign of d^2 / v in dlog_var: a wider Gaussian makes a z that is far off likelier": _down(
            square=lambda d: -(d**2)),
        "the distance is not squared in dlog_var": _down(square=as_it_is),
        "that is the derivative with respect to v, not log_var": _down(inner=lambda v: 1 / v),
        "that is the derivative with respect to std, not log_var": _down(inner=lambda v: 2 / np.sqrt(v)),
        "not summed over the components: dz is (N, L)": _down(of_z=as_it_is),
        "dz is averaged over the components: it is their sum": _down(of_z=lambda a: a.mean(axis=0)),
        "averaged over the z: the sum is wanted, a mean is in g if there is one": _down(
            of_c=lambda a: a.mean(axis=1)),
    },
    "17.5": {
        "that is du: through u = sigmoid(a) it is multiplied with u (1 - u)": _pseudo(
            squash=lambda u, a: 1 + 0 * a),
        "the derivative of the sigmoid is u (1 - u), not a (1 - a)": _pseudo(squash=lambda u, a: a * (1 - a)),
        "the derivative of the sigmoid is u (1 - u); u is missing": _pseudo(squash=lambda u, a: 1 - u),
        "the derivative of the sigmoid is u (1 - u); 1 - u is missing": _pseudo(squash=lambda u, a: u),
        "1 - u^2 is the derivative of tanh; that of the sigmoid is u (1 - u)": _pseudo(
            squash=lambda u, a: 1 - u**2),
        "u^2: the derivative of the sigmoid is u (1 - u)": _pseudo(squash=lambda u, a: u**2),
        "divided by u (1 - u), where it should be multiplied": _pseudo(squash=lambda u, a: 1 / (u * (1 - u))),
        "the derivative of tanh is forgotten": _pseudo(bend=lambda h, t: 1 + 0 * t),
        "h (1 - h) is the derivative of a sigmoid; that of tanh is 1 - h^2": _pseudo(
            bend=lambda h, t: h * (1 - h)),
        "1 - t^2: the derivative of tanh is 1 - h^2, with its output h": _pseudo(bend=lambda h, t: 1 - t**2),
        "1 - h: the derivative of tanh is 1 - h^2": _pseudo(bend=lambda h, t: 1 - h),
        "1 + h^2: the derivative of tanh is 1 - h^2": _pseudo(bend=lambda h, t: 1 + h**2),
        "that is the derivative of ReLU; the units are tanh": _pseudo(bend=lambda h, t: 1.0 * (t > 0)),
        "1 - tanh(h)^2: h is the output of tanh already": _pseudo(bend=lambda h, t: 1 - np.tanh(h) ** 2),
        "tanh' is in da, but not in dW1: both get dt": _pseudo(first=lambda dt, dh: dh),
        "dmu and dlog_var are exchanged: the heads are mu first": _pseudo(heads=lambda m, v: (v, m)),
        "dlog_var is forgotten: u moves the widths as well": _pseudo(heads=lambda m, v: (m, 0 * v)),
        "dmu is forgotten: u moves the means": _pseudo(heads=lambda m, v: (0 * m, v)),
        "dlog_var has the wrong sign in the heads": _pseudo(heads=lambda m, v: (m, -v)),
        "b1 is forgotten in the forward": _pseudo(bias=0),
        "b1 is subtracted in the forward: it is added": _pseudo(bias=-1),
        "u = sigmoid(a), not sigmoid(-a)": _pseudo(pixels=lambda a: sigmoid(-a)),
        "h is a sigmoid in the forward: it is tanh": _pseudo(unit=sigmoid),
        "the units of the encoder are tanh; here they are sigmoids, forward and backward": _pseudo(
            unit=sigmoid, bend=lambda h, t: h * (1 - h)),
        "the pixels of the forward are a: they are u = sigmoid(a)": _pseudo(pixels=as_it_is),
        "dW1 has a: the input of the layer is u = sigmoid(a)": _pseudo(inputs=lambda u, a: a),
        "dW1 has u (1 - u): the input of the layer is u": _pseudo(inputs=lambda u, a: u * (1 - u)),
        "dW2 has 1 - h^2: the input of the second layer is h": _pseudo(units=lambda h, t: 1 - h**2),
        "1 - h^2 is in dW2 as well: the second layer is behind the tanh": _pseudo(units=lambda h, t: h * (1 - h**2)),
        "dW2 has t: the input of the second layer is h = tanh(t)": _pseudo(units=lambda h, t: t),
        "dW2 has dt: the second layer has the input h": by_hand.exchanged,
        "averaged over the pseudo-inputs: whether there is a mean is already in dmu": _pseudo(
            rows=lambda a: 1 / len(a)),
        "the sign": _pseudo(sign=-1),
    },
}  # fmt: skip
