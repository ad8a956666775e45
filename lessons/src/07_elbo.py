# %% [markdown]
# # 7. The ELBO, three ways
#
# **You will build** the KL divergence of two Gaussians, once by formula and once from samples, and the ELBO of a
# model in which everything is known: the bound, what it bounds, and the gap between the two. Then you close the gap.
#
# **You need** the density of a normal distribution, what an expectation is, and the chain rule of lesson 1.
#
# ![Left: the posterior and three normal densities q. Right: the ELBO of each, below log p(x)](picture:07_gap)
#
# *Left: what z is like, given x. In blue the truth, and three guesses q. Right: the ELBO of each guess, and of all
# guesses between them. It never reaches above the dashed line, log p(x). How far a guess stays below it is how far
# it is from the truth, in nats.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae.plot import BLUE, CLASSES, GREY, ORANGE, figure_to
from minivae.teach import check, hint, picture, progress, quoted, use_reference

LOG_2PI = np.log(2 * np.pi)

# %% [markdown]
# ## What is bounded, and why
#
# A latent variable model says how data come about: draw $z$ from $p(z)$, then $x$ from $p(x \mid z)$. How probable
# does it make the $x$ that we have seen? All $z$ could have led there:
#
# $$p(x) = \int p(x \mid z) \, p(z) \, dz .$$
#
# Its logarithm is the *evidence* of $x$; training is to raise it. But with a network in $p(x \mid z)$ nobody can do
# the integral. Averaging $p(x \mid z)$ over draws from $p(z)$ is hopeless too, once $z$ has more than a few numbers:
# almost every $z$ explains $x$ so badly that it contributes nothing. One has to look where $z$ explains $x$, and
# this is what $q(z)$ is for: a guess of the *posterior* $p(z \mid x) = p(x, z) / p(x)$. (In a VAE the encoder makes
# the guess, and writes it $q(z \mid x)$.)
#
# **The identity.** Start with the definition of the posterior, as $\log p(x) = \log p(x, z) - \log p(z \mid x)$. It
# holds for every $z$. Subtract and add $\log q(z)$, and average over $z$ drawn from $q$. The left side does not
# depend on $z$ and stays:
#
# $$\log p(x) = \underbrace{\mathbb{E}_q[\log p(x, z) - \log q(z)]}_{\text{ELBO}}
#   + \underbrace{\mathbb{E}_q[\log q(z) - \log p(z \mid x)]}_{\text{KL}(q \,\|\, p(z \mid x)),\ \text{the gap}} .$$
#
# Nothing is approximated here. The first part can be computed, since $p(x, z) = p(x \mid z) \, p(z)$ is known. The
# second cannot, but it is never negative. For any two densities, since $\log u \le u - 1$,
#
# $$-\text{KL}(q \,\|\, p) = \mathbb{E}_q\left[\log \frac{p}{q}\right] \le \mathbb{E}_q\left[\frac{p}{q} - 1\right]
#   = \int p \, dz - 1 = 0 ,$$
#
# and it is 0 only where $p = q$, since $\log u = u - 1$ only at $u = 1$. Hence the name: *evidence lower bound*. All
# units are nats, since all logarithms are natural.
#
# ## The KL of two Gaussians
#
# Let $q = N(\mu, v)$ and $p = N(\mu_p, v_p)$, with $v = e^{\log\text{var}}$, so that $\log v$ is `log_var`. What is
# $\mathbb{E}_q[\log q - \log p]$? Write down both averages. Under $q$ the mean of $(z - \mu)^2$ is $v$:
#
# $$\mathbb{E}_q[\log q] = -\tfrac12 \Big( \log 2\pi + \log v + \frac{v}{v} \Big) .$$
#
# The distance to $\mu_p$ splits: $z - \mu_p = (z - \mu) + (\mu - \mu_p)$. Square it and average; the mixed product
# has the mean 0, and $\mathbb{E}_q[(z - \mu_p)^2] = v + (\mu - \mu_p)^2$:
#
# $$\mathbb{E}_q[\log p] = -\tfrac12 \Big( \log 2\pi + \log v_p + \frac{v + (\mu - \mu_p)^2}{v_p} \Big) .$$
#
# Subtract; $2\pi$ goes:
#
# $$\text{KL} = \tfrac12 \Big( \log v_p - \log v + \frac{v}{v_p} + \frac{(\mu - \mu_p)^2}{v_p} - 1 \Big) .$$
#
# With L independent latents the densities are products, their logarithms sums, and so is the KL.
#
# ### Exercise 7.1: `kl`
#
# All four arguments are (N, L). Return (N,): one number per example, summed over the latents.


# %%
def kl(mu, log_var, mu_p, log_var_p):
    # Exercise 7.1: kl
    ### BEGIN SOLUTION
    ratio = np.exp(log_var - log_var_p)
    distance = (mu - mu_p) ** 2 / np.exp(log_var_p)
    return 0.5 * (log_var_p - log_var + ratio + distance - 1).sum(axis=-1)
    ### END SOLUTION


# %%
check("7.1", kl)

# %% [markdown]
# ### Its gradient
#
# In training $\mu$ and $\log v$ change. $\mu$ is in one term, with the derivative $2 (\mu - \mu_p) / v_p$, times
# $\tfrac12$. $\log v$ is in two: $-\log v$ has the slope $-1$, and $v / v_p = e^{\log v - \log v_p}$ is its own
# derivative. The gradient is 0 where $\mu = \mu_p$ and $v = v_p$, as it must be.
#
# ### Exercise 7.2: `kl_backward`
#
# Return `dmu` and `dlog_var`, (N, L), of the sum of all KLs.


# %%
def kl_backward(mu, log_var, mu_p, log_var_p):
    # Exercise 7.2: dmu, dlog_var
    ### BEGIN SOLUTION
    return (mu - mu_p) / np.exp(log_var_p), 0.5 * (np.exp(log_var - log_var_p) - 1)
    ### END SOLUTION


# %%
check("7.2", kl_backward)

# %% [markdown]
# ## The KL from samples
#
# Where there is no formula, there is the definition. Draw $z_1, \dots, z_K$ from $q$ and average
# $t_k = \log q(z_k) - \log p(z_k)$. For the prior $p = N(0, 1)$, and with $z = \mu + \text{std} \cdot \varepsilon$,
# which is a draw from $q$ if $\varepsilon$ is one from $N(0, 1)$,
#
# $$\log q(z) - \log p(z) = -\tfrac12 (\log v + \varepsilon^2) + \tfrac12 z^2 ,\qquad \text{std} = e^{\log v / 2} .$$
#
# How far off is the average of K draws? The $t_k$ are independent, so the variance of their sum is K times that of
# one, and the variance of their mean, a K-th of the sum, is $K \, \text{Var}[t] / K^2 = \text{Var}[t] / K$. The
# *standard error* is its root:
#
# $$\text{error} = \frac{\text{std of the } t_k}{\sqrt{K}} .$$
#
# A hundred times as many samples give one more digit. And an estimate without its error says nothing.
#
# ### Exercise 7.3: `kl_monte_carlo`
#
# `mu`, `log_var` (N, L), `eps` (K, N, L). Return the mean over the samples and its standard error, (N,) each. Use
# `np.std` as it is.


# %%
def kl_monte_carlo(mu, log_var, eps):
    # Exercise 7.3: kl, error
    ### BEGIN SOLUTION
    z = mu + np.exp(log_var / 2) * eps
    terms = 0.5 * (z**2 - eps**2 - log_var).sum(axis=-1)  # (K, N)
    return terms.mean(axis=0), terms.std(axis=0) / np.sqrt(len(eps))
    ### END SOLUTION


# %%
check("7.3", kl_monte_carlo)

# %% [markdown]
# Two functions of yours that share no formula should agree.


# %%
def draw_monte_carlo(path):
    mu, log_var = np.array([[0.8, -0.4, 0.1]]), np.array([[-1.5, -0.5, 0.3]])
    exact = kl(mu, log_var, 0 * mu, 0 * mu)[0]
    sizes = 4 ** np.arange(2, 9)
    found = [[kl_monte_carlo(mu, log_var, np.random.default_rng([K, i]).standard_normal((K, 1, 3))) for K in sizes]
             for i in range(3)]  # fmt: skip
    found = np.array(found)[..., 0]  # (3 runs, sizes, mean and error)
    assert np.all(np.abs(found[..., 0] - exact) < 4 * found[..., 1])
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for i, run in enumerate(found):
            left.errorbar(sizes * 1.18 ** (i - 1), run[:, 0], 2 * run[:, 1], fmt="o", ms=4, color=CLASSES[i], capsize=2)
        left.axhline(exact, color=GREY, ls="--", label=f"formula: {exact:.4f} nats")
        left.set(title="KL from K samples, three runs, two standard errors", ylabel="KL, nats", xscale="log")
        left.legend()
        right.loglog(sizes, found[0, :, 1], "o", color=BLUE, label="standard error, as computed")
        right.loglog(sizes, found[0, -1, 1] * np.sqrt(sizes[-1] / sizes), color=GREY, ls="--", label="1 / root of K")
        right.set(title="four times the samples, half the error", ylabel="standard error, nats")
        right.legend()
        for ax in (left, right):
            ax.set(xlabel="samples K", xticks=sizes, xticklabels=[f"{K:,}" for K in sizes])
            ax.minorticks_off()
    print(f"formula {exact:.4f}; from {sizes[-1]:,} samples {found[0, -1, 0]:.4f} +- {found[0, -1, 1]:.4f} nats")
    quoted("0.84", exact)
    quoted("0.0033", found[0, -1, 1])
    quoted("0.2", found[0, -1, 1] * (sizes[-1] / 16) ** 0.5)


with picture("07_monte_carlo") as path:
    draw_monte_carlo(path)

# %% [markdown]
# **Read the picture.** With 16 samples the error is some 0.2 nats, a quarter of the KL itself, which is 0.84. With
# 65,536 it is 0.0033. Where there is a formula, it is better; where there is none, for a flow or a mixture as a
# prior, this is how it is done.
#
# ## A model in which everything is known
#
# Let each latent have one pixel of its own:
#
# $$p(z) = N(0, 1), \qquad p(x \mid z) = N(w z + b, \, \text{var}_x) .$$
#
# **The evidence.** $x = w z + b + \text{noise}$ is a sum of independent normal variables. So $x$ is normal, with the
# mean $b$ and the variance $w^2 + \text{var}_x$.
#
# **The posterior.** As a function of $z$, $p(z \mid x)$ is $p(x, z)$ up to a factor. Collect the powers of $z$:
#
# $$\log p(x, z) = -\tfrac12 \Big( z^2 + \frac{(x - b - w z)^2}{\text{var}_x} \Big) + \dots
#   = -\tfrac12 \Big( \Big( 1 + \frac{w^2}{\text{var}_x} \Big) z^2 - 2 \, \frac{w (x - b)}{\text{var}_x} \, z
# \Big) + \dots$$
#
# A normal density $N(m, v)$ has $-\tfrac12 ( z^2 / v - 2 \, z \, m / v ) + \dots$ Compare the factors of $z^2$ and
# of $z$:
#
# $$\frac1v = 1 + \frac{w^2}{\text{var}_x}, \qquad \frac{m}{v} = \frac{w (x - b)}{\text{var}_x} .$$
#
# Precisions add: that of the prior, 1, and that of the pixel.
#
# ### Exercise 7.4: `posterior`
#
# `x` (N, L), `w` and `b` (L,), `var_x` a number. Return the mean `m` and `log_v`, the logarithm of the variance,
# both (N, L).


# %%
def posterior(x, w, b, var_x):
    # Exercise 7.4: m, log_v
    ### BEGIN SOLUTION
    v = 1 / (1 + w**2 / var_x)
    return v * w * (x - b) / var_x, np.log(v) + np.zeros_like(x)
    ### END SOLUTION


# %%
check("7.4", posterior)

# %% [markdown]
# ## Three ways
#
# $$\text{ELBO} = \mathbb{E}_q[\log p(x, z) - \log q(z)]$$
#
# can be sorted in three ways. They are equal, and each says something else.
#
# 1. **Reconstruction minus KL.** Split $p(x, z) = p(x \mid z) \, p(z)$ and give $p(z)$ to $q$:
# $\mathbb{E}_q[\log p(x \mid z)] - \text{KL}(q \,\|\, p(z))$. How well $z$ explains $x$, less what it costs to leave
# the prior. This is what a VAE computes.
# 2. **Joint plus entropy.** $\mathbb{E}_q[\log p(x, z)] + H(q)$ with $H(q) = -\mathbb{E}_q[\log q]$. Be where $x$
# and $z$ are probable together, and be as wide as you can.
# 3. **Evidence minus gap.** $\log p(x) - \text{KL}(q \,\|\, p(z \mid x))$. Be near the posterior. It is the identity
# above.
#
# For our model all parts have formulas. Under $q = N(\mu, v)$, $x - w z - b$ has the mean $x - w \mu - b$ and the
# variance $w^2 v$; the mean of a square is the squared mean plus the variance:
#
# $$\mathbb{E}_q[\log p(x \mid z)] = -\tfrac12 \Big( \log 2\pi + \log \text{var}_x
#   + \frac{(x - w \mu - b)^2 + w^2 v}{\text{var}_x} \Big),$$
#
# $$\mathbb{E}_q[\log p(z)] = -\tfrac12 ( \log 2\pi + \mu^2 + v ), \qquad H(q) = \tfrac12 ( \log 2\pi + \log v + 1 )
# .$$
#
# ### Exercise 7.5: `elbo_three_ways`
#
# Return the ELBO in these three ways, (N,) each, summed over the latents and their pixels. Use `kl`, `posterior` and
# `LOG_2PI`.


# %%
def elbo_three_ways(x, mu, log_var, w, b, var_x):
    # Exercise 7.5: by_kl, by_entropy, by_gap
    ### BEGIN SOLUTION
    v, zero = np.exp(log_var), np.zeros_like(mu)
    log_px_z = -0.5 * (LOG_2PI + np.log(var_x) + ((x - w * mu - b) ** 2 + w**2 * v) / var_x).sum(axis=-1)
    by_kl = log_px_z - kl(mu, log_var, zero, zero)

    log_pz = -0.5 * (LOG_2PI + mu**2 + v).sum(axis=-1)
    entropy = 0.5 * (LOG_2PI + log_var + 1).sum(axis=-1)
    by_entropy = log_px_z + log_pz + entropy

    var = w**2 + var_x
    log_px = -0.5 * (LOG_2PI + np.log(var) + (x - b) ** 2 / var).sum(axis=-1)
    by_gap = log_px - kl(mu, log_var, *posterior(x, w, b, var_x))
    return by_kl, by_entropy, by_gap
    ### END SOLUTION


# %%
check("7.5", elbo_three_ways)

# %% [markdown]
# Now the picture of the beginning. One latent, one pixel, $x = 2$; three guesses of the same width, std = 0.6.

# %%
W, B, VAR_X = np.array([1.5]), np.array([0.5]), 0.5  # of the decoder
X = np.array([[2.0]])


def log_evidence(x):
    var = W**2 + VAR_X
    return -0.5 * (LOG_2PI + np.log(var) + (x - B) ** 2 / var).sum(axis=-1)


def draw_gap(path):
    m, log_v = posterior(X, W, B, VAR_X)
    log_px, log_var = log_evidence(X)[0], np.log(0.6**2)
    mu, z = np.linspace(-0.7, 2.3, 200)[:, None], np.linspace(-2.3, 4.6, 300)

    def elbo(mu):
        return elbo_three_ways(X + 0 * mu, mu, log_var + 0 * mu, W, B, VAR_X)[0]

    def normal(mean, var):
        return np.exp(-0.5 * (z - mean) ** 2 / var) / np.sqrt(2 * np.pi * var)

    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(z, normal(0, 1), color=GREY, ls="--", label="prior p(z)")
        left.fill_between(z, normal(m[0, 0], np.exp(log_v[0, 0])), color=BLUE, alpha=0.25)
        left.plot(z, normal(m[0, 0], np.exp(log_v[0, 0])), color=BLUE, label="posterior p(z | x)")
        right.axhline(log_px, color=BLUE, ls="--")
        right.text(-0.68, log_px + 0.12, f"log p(x) = {log_px:.4f}", color=BLUE)
        right.plot(mu, elbo(mu), color=GREY)
        right.fill_between(mu[:, 0], elbo(mu), log_px, color=GREY, alpha=0.15)
        for at, color in zip((-0.4, 0.3, m[0, 0]), (CLASSES[3], ORANGE, CLASSES[2])):
            bound = elbo(np.array([[at]]))[0]
            left.plot(z, normal(at, 0.36), color=color, label=f"q, mean {at:.2f}")
            right.annotate(
                "", (at, log_px), (at, bound), arrowprops={"arrowstyle": "<->", "color": color, "shrinkA": 0}
            )
            right.plot(at, bound, "o", color=color)
            right.text(at + 0.05, bound - 0.95, f"gap {log_px - bound:.2f}", color=color)
        left.set(title="what z is like, given x = 2", xlabel="z", ylabel="density")
        right.set(
            title="the ELBO as q is moved: a bound, and its gap",
            xlabel="mean of q",
            ylabel="ELBO, nats",
            ylim=(-7.5, -1.2),
        )
        left.legend(fontsize=9)
    quoted("-1.8338", log_px)
    quoted("0.15", log_px - elbo(m)[0])


with picture("07_gap") as path:
    draw_gap(path)

# %% [markdown]
# **Read the picture.** In this model $\log p(x) = -1.8338$ nats. The better $q$ covers the posterior, the smaller
# the gap. The green $q$ has the right mean, and a gap of 0.15 is left: its width is wrong.
#
# Do not believe the identity because of the algebra only. Here are five pixels, each with a $q$ drawn at random.
# $\log p(x)$ is the density of $x$, the ELBO comes from the first way and, for comparison, from samples; the last
# column is your `kl` to your `posterior`.


# %%
def gap_table(K=100_000):
    rng = np.random.default_rng(2)
    x, mu, log_var = 2 * rng.standard_normal((5, 1)), rng.standard_normal((5, 1)), rng.standard_normal((5, 1))
    z = mu + np.exp(log_var / 2) * rng.standard_normal((K, 5, 1))
    log_joint = -0.5 * (2 * LOG_2PI + np.log(VAR_X) + (x - W * z - B) ** 2 / VAR_X + z**2).sum(axis=-1)
    log_q = -0.5 * (LOG_2PI + log_var + (z - mu) ** 2 / np.exp(log_var)).sum(axis=-1)
    sampled, error = (log_joint - log_q).mean(axis=0), (log_joint - log_q).std(axis=0) / np.sqrt(K)
    log_px, elbo = log_evidence(x), elbo_three_ways(x, mu, log_var, W, B, VAR_X)[0]
    gap = kl(mu, log_var, *posterior(x, W, B, VAR_X))
    print(" log p(x)      ELBO   ELBO from samples    log p(x) - ELBO   KL(q || p(z | x))")
    for row in zip(log_px, elbo, sampled, error, log_px - elbo, gap):
        print("{:9.4f} {:9.4f}   {:8.3f} +- {:.3f} {:18.4f} {:19.4f}".format(*row))
    assert np.allclose(log_px - elbo, gap, rtol=0, atol=1e-12)
    assert np.all(np.abs(sampled - elbo) < 4 * error)


gap_table()

# %% [markdown]
# The last two columns agree to four digits, and to all others. The gap *is* the KL to the posterior. In a real VAE
# the last column, and with it $\log p(x)$, is out of reach, and the third is what one has.
#
# ## Climb the bound
#
# $\log p(x)$ does not depend on $q$. So whatever raises the ELBO by changing $q$ closes the gap by as much. This is
# the trick: to climb, the first way is enough, and nobody needs to know the posterior.
#
# From the first way: in the reconstruction $\mu$ is inside a square, whose derivative is $2 (x - w \mu - b)$ times
# the inner one, $-w$; with the factor $-\tfrac12 / \text{var}_x$ that gives $w (x - w \mu - b) / \text{var}_x$.
# $\log v$ is in $w^2 v$, and $v = e^{\log v}$ is its own derivative: $-\tfrac12 w^2 v / \text{var}_x$. From both,
# subtract the gradient of the KL to the prior.
#
# ### Exercise 7.6: `elbo_backward`
#
# Return `dmu`, `dlog_var` (N, L) of the sum of all ELBOs.


# %%
def elbo_backward(x, mu, log_var, w, b, var_x):
    # Exercise 7.6: dmu, dlog_var of the ELBO
    ### BEGIN SOLUTION
    zero = np.zeros_like(mu)
    dmu_kl, dlog_var_kl = kl_backward(mu, log_var, zero, zero)
    dmu = w * (x - w * mu - b) / var_x
    dlog_var = -0.5 * w**2 * np.exp(log_var) / var_x
    return dmu - dmu_kl, dlog_var - dlog_var_kl
    ### END SOLUTION


# %%
check("7.6", elbo_backward)


# %%
def climb(steps=100, rate=0.05):
    mu, log_var, path = np.full((1, 1), -0.8), np.full((1, 1), 1.0), []
    for _ in range(steps + 1):
        path.append((mu[0, 0], log_var[0, 0], elbo_three_ways(X, mu, log_var, W, B, VAR_X)[0][0]))
        dmu, dlog_var = elbo_backward(X, mu, log_var, W, B, VAR_X)
        dmu_gap, dlog_var_gap = kl_backward(mu, log_var, *posterior(X, W, B, VAR_X))
        assert np.allclose([dmu, dlog_var], [-dmu_gap, -dlog_var_gap], atol=1e-12)  # the ELBO's, and the gap's
        mu, log_var = mu + rate * dmu, log_var + rate * dlog_var
    return np.array(path).T


def draw_climb(path):
    mu, log_var, elbo = climb()
    m, log_v = posterior(X, W, B, VAR_X)
    log_px = log_evidence(X)[0]
    grid = np.meshgrid(np.linspace(-1.1, 2.2, 120), np.linspace(-3.5, 1.5, 120))
    q = [a.reshape(-1, 1) for a in grid]
    gap = (log_px - elbo_three_ways(X + 0 * q[0], *q, W, B, VAR_X)[0]).reshape(grid[0].shape)
    levels = [0.1, 0.3, 1, 3, 10]
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        lines = left.contour(*grid, gap, levels, colors=GREY, linewidths=1)
        left.clabel(lines, fmt="%g", fontsize=8)
        left.plot(mu, log_var, "o-", color=ORANGE, ms=3, lw=1)
        left.plot(m[0], log_v[0], "*", color=BLUE, ms=14)
        left.text(mu[0] + 0.05, log_var[0] + 0.15, "start", color=ORANGE)
        left.set(title="contours: nats below log p(x); dots: steps; star: posterior", xlabel="mu", ylabel="log_var")
        right.axhline(log_px, color=BLUE, ls="--", label="log p(x)")
        right.plot(elbo, color=ORANGE, label="ELBO")
        right.set(title="the bound reaches what it bounds", xlabel="step", ylabel="nats")
        right.legend(loc="lower right")
    print("gap in nats:", *(f"{log_px - elbo[t]:.4f} after {t} steps" for t in (0, 20, 100)), sep="  ")
    quoted("12.8", log_px - elbo[0])
    quoted("0.0014", log_px - elbo[-1])


with picture("07_climb") as path:
    draw_climb(path)

# %% [markdown]
# **Read the picture.** The mean is found within a few steps; the variance takes the rest. The gap falls from 12.8
# nats to 0.0014 in 100 steps, though `elbo_backward` has never heard of the posterior. Inside `climb` it is compared
# with `kl_backward` to the posterior at every step: the same gradient, with the opposite sign.
#
# Here the gap can be closed because the posterior *is* a Gaussian. With a network as decoder it is not, and a
# Gaussian $q$ leaves a rest. A VAE has a second reason for a gap: one encoder guesses for all $x$ and cannot be best
# for each.
#
# ## Outlook: K samples under the logarithm
#
# Call $w_k = p(x, z_k) / q(z_k)$ the weight of a sample from $q$. Its mean is
# $\int q \cdot p(x, z) / q \, dz = p(x)$, whatever $q$ is. The ELBO is the mean of $\log w$. One may average first,
# and take the logarithm then:
#
# $$\mathcal{L}_K = \mathbb{E}\left[ \log \frac1K \sum_{k=1}^K w_k \right], \qquad \mathcal{L}_1 = \text{ELBO} .$$
#
# The logarithm is concave, so the mean of logarithms is at most the logarithm of the mean (*Jensen's inequality*;
# put $u = w / \mathbb{E}[w]$ into $\log u \le u - 1$ and average). So every $\mathcal{L}_K \le \log p(x)$. And it
# does not fall with K: the mean of $K + 1$ weights is the mean of its $K + 1$ leave-one-out means, and Jensen's
# inequality says that the logarithm of the former is at least the mean of the latter's logarithms.


# %%
def log_weights(mu, log_var, eps):
    """log p(x, z) - log q(z) for one latent: eps (M,) -> (M,)."""
    z = mu + np.exp(log_var / 2) * eps
    log_joint = -0.5 * (2 * LOG_2PI + np.log(VAR_X) + (X[0] - W * z - B) ** 2 / VAR_X + z**2)
    return log_joint + 0.5 * (LOG_2PI + log_var + eps**2)


def draw_importance(path, M=2**18):
    eps, Ks, log_px = np.random.default_rng(0).standard_normal(M), 2 ** np.arange(9), log_evidence(X)[0]
    guesses = {"q = prior": (0.0, 0.0), "q halfway, N(0.4, 0.6)": (0.4, np.log(0.6))}
    with figure_to(path, (10, 3.6)) as figure:
        ax = figure.subplots()
        ax.axhline(log_px, color=BLUE, ls="--", label="log p(x)")
        for (name, q), color in zip(guesses.items(), (CLASSES[3], ORANGE)):
            weights = np.exp(log_weights(*q, eps))
            bounds = [np.log(weights.reshape(-1, K).mean(axis=1)) for K in Ks]
            means, errors = [b.mean() for b in bounds], [b.std() / np.sqrt(len(b)) for b in bounds]
            ax.errorbar(Ks, means, 2 * np.array(errors), fmt="o-", ms=4, color=color, capsize=2, label=name)
            print(name, *(f"K={K}: {m:.3f}" for K, m in zip(Ks[::2], means[::2])), sep="   ")
            assert all(mean < log_px + 4 * error for mean, error in zip(means, errors))
            exact = elbo_three_ways(X, *(np.full((1, 1), a) for a in q), W, B, VAR_X)[0][0]
            assert abs(means[0] - exact) < 4 * errors[0]
            if name == "q = prior":
                quoted("3.2", log_px - exact)
                quoted("0.05", log_px - means[4], within=0.015)
        ax.set(title="the bound of K samples closes in on log p(x), from below", xlabel="samples K", ylabel="nats")
        ax.set_xscale("log", base=2)
        ax.set_xticks(Ks, [str(K) for K in Ks])
        ax.legend(loc="lower right")


with picture("07_importance") as path:
    draw_importance(path)

# %% [markdown]
# **Read the picture.** Even with the prior as its guess, 3.2 nats off, the bound of 16 samples is only some 0.05
# nats below $\log p(x)$. That is one latent. With 20 of them and a poor $q$ nearly all weights are tiny, and K would
# have to be astronomical. This bound is the importance-weighted autoencoder's, and how `minivae evaluate` estimates
# $\log p(x)$.
#
# ## The same in minivae
#
# Your `kl` and `kl_backward` are `kl_gaussians` and `kl_gaussians_backward` of `minivae/densities.py`,
# which leave the sum over the latents to the model. For whole
# models the laboratory knows $\log p(x)$ in two cases: linear decoders in closed form, and one or two latents by
# quadrature, for any decoder. Here a VAE with a *tanh* network and Bernoulli pixels, whose posterior is no Gaussian:

# %%
from minivae import VAE, densities
from minivae.truth import linear_gaussian
from minivae.truth.quadrature import elbo_by_quadrature, log_evidence_by_quadrature


def same_as_the_library():
    rng = np.random.default_rng(1)
    arguments = rng.standard_normal((4, 6, 3))
    theirs = densities.kl_gaussians_backward(np.ones((6, 3)), *arguments)[:2]
    difference = max(np.abs(a - b).max() for a, b in zip(kl_backward(*arguments), theirs))
    return max(difference, np.abs(kl(*arguments) - densities.kl_gaussians(*arguments).sum(axis=-1)).max())


def table(name, log_px, elbo, gap):
    print(f"{name}\n log p(x)      ELBO    KL(q || p(z | x))   ELBO + KL")
    for row in zip(log_px, elbo, np.abs(gap), elbo + gap):
        print("{:9.4f} {:9.4f} {:20.4f} {:11.4f}".format(*row))
    assert np.allclose(elbo + gap, log_px, rtol=0, atol=1e-7)


def whole_models():
    rng = np.random.default_rng(0)
    model = VAE.build((6,), rng, hidden=(8,), latent=1, activation="tanh", likelihood="bernoulli").bind("float64")
    model.theta += 0.5 * rng.standard_normal(model.theta.size)
    x = np.array([[1.0, 1, 1, 0, 0, 0], [0, 1, 0, 1, 0, 1], [1, 0, 0, 1, 1, 1]])
    table("tanh network, by quadrature", log_evidence_by_quadrature(model, x), *elbo_by_quadrature(model, x))
    model, x = linear_gaussian.build(rng, diagonal=True), rng.standard_normal((3, 5))
    linear_gaussian.make_posterior_exact(model)
    gap = elbo_by_quadrature(model, x)[1]
    table("linear, q set to the posterior", linear_gaussian.log_evidence(model, x), linear_gaussian.elbo(model, x), gap)
    assert np.all(np.abs(gap) < 1e-7)


print(f"largest difference between your functions and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12
whole_models()

# %% [markdown]
# The quadrature's KL is a sum over a grid of $z$ that uses neither $\log p(x)$ nor the ELBO. The columns add up all
# the same.
#
# ## More to try
#
# 1. `kl` in the other direction, KL(p || q): move a narrow q over a wide p, and a wide q over a narrow p. Which
# direction punishes what?
# 2. For which `log_var`, at the right mean, is the ELBO within 0.01 nats of log p(x)? Read it off a plot, and then
# off the formula of the KL for small deviations.
# 3. Set `VAR_X` to 0.01 and climb again. Which rate does it need, and why?
# 4. Learn the decoder as well: derive the gradient of the ELBO in w and b, and fit 200 pixels drawn with $w = 1.5$
# and $b = 0.5$.
# 5. In `draw_importance`, let q be narrower than the posterior, `(0.82, -4.0)`. The errors look small. Are they
# right?
# 6. Repeat `draw_importance` with 10 independent copies of latent and pixel: weights multiply. How many samples does
# the better q need now to come within 0.1 nats? And the prior?
#
# ## Questions
#
# <details><summary>Why is the ELBO a lower bound?</summary>log p(x) = ELBO + KL(q || p(z | x)), and a KL is never
# negative.</details>
#
# <details><summary>The ELBO of a VAE rises. Did log p(x) rise?</summary>Not necessarily: the gap may have shrunk
# instead. If only q was trained, log p(x) did not move at all.</details>
#
# <details><summary>Can one use the third way to train?</summary>No. It needs log p(x) and the posterior, which are
# unknown in general. It explains what the first way does.</details>
#
# <details><summary>Why does the KL formula need no samples and the reconstruction does?</summary>Both densities in
# the KL are Gaussian, so the averages have formulas. In the reconstruction z goes through a network.</details>
#
# <details><summary>A KL of 10 nats was estimated with error 0.1 from 100 samples. How many for 0.01?</summary>A
# hundred times as many, 10,000: the error falls with the root of K.</details>
#
# ## Further reading
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes* (2013), section 2.2 and appendix B: the bound and the
# KL.
# - C. M. Bishop, *Pattern Recognition and Machine Learning* (2006), sections 2.3.3 and 9.4: linear Gaussian models,
# and the identity.
# - M. D. Hoffman, M. J. Johnson, *ELBO surgery: yet another way to carve up the variational evidence lower bound*
# (2016): more than three ways.
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance Weighted Autoencoders* (2015), theorem 1: the bound of K
# samples.
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi, *Don't Blame the ELBO! A Linear VAE Perspective on Posterior
# Collapse* (2019): the linear model, with many pixels.
# - `minivae/densities.py`, `minivae/truth/linear_gaussian.py`, `minivae/truth/quadrature.py`.

# %%
progress()
