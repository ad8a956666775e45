# %% [markdown]
# # 13. How good is it?
#
# **After this lesson you can** say how good a VAE is, in a number that others can compare with theirs: log p(x), not
# its bound, with an error bar, and with a warning where the number should not be believed.
#
# **You will build** the estimate of log p(x) by importance sampling, the count of the draws on which it rests, and the
# comparison of two models. You try all of it where log p(x) is known, and then on your own model of lesson 9.
#
# **You need** the ELBO and the KL of lesson 7, and the VAE of lesson 9, best with the weights that you have trained
# there. From statistics: mean, variance, and the error of a mean. About 2.5 hours.
#
# ![Left: bounds rise with the number of draws. Right: effective samples fall as q gets worse](picture:13_climb)
#
# *Left: bounds on log p(x) in a model where it is known, from K draws of four different q. All of them climb to the
# same line, none above it, and a poor q climbs slowly. Right: how many of 1,000 draws count, as q moves away from the
# posterior.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from numpy.random import default_rng
from sklearn.datasets import load_digits

from minivae import VAE, Adam, densities, fit, load_data
from minivae.evaluate.annealed import annealed_evidence
from minivae.evaluate.evidence import sampled_evidence
from minivae.plot.lessons import lesson13 as drawings
from minivae.teach import check, hint, kept, picture, progress, quoted, use_reference
from minivae.truth import linear_gaussian

# %% [markdown]
# ## Log p(x) is a mean of weights
#
# The ELBO of lesson 9 says: log p(x) is at least -23.6 nats. The gap below it is unknown: a model may have a low ELBO
# because it is poor, or because its encoder is. To judge the *model*, we want
#
# $$p(x) = \int p(x, z) \, dz = \int q(z \mid x) \, \frac{p(x, z)}{q(z \mid x)} \, dz = \mathbb{E}_{z \sim q}[w],
#   \qquad w = \frac{p(x \mid z) \, p(z)}{q(z \mid x)} .$$
#
# $w$ is called an *importance weight*. Up to a factor that all $z$ share, it says how much more often $z$ should have
# come than $q$ draws it. The mean of the weights is $p(x)$, whatever $q$ is (if only $q$ reaches every $z$ that
# matters): lesson 7 has said so at its end. There $q$ was a guess for one pixel; here it is an encoder.
#
# For the prior $N(0, I)$ and $q = N(\mu, \text{std}^2)$ with $\text{std} = e^{\log\text{var} / 2}$, a draw is
# $z = \mu + \text{std} \cdot \varepsilon$. Of one latent
#
# $$\log p(z) = -\tfrac12 (\log 2\pi + z^2), \qquad
#   \log q(z \mid x) = -\tfrac12 \Big( \log 2\pi + \log\text{var} + \frac{(z - \mu)^2}{\text{std}^2} \Big) .$$
#
# Independent latents add up. Since $p(x)$ of a picture of a thousand bits may be $e^{-200}$, which a computer can hold,
# or $e^{-2000}$, which it cannot, one always works with $\log w$.
#
# ### Exercise 13.1: `log_weights`
#
# `log_px_z` (K, N) is $\log p(x \mid z)$ of K draws for each of N examples; `mu`, `log_var` are (N, L), `eps` is
# (K, N, L). Return `log_w` (K, N).


# %%
def log_weights(log_px_z, mu, log_var, eps):
    # Exercise 13.1: log_w
    ### BEGIN SOLUTION
    z = mu + np.exp(log_var / 2) * eps
    log_pz = -0.5 * (z**2).sum(axis=-1)  # log(2 pi) cancels
    log_qz_x = -0.5 * (log_var + eps**2).sum(axis=-1)
    return log_px_z + log_pz - log_qz_x
    ### END SOLUTION


# %%
check("13.1", log_weights)

# %% [markdown]
# ## The bound of K draws
#
# From K draws the natural estimate of $p(x)$ is the mean of their weights, and that of $\log p(x)$ its logarithm:
#
# $$L_K = \log \frac1K \sum_{k=1}^K w_k, \qquad \mathbb{E}[L_1] = \text{ELBO}.$$
#
# (The ELBO is the mean of $\log w$ over draws of $z$: one draw, and the logarithm of its weight.)
#
# **It is below.** $\log u \le u - 1$ (lesson 7) with $u = \frac1K \sum_k w_k / p(x)$, whose mean is 1:
# $\mathbb{E}[L_K] - \log p(x) = \mathbb{E}[\log u] \le \mathbb{E}[u] - 1 = 0$.
#
# **It climbs.** Take 2K draws. Let $a$ be the mean weight of the first half, $b$ that of the second. The mean of all
# is $(a + b) / 2$, and the logarithm bends down:
#
# $$\frac{\log a + \log b}2 = \log \sqrt{a b} \le \log \frac{a + b}2, \qquad\text{since}\quad
#   \frac{a + b}{2} - \sqrt{ab} = \frac{(\sqrt a - \sqrt b)^2}{2} \ge 0 .$$
#
# So the bound of 2K draws is never below the mean of the two bounds of K draws, *for every set of draws*. A program
# that breaks this law is wrong, without any error bar.
#
# **Compute it safely.** $e^{-2000}$ is 0 for a computer, and the logarithm of 0 is $-\infty$. Let $m$ be the largest
# of the $\log w_k$. Taking $e^m$ out of the sum changes nothing:
#
# $$L_K = m + \log \frac1K \sum_k e^{\log w_k - m} .$$
#
# No exponent is above 0 then, and one of them is exactly 0. Whatever is rounded to 0 is too small to matter.
#
# ### Exercise 13.2: `bound`
#
# `log_w` (K, N) give `bound` (N,), nats. Some of the numbers that `check` tries are near -900, others near 800.


# %%
def bound(log_w):
    # Exercise 13.2: bound
    ### BEGIN SOLUTION
    m = log_w.max(axis=0)  # (N,)
    return m + np.log(np.exp(log_w - m).mean(axis=0))
    ### END SOLUTION


# %%
check("13.2", bound)

# %% [markdown]
# ## Where log p(x) is known
#
# The model of lesson 7 with more of everything: 8 latents, 24 real pixels, $p(x \mid z) = N(z W + b, 0.36\, I)$. Then
# $x$ is Gaussian with covariance $W^\top W + 0.36\, I$, and so is the posterior. We choose $W$ with orthogonal rows, so
# that the posterior is a diagonal Gaussian, which an encoder can hit exactly. The functions of
# `minivae/truth/linear_gaussian.py` give both. Now we can take any $q$ that we like: the posterior, ones whose mean is
# off by half a standard deviation in each latent, or by a whole one, and the prior.


# %%
def log_px_z_of(model, x, mu, log_var, eps):
    """log p(x | z) at z = mu + std eps: eps (K, N, L) -> (K, N)."""
    z = mu + np.exp(log_var / 2) * eps
    return model.likelihood.forward(x, model.decoder(z))[0]


def weights_of(model, x, mu, log_var, K, rng):
    """log w of K draws from N(mu, exp(log_var)) for each example, (K, N)."""
    eps = rng.standard_normal((K, *mu.shape))
    return log_weights(log_px_z_of(model, x, mu, log_var, eps), mu, log_var, eps)


def bounds(log_w, sizes):
    """{K: (N,)}: the bound of K draws, mean over all groups of K that there are."""
    return {K: np.mean([bound(log_w[i : i + K]) for i in range(0, len(log_w) - K + 1, K)], axis=0) for K in sizes}


def known(n=50, D=24, L=8):
    """A linear model with its posterior as its encoder, and n examples drawn from it."""
    model, rng = linear_gaussian.build(default_rng(0), D=D, L=L, diagonal=True), default_rng(1)
    linear_gaussian.make_posterior_exact(model)
    W, b, var_x = linear_gaussian.weights(model)
    return model, rng.standard_normal((n, L)) @ W + b + np.sqrt(var_x) * rng.standard_normal((n, D))


def climb():
    """Mean bounds of four q, and log p(x)."""
    (model, x), sizes = known(), 4 ** np.arange(7)
    mu, log_var = model.encode(x)
    std, log_px = np.exp(log_var / 2), linear_gaussian.log_evidence(model, x)
    guesses = {"posterior": (mu, log_var), "off by half a std": (mu + std / 2, log_var),
               "off by one std": (mu + std, log_var), "prior": (0 * mu, 0 * log_var)}  # fmt: skip
    found = {}
    for name, q in guesses.items():
        log_w = weights_of(model, x, *q, 4096, default_rng(2))
        means = np.array([values.mean() for values in bounds(log_w, sizes).values()])
        print(f"{name:<18}", *(f"K={K}: {mean:.3f}" for K, mean in zip(sizes[::2], means[::2])), sep="  ")
        assert np.all(np.diff(means) > -1e-12)
        assert means[-1] < log_px.mean() + 0.05  # in expectation below; this is one set of draws
        found[name] = means
        if name == "posterior":
            assert np.ptp(log_w, axis=0).max() < 1e-12
    quoted("-25.80", log_px.mean())
    quoted("1.0", log_px.mean() - found["off by half a std"][0])
    quoted("4.0", log_px.mean() - found["off by one std"][0])
    quoted("10.9", log_px.mean() - found["prior"][0])
    quoted("0.01", log_px.mean() - found["off by half a std"][-1])
    quoted("0.16", log_px.mean() - found["off by one std"][-1])
    quoted("15", np.divide(*(log_px.mean() - found[f"off by {by} std"][-1] for by in ("one", "half a"))), within=2)
    return sizes, log_px.mean(), found


climbed = climb()

# %% [markdown]
# The first row is the best that can happen. If $q$ *is* the posterior, then
# $w = p(x, z) / p(z \mid x) = p(x)$: every draw has the same weight, and one is enough. Everything else is a matter of
# how unequal the weights are.
#
# ## How many draws count?
#
# With a poor $q$ nearly all of the K weights are tiny, and a few decide. How many draws are that, in fact?
#
# *Given*: K weights, and from them $v_k = w_k / \sum_j w_j$, the *normalized weights*, whose sum is 1. With them one
# estimates a mean over the posterior, of any function $f$, as $\sum_k v_k f(z_k)$. Take the $v_k$ as fixed numbers and
# the $f(z_k)$ as independent with the same variance $\sigma^2$. *Wanted*: the number $n$ of draws, all of equal
# weight, whose plain mean would have the same variance as this weighted one. It is called the *effective sample size*.
#
# ### Exercise 13.3: `effective_samples`
#
# Derive $n$ as a formula of the $v_k$. Then write it: `log_w` (K, N) give `n` (N,). Mind the overflow, as in 13.2.
#
# <details><summary>Derivation, step 1: what is the variance of the weighted mean?</summary>
#
# Variances of independent numbers add up, and a factor comes out squared: of one term,
# $\text{Var}[v_k f(z_k)] = v_k^2 \sigma^2$.
#
# </details>
#
# <details><summary>Derivation, step 2: and of the plain one?</summary>
#
# It is a weighted mean as well, with $n$ weights $1 / n$. By step 1 its variance is $n \cdot \sigma^2 / n^2$.
#
# </details>
#
# <details><summary>Derivation, step 3: test it</summary>
#
# Set both equal and solve for $n$; $\sigma^2$ cancels. If all K weights are equal, your $n$ must be K. If one is 1 and
# all others are 0, it must be 1.
#
# </details>


# %%
def effective_samples(log_w):
    # Exercise 13.3: n
    ### BEGIN SOLUTION
    # sum_k v_k^2 sigma^2 = sigma^2 / n, so n = 1 / sum_k v_k^2
    w = np.exp(log_w - log_w.max(axis=0))
    v = w / w.sum(axis=0)
    return 1 / (v**2).sum(axis=0)
    ### END SOLUTION


# %%
check("13.3", effective_samples)


# %%
def shifted(K=1000):
    """Effective samples of K, median over the examples, for each shift of q; and K exp(-2 KL)."""
    (model, x), shifts = known(), np.arange(0, 2.01, 0.25)
    mu, log_var = model.encode(x)
    found = [np.median(effective_samples(weights_of(model, x, mu + shift * np.exp(log_var / 2), log_var, K,
                                                    default_rng(2)))) for shift in shifts]  # fmt: skip
    print("std off  KL, nats  effective of 1,000")
    for shift, n in zip(shifts, found):
        print(f"{shift:7.2f} {8 * shift**2 / 2:9.2f} {n:10.1f}")
    assert np.all(np.diff(found) < 0)
    quoted("176", found[2], within=5)
    quoted("16", found[4], within=1)
    quoted("3", found[-1], within=0.5)
    return shifts, np.array(found), K * np.exp(-8 * shifts**2)


with picture("13_climb") as path:
    drawings.climb(path, *climbed, *shifted())

# %% [markdown]
# **Read the picture.** *Left.* $\log p(x)$ is -25.80 nats here. The ELBOs, at K = 1, are 0, 1.0, 4.0 and 10.9 nats
# below it. With 4,096 draws the second $q$ has 0.01 nats left, the third 0.16: some fifteen times as much, though its
# mean is off only twice as far. In more latents it gets worse quickly: all of them must be right at once.
#
# *Right.* Of 1,000 draws 176 count where $q$ is off by half a standard deviation, 16 at one, 3 at two. For these $q$,
# which have the right width, $\log w$ is normal with the variance $2\,\text{KL}(q \,\|\, p(z \mid x))$, and the share
# that counts is $e^{-2\,\text{KL}}$ for very many draws (dashed). So where the ELBO is KL nats too low, one draw in
# $e^{2\,\text{KL}}$ counts. From 1 nat on, the found number lies above the dashed line: the largest weights
# are so rare that 1,000 draws have none of them. The count itself does not know what it has not seen.
#
# ## The error that it does not see
#
# What is the standard error of $\log \frac1K \sum w_k$, as the K weights themselves tell it? The logarithm turns an
# error of $\bar w$ into a relative one, $\text{std}(w) / (\bar w \sqrt K)$. And with
# $\text{Var}(w) = \overline{w^2} - \bar w^2$,
#
# $$\frac{\text{Var}(w)}{K \bar w^2} = \frac{\overline{w^2}}{K \bar w^2} - \frac1K = \frac{\sum_k w_k^2}{(\sum_k w_k)^2}
#   - \frac1K = \frac1n - \frac1K, \qquad \text{error} = \sqrt{\frac1n - \frac1K} .$$
#
# So it is about $1 / \sqrt n$. Since $n$ is never below 1, **this error is never above 1 nat, however far off the
# estimate is.** Here is a $q$ with the right mean and a wrong width, 40 times 1,000 draws for one $x$:


# %%
def widths(factors=(0.15, 0.25, 0.35, 0.5, 1, 2, 3), K=1000, repeats=40):
    """Estimates less log p(x) (factors, repeats), their effective samples and claimed errors, medians."""
    model, x = known()
    x = np.tile(x[:1], (repeats, 1))
    (mu, log_var), log_px = model.encode(x), linear_gaussian.log_evidence(model, x)
    errors, counts = [], []
    for factor in factors:
        log_w = weights_of(model, x, mu, log_var + 2 * np.log(factor), K, default_rng(2))
        errors.append(bound(log_w) - log_px)
        counts.append(np.median(effective_samples(log_w)))
    counts = np.array(counts)
    claimed = np.sqrt(np.maximum(1 / counts - 1 / K, 0))
    print("width  mean error  std of 40  claimed  effective")
    for row in zip(factors, errors, claimed, counts):
        print("{:5.2f} {:11.2f} {:10.2f} {:8.2f} {:10.1f}".format(row[0], row[1].mean(), row[1].std(), *row[2:]))
    quoted("-3.72", errors[1].mean())
    quoted("0.39", claimed[1])
    quoted("6.7", counts[1])
    assert abs(errors[5].mean()) < 0.05
    near = (errors[1] > -2 * claimed[1]).sum()
    quoted("3", near)
    assert np.all(claimed <= 1)
    return factors, errors, counts, claimed


with picture("13_silent") as path:
    drawings.silent(path, *widths())

# %% [markdown]
# **Read the picture.** A $q$ that is four times too narrow is 3.72 nats too low on average. It claims an error of 0.39,
# and only 3 of the 40 estimates are within twice that of the truth. It cannot know better: it hardly ever looks at most
# of the posterior. What gives it away is the effective sample size, 6.7 of 1,000. A $q$ that is twice too *wide* wastes
# draws, but it is right. So: never report log p(x) without $n$, and do not believe it where $n$ is below some ten.
#
# And a large $n$ is no proof. Let $x = z^2$ and some noise: then $z$ and $-z$ explain $x$ equally well. A Gaussian
# $q$ over one of both sees nothing wrong:


# %%
def one_of_two(x=1.5, std_x=0.2, K=1000):
    """log p(x) by a fine grid; bound and effective samples of a Gaussian at the positive one of two modes."""

    def log_px_z(z):
        return -0.5 * (np.log(2 * np.pi * std_x**2) + (x - z**2) ** 2 / std_x**2)

    grid = np.linspace(-6, 6, 200_001)
    joint = np.exp(log_px_z(grid) - 0.5 * grid**2) / np.sqrt(2 * np.pi)
    right = joint * (grid > 0) / joint[grid > 0].sum()
    mu = np.array([(right * grid).sum()])
    log_var = np.log((right * (grid - mu) ** 2).sum(keepdims=True))
    eps = default_rng(0).standard_normal((K, 1, 1))
    log_w = log_weights(log_px_z(mu + np.exp(log_var / 2) * eps)[..., 0], mu[None], log_var[None], eps)
    log_px = np.log(joint.sum() * (grid[1] - grid[0]))
    return log_px, bound(log_w)[0], effective_samples(log_w)[0]


log_px, low, n = one_of_two()
print(f"log p(x) {log_px:.3f}, bound {low:.3f}, difference {log_px - low:.3f}, effective {n:.0f} of 1,000")
quoted("0.69", log_px - low)
quoted("0.69", np.log(2))
quoted("978", n)

# %% [markdown]
# 978 of 1,000 draws count, and half of $p(x)$ is missing: $\ln 2 = 0.69$ nats. What $q$ never draws, no count of its
# draws can show. A second method that does not use $q$ would (annealing, below).
#
# ## Go on to infinity
#
# Lesson 7 has found that the gap falls like $1 / K$ once it is small: $L_K \approx \log p(x) - c / K$ on average, with
# an unknown $c$ that depends on $q$ and $x$.
#
# *Given*: two bounds, `bound_1` from `K_1` draws and `bound_2` from `K_2`, more than `K_1`. *Wanted*: an estimate of
# $\log p(x)$ in which $c$ does not occur.
#
# ### Exercise 13.4: `extrapolate`
#
# Derive it. Then write it: both bounds are (N,), and so is the result.
#
# <details><summary>Derivation, step 1: what is known?</summary>
#
# Two equations with two unknowns, $\log p(x)$ and $c$:
#
# $$L_1 = \log p(x) - \frac{c}{K_1}, \qquad L_2 = \log p(x) - \frac{c}{K_2} .$$
#
# </details>
#
# <details><summary>Derivation, step 2: how does c go away?</summary>
#
# Multiply each equation with its own K. Then $c$ stands in both without a factor, and a difference of the two
# equations has no $c$. How often does it have $\log p(x)$?
#
# </details>
#
# <details><summary>Derivation, step 3: test it</summary>
#
# For $K_2 = 2 K_1$ your formula must add to the better bound just what it is above the other one. If both bounds are
# equal, it must return them.
#
# </details>


# %%
def extrapolate(bound_1, K_1, bound_2, K_2):
    # Exercise 13.4: log_px
    ### BEGIN SOLUTION
    # K_2 L_2 - K_1 L_1 = (K_2 - K_1) log p(x)
    return (K_2 * bound_2 - K_1 * bound_1) / (K_2 - K_1)
    ### END SOLUTION


# %%
check("13.4", extrapolate)


# %%
def to_infinity(K_1=16, K_2=64):
    """Mean distance from log p(x) of two bounds and of what they extrapolate to, for three q."""
    model, x = known()
    (mu, log_var), log_px = model.encode(x), linear_gaussian.log_evidence(model, x)
    std, left = np.exp(log_var / 2), {}
    print(f"{'less log p(x), nats':<28} K = {K_1}   K = {K_2}   extrapolated")
    for name, q in {"off by half a std": (mu + std / 2, log_var), "off by one std": (mu + std, log_var),
                    "four times too narrow": (mu, log_var - 2 * np.log(4))}.items():  # fmt: skip
        values = bounds(weights_of(model, x, *q, 4096, default_rng(3)), (K_1, K_2))
        both = [values[K] - log_px for K in (K_1, K_2)]
        left[name] = [part.mean() for part in (*both, extrapolate(both[0], K_1, both[1], K_2))]
        print(f"{name:<26}", *(f"{number:9.3f}" for number in left[name]))
    quoted("-0.05", left["off by half a std"][1], within=0.02)
    assert abs(left["off by half a std"][2]) < 0.02 < abs(left["off by half a std"][1])
    assert left["off by one std"][1] < left["off by one std"][2] < -0.1
    assert left["four times too narrow"][2] < -3
    return left


infinity = to_infinity()

# %% [markdown]
# With the good $q$ the gap at K = 64, some 0.05 nats, shrinks to less than 0.02. With the others most of it stays:
# $1 / K$ is a law of many *effective* draws, and there are not many. And note what you have given up: the result is an
# estimate, no bound. Where it is far above `bound_2`, the message is not "here is log p(x)" but "K is too small".
#
# ## Your model of lesson 9
#
# Lesson 9 has kept your weights beside the notebook, if you have run it to its end. If there are none, the library
# trains the same model here. Everything is evaluated in float64.

# %%
data = load_data("digits")
x_test = data.test().x.astype("float64")  # 297 images, bits drawn once


def trained(latent):
    model = VAE.build(data.shape, default_rng(0), hidden=(100,), latent=latent)
    fit(model, Adam(model, lr=4e-3), data, epochs=60, batch_size=125, progress=False)
    return model.bind("float64")


def my_model():
    """The one of lesson 9, from its eight arrays W1, b1, ..., W4, b4."""
    arrays = kept("lesson_09_vae")
    if arrays is None:
        print("No weights of lesson 9 are here: this is the library's VAE, trained as in lesson 9.")
        return trained(16)
    hidden, latent = arrays["W1"].shape[1], arrays["W3"].shape[0]
    model = VAE.build(data.shape, default_rng(0), hidden=(hidden,), latent=latent).bind("float64")
    for parameter, array in zip(model.params.values(), arrays.values(), strict=True):
        parameter.data[...] = array
    print(f"This is your model of lesson 9: {latent} latents, {hidden} hidden units.")
    return model


def model_weights(model, x, K=1000, seed=0):
    """log w of K draws from the model's own encoder, (K, N); 100 at a time."""
    mu, log_var = model.encode(x)
    rng = default_rng(seed)
    return np.concatenate([weights_of(model, x, mu, log_var, 100, rng) for _ in range(K // 100)])


mine = my_model()
other = trained(2)  # that of the map in lesson 9

# %% [markdown]
# How good is it? And is it better than the other one, with two latents? Each image gives one number per model. The
# error of a mean over N images is std / $\sqrt N$, some 0.2 nats here. But the question is about the *difference*, and
# both models have seen the same images: a digit that is hard for one is hard for the other.
#
# ### Exercise 13.5: `difference`
#
# `a` and `b` (N,) are bounds of two models on the same N images. Return `mean`, by how many nats the first is better
# on average, and the standard error of that, `error`: two numbers. Use `np.std` as it is. Think which numbers are
# independent here.


# %%
def difference(a, b):
    # Exercise 13.5: mean, error
    ### BEGIN SOLUTION
    d = a - b  # image by image
    return d.mean(), d.std() / np.sqrt(len(d))
    ### END SOLUTION


# %%
check("13.5", difference)

# %% [markdown]
# (Unpaired, the error would be $\sqrt{\text{Var}[a] + \text{Var}[b]} / \sqrt N$. What the two have in common, twice
# their covariance, is not subtracted there.)


# %%
def evidence(sizes=(1, 10, 100, 1000)):
    """log w of both models, and pictures of the first one's most and least probable digits."""
    log_w = {"mine, 16 latents": model_weights(mine, x_test), "2 latents": model_weights(other, x_test)}
    means, errors, last = {}, {}, {}
    for name, weights in log_w.items():
        by_size = bounds(weights, sizes)
        means[name] = [values.mean() for values in by_size.values()]
        errors[name] = [values.std() / np.sqrt(len(values)) for values in by_size.values()]
        last[name] = by_size[1000]
        n = effective_samples(weights)
        print(f"{name:<17}", *(f"K={K}: {mean:.2f}" for K, mean in zip(sizes, means[name])), sep="  ", end="")
        print(f" +- {errors[name][-1]:.2f}; effective: median {np.median(n):.0f}, least {n.min():.0f}")
        assert np.all(np.diff(means[name]) > 0)
    a, b = last.values()
    mean, error = difference(a, b)
    unpaired = np.sqrt(a.var() + b.var()) / np.sqrt(len(a))
    print(f"difference {mean:.2f} +- {error:.2f} nats; as if of other images +- {unpaired:.2f}")
    quoted("-23.6", means["mine, 16 latents"][0], within=0.6)
    quoted("-23.0", means["mine, 16 latents"][-1], within=0.6)
    quoted("0.2", errors["mine, 16 latents"][-1], within=0.05)
    quoted("280", np.median(effective_samples(log_w["mine, 16 latents"])), within=100)
    quoted("1.3", mean, within=0.5)
    quoted("0.12", error, within=0.04)
    quoted("0.29", unpaired, within=0.05)
    order = np.argsort(-a)
    shown = np.stack([order[:5], order[-5:]])
    return log_w, (sizes, means, errors, x_test[shown], a[shown])


log_w, drawn = evidence()
with picture("13_digits") as path:
    drawings.digits(path, *drawn)

# %% [markdown]
# **Read the picture.** The ELBO of lesson 9's model is -23.6 nats; its $\log p(x)$ is about -23.0, +- 0.2. Six tenths
# of a nat of what you thought were the model's fault were the encoder's. Half of the images have more than 280
# effective draws, and the last step, from 100 to 1,000, adds only some hundredths: this mean can be believed. (Not
# each of its parts. There is an image with two effective draws; look at `n.min()`.)
#
# The second model is worse by 1.3 nats. The paired error of that is 0.12; taken as if each model had its own images it
# would be 0.29. On the right: the model finds straight ones most probable, and what it finds least probable is lost in
# the noise of its bits.
#
# ## Two protocols
#
# "-23.0 nats on the digits" is not yet a result. On *which* digits? The images have grey values in 17 steps. To get
# bits one may draw each with its grey value as probability, as we did, once, with a fixed seed. One may call each
# pixel above 1/2 a one. One may even put the grey values themselves into the formula for bits, as much published code
# does. And one may report the ELBO, or a bound of many draws.


# %%
def protocols(K=100):
    """Nats of both models under six protocols, and some more numbers of the first."""
    grey = load_digits().data[-297:] / 16
    images = {"bits drawn once": x_test, "bits: grey above 1/2": 1.0 * (grey > 0.5), "grey values as if bits": grey}
    nats, gaps = {}, {}
    for name, x in images.items():
        values = [bounds(model_weights(model, x, K), (1, K)) for model in (mine, other)]
        for size, what in ((1, "ELBO"), (K, f"bound of K = {K}")):
            pair = [by_size[size] for by_size in values]
            nats[f"{name}, {what}"] = tuple(part.mean() for part in pair)
            gaps[name, size] = difference(*pair)
            print(f"{name + ', ' + what:<43} {pair[0].mean():7.2f} {pair[1].mean():7.2f}   "
                  f"difference {gaps[name, size][0]:6.2f} +- {gaps[name, size][1]:.2f}")  # fmt: skip
    again = [bound(model_weights(mine, 1.0 * (grey > default_rng(seed).random(grey.shape)), 100)).mean()
             for seed in range(1, 5)]  # fmt: skip
    thirds = bound(log_w["mine, 16 latents"]).reshape(3, 99).mean(axis=1)
    print("the same images, bits of other seeds:", *(f"{value:.2f}" for value in again))
    print("three parts of 99 images:", *(f"{value:.2f}" for value in thirds))
    drawn, cut = (nats[f"{name}, bound of K = {K}"] for name in list(images)[:2])
    quoted("3.5", cut[0] - drawn[0], within=0.5)
    quoted("-21.2", cut[1], within=0.6)
    quoted("1.3", drawn[0] - drawn[1], within=0.5)
    quoted("-23.0", drawn[0], within=0.6)
    quoted("0", gaps["grey values as if bits", K][0], within=0.4)
    quoted("0.9", np.ptp(thirds), within=0.3)
    quoted("0.1", max(again) - min(again), within=0.15)
    floor = -sum((p * np.log(p)).sum() for g in (grey, 1 - grey) for p in [g[g > 0]]) / len(grey)
    quoted("13.0", floor)
    return nats


with picture("13_protocols") as path:
    drawings.protocols(path, protocols())

# %% [markdown]
# **Read the picture.** Cut at 1/2 the images are cleaner, and the same model gets 3.5 nats more. The *worse* model, on
# cut bits, -21.2, looks better than the better one on drawn bits: two protocols differ by more than two models do. The
# grey values are worse than a shift: there the two models, which differ by 1.3 nats on bits, cannot be told apart any
# more. A Bernoulli "log-probability" of a grey value is none. A decoder that knows every grey value exactly still pays
# $-g \log g - (1 - g) \log(1 - g)$ for it, 13.0 nats for an image: a constant that no model can avoid.
#
# Smaller things count as well. Bits drawn by other seeds move the mean by some 0.1 nats, and three parts of the same
# test split differ by 0.9. So a number needs its protocol beside it: data, bits, split and how many images, bound and
# K, and the effective sample size. `minivae evaluate` prints all of that, with a hash of the very bits.
#
# ## Which latents are used?
#
# A number of nats does not say what the 16 latents do. If the decoder does not use a latent, the KL sends its posterior
# to the prior: its mean is then 0 for every image. So watch how the posterior mean moves from image to image. Burda
# and others call a latent *active* if the variance of $\mu$ over the data is above 0.01.
#
# Not the variance of $z$! That has two parts: $z = \mu(x) + \text{std}(x)\,\varepsilon$, and $\varepsilon$ is
# independent of $x$ with mean 0, so
#
# $$\text{Var}[z] = \text{Var}[\mu(x)] + \mathbb{E}[\text{std}(x)^2],$$
#
# what the image moves, and what chance moves. Training pulls the sum to 1, in a latent that is used as in one that is
# not.
#
# ### Exercise 13.6: `active_units`
#
# `mu` (N, L), `threshold` a number. Return `variance` (L,), that of each latent's mean over the examples, and
# `active`, the number of latents above the threshold. Use `np.var` as it is.


# %%
def active_units(mu, threshold):
    # Exercise 13.6: variance, active
    ### BEGIN SOLUTION
    variance = mu.var(axis=0)
    return variance, (variance > threshold).sum()
    ### END SOLUTION


# %%
check("13.6", active_units)


# %%
def used():
    """Variance of the mean and mean variance of each latent, over training images, which are more."""
    mu, log_var = mine.encode(data.train.x.astype("float64"))
    variance, active = active_units(mu, 0.01)
    spread = np.exp(log_var).mean(axis=0)
    print(f"active: {active} of {len(variance)}; sums of both variances from {min(variance + spread):.2f} to",
          f"{max(variance + spread):.2f}")  # fmt: skip
    quoted("15", active, within=2)
    quoted("1", np.abs(variance + spread).min(), within=0.4)
    return variance, spread, 0.01


with picture("13_active") as path:
    drawings.active(path, *used())

# %% [markdown]
# **Read the picture.** All sums are near 1, so a histogram of $z$ would show sixteen latents at work. By the count some
# 15 of the 16 are active. The dark bars say more than the count does: a few latents are almost all image, and the last
# ones, on both sides of the threshold, are almost all chance. (The threshold is a convention: report the variances.)
#
# ## The same in minivae
#
# `log_mean_exp` and `model.log_weights` are your 13.2 and 13.1, and `sampled_evidence` is the whole. Then two answers
# that share nothing with an encoder. *Annealing* (`--annealed`) walks from the prior to the posterior in small steps
# and multiplies up what each step gains. And for two latents one can sum $p(x, z)$ over a fine grid of $z$ (a grid
# with twice the step gives the same to a thousandth of a nat).


# %%
def same_as_the_library():
    eps = default_rng(5).standard_normal((20, len(x_test), mine.L))
    mu, log_var = mine.encode(x_test)
    ours = log_weights(log_px_z_of(mine, x_test, mu, log_var, eps), mu, log_var, eps)
    theirs = mine.log_weights(x_test, eps)
    return max(np.abs(ours - theirs).max(), np.abs(bound(ours) - densities.log_mean_exp(theirs)).max())


def by_a_grid(model, x, n=301, reach=6):
    """log p(x) (N,) of bits and two latents: the sum of p(x, z) over n x n places z, times the area of each."""
    places = np.linspace(-reach, reach, n)
    z = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    logits = model.decoder(z)  # (n n, D)
    constant = -np.logaddexp(0, logits).sum(axis=1) - 0.5 * (z**2).sum(axis=1) - np.log(2 * np.pi)
    return np.array([bound(logits @ row + constant) for row in x]) + 2 * np.log(n * (places[1] - places[0]))


def second_opinions():
    found = sampled_evidence(mine, x_test, 300, default_rng(7))
    print(f"sampled_evidence: {found.log_px.mean():.2f}, effective {np.median(found.ess):.0f}")
    ours = bound(log_w["mine, 16 latents"])
    quoted("0", found.log_px.mean() - ours.mean(), within=0.05)
    annealed = annealed_evidence(mine, x_test[:30], 60, default_rng(0)).log_px
    mean, error = difference(annealed, ours[:30])
    print(f"annealed less yours, 30 images: {mean:.3f} +- {error:.3f}")
    quoted("0.2", -mean, within=0.2)
    exact, ours = by_a_grid(other, x_test), bound(log_w["2 latents"])
    mean, error = difference(ours, exact)
    print(f"two latents, yours less the sum over a grid: {mean:.4f} +- {error:.4f}")
    assert abs(mean) < 0.02
    assert np.abs(exact - by_a_grid(other, x_test, 151)).max() < 1e-3
    n, off = effective_samples(log_w["2 latents"]), np.abs(ours - exact)
    for name, rows in {"fewer than 100": n < 100, "100 or more": n >= 100}.items():
        true, claimed = np.sqrt((off[rows] ** 2).mean()), np.sqrt((1 / n[rows] - 1 / 1000).mean())
        print(f"{rows.sum():>4} images with n {name:<14}: root mean square error {true:.3f}, claimed {claimed:.3f}")
        quoted("1.0", true / claimed, within=0.5)


print(f"largest difference between your functions and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-10
second_opinions()

# %% [markdown]
# On a model with networks, too, your bound of 1,000 draws is right: on average within 0.02 nats of the sum over the
# grid. Here the weights even know how far off they are, since this $q$ misses little. And annealing, which could have
# found what the encoder misses, finds no more: with 60 steps it is some 0.2 nats lower.
#
# ## More to try
#
# 1. Take $K = 10{,}000$ in `widths`. By how much does the estimate of the narrow $q$ improve? How many draws would the
# 3.72 nats need?
# 2. Let the decoder's outputs of your model be multiplied by 1.5, which makes it too sure of everything. What happens
# to the ELBO, to $\log p(x)$, and to the effective samples?
# 3. Give the encoder bits of one digit and evaluate another. What does the effective sample size say?
# 4. Evaluate random bits, and test digits upside down. How many nats is your model sure that they are no digits?
# 5. With `load_data("digits", binarize="threshold")` train a model on cut bits. Compare both models on both kinds of
# bits: four numbers. Which two comparisons are fair?
#
# ## Questions
#
# <details><summary>Your estimate of log p(x) with K = 5,000 is above another group's with K = 50. Is your model
# better?</summary>Not for that. The bound rises with K for every model. Compare at the same K, or at a K where both
# have stopped to rise.</details>
#
# <details><summary>Can one estimate be above log p(x)?</summary>Yes, only its mean is below. But not far: the mean of
# w / p(x) is 1, and a positive number is above e^t times its mean with probability e^-t at most. Above by 5 nats: less
# than 1 % of the time. Far below may happen at any time.</details>
#
# <details><summary>All 1,000 weights are equal. What do you know?</summary>That where q draws, it is proportional to
# the posterior. Either it is the posterior, or it misses some part of it altogether.</details>
#
# <details><summary>Why is a q that is too wide harmless, and one that is too narrow not?</summary>The weights are
# p(z | x) / q(z) up to a factor. Under a wide q they are bounded: most are small, many count. Under a narrow q they
# grow without bound where q hardly draws, and what is rarely drawn there carries most of the mean.</details>
#
# <details><summary>Two papers report log p(x) of -85 and -87 nats on the same images. One has drawn the bits once, the
# other anew in each epoch and at test time. Which model is better?</summary>Nobody knows. Training on bits that are
# drawn anew gives more data and less overfitting, and the test bits are others. It takes one of the models under the
# other's protocol.</details>
#
# ## Further reading
#
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance Weighted Autoencoders* (2016), theorem 1 and section 5 (active
# units); arXiv 1509.00519.
# - A. Kong, *A Note on Importance Sampling Using Standardized Weights* (1992): the effective sample size.
# - Y. Wu and others, *On the Quantitative Analysis of Decoder-Based Generative Models* (2017): annealing as the judge;
# arXiv 1611.04273.
# - L. Theis, A. van den Oord, M. Bethge, *A Note on the Evaluation of Generative Models* (2016); arXiv 1511.01844.
# - S. Nowozin, *Debiasing Evidence Approximations* (2018): your 13.4 taken further.
# - `minivae/evaluate/evidence.py`, `annealed.py`: the library's own.

# %% [markdown]
# <!-- only with solutions -->
# - `figures/evidence.md`: all of this on MNIST, and on clothes.

# %%
progress()
