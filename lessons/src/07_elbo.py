# %% [markdown]
# # 7. The ELBO, three ways
#
# **After this lesson you can** explain the number that a VAE is trained on: what it bounds, how far below that it
# stays, and why you can raise it without knowing either. You can also compute how far one Gaussian is from another, by
# formula, or from samples and with an error bar.
#
# **You will build** the KL divergence of two Gaussians, both ways, and the ELBO of a model in which everything is
# known: the bound, what it bounds, and the gap between the two. Then you close the gap.
#
# **You need** the chain rule of lesson 1, and from elsewhere the density of a normal distribution, what an expectation
# and a variance are, and that log(a b) = log a + log b. About 3 hours.
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

from minivae.plot.lessons import lesson07 as drawings
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
# The second part is called the *Kullback-Leibler divergence*, KL, of $q$ from the posterior. In general
# $\text{KL}(q \,\|\, p) = \mathbb{E}_q[\log q - \log p]$, where both are densities of $z$.
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
# Let $q = N(\mu, v)$ and $p = N(\mu_p, v_p)$. The encoder of a VAE gives $\log v$, not $v$, since a logarithm may be
# any number, while a variance must be positive. It is called `log_var`, and $v = e^{\log\text{var}}$; the same goes for
# $p$. The density of $q$ is
#
# $$q(z) = \frac{1}{\sqrt{2 \pi v}} \, e^{-(z - \mu)^2 / (2 v)} .$$
#
# *Given*: under $q$ the mean of $z$ is $\mu$, and the mean of $(z - \mu)^2$ is $v$. *Wanted*: the average
#
# $$\text{KL}(q \,\|\, p) = \mathbb{E}_q[\log q(z) - \log p(z)]$$
#
# as a formula of $\mu$, $\log v$, $\mu_p$, $\log v_p$ in which no $z$ is left.
#
# With L independent latents the densities are products, their logarithms are sums, and so is the KL.
#
# ### Exercise 7.1: `kl`
#
# Derive the formula for one latent, with pencil and paper. Then write it: all four arguments are (N, L). Return (N,):
# one number per example, summed over the latents.
#
# <details><summary>Derivation, step 1: what do the two logarithms look like?</summary>
#
# The logarithm of the density above is
#
# $$\log q(z) = -\tfrac12 \Big( \log 2\pi + \log v + \frac{(z - \mu)^2}{v} \Big) ,$$
#
# and that of $p$ is the same with $\mu_p$ and $v_p$. In the difference $\log 2\pi$ cancels. Only the two squares
# contain $z$, so only they have to be averaged.
#
# </details>
#
# <details><summary>Derivation, step 2: which of the averages is known already?</summary>
#
# The mean of $(z - \mu)^2$ under $q$ is $v$. So the square in $\log q$ becomes $v / v$, a plain number.
#
# </details>
#
# <details><summary>Derivation, step 3: and the other one?</summary>
#
# The distance to $\mu_p$ splits into two parts: $z - \mu_p = (z - \mu) + (\mu - \mu_p)$. Its square is
#
# $$(z - \mu)^2 + 2 (z - \mu) (\mu - \mu_p) + (\mu - \mu_p)^2 .$$
#
# Average each of the three. The mean of the first is known. In the second $\mu - \mu_p$ is a fixed number, and
# $z - \mu$ has the mean 0. The third does not contain $z$. What you find is divided by $v_p$, as in $\log p$. Put both
# averages into the difference of step 1.
#
# </details>


# %%
def kl(mu, log_var, mu_p, log_var_p):
    # Exercise 7.1: kl
    ### BEGIN SOLUTION
    # KL = (log v_p - log v + v / v_p + (mu - mu_p)^2 / v_p - 1) / 2
    ratio = np.exp(log_var - log_var_p)
    distance = (mu - mu_p) ** 2 / np.exp(log_var_p)
    return 0.5 * (log_var_p - log_var + ratio + distance - 1).sum(axis=-1)
    ### END SOLUTION


# %%
check("7.1", kl)

# %% [markdown]
# ### Its gradient
#
# In training $\mu$ and $\log v$ change. In your formula $\mu$ is in one term, a square. $\log v$ is in two: by itself,
# and in $v / v_p = e^{\log v - \log v_p}$, which is its own derivative. The gradient is 0 where $\mu = \mu_p$ and
# $v = v_p$, as it must be: there the KL is smallest.
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
# one. Their mean is a K-th of the sum, and its variance is $K \, \text{Var}[t] / K^2 = \text{Var}[t] / K$. The
# *standard error* is the root of that:
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
def sampled():
    """The KL of three latents to N(0, 1): formula, numbers of samples K, means and errors (runs, K)."""
    mu, log_var = np.array([[0.8, -0.4, 0.1]]), np.array([[-1.5, -0.5, 0.3]])
    exact, sizes = kl(mu, log_var, 0 * mu, 0 * mu)[0], 4 ** np.arange(2, 9)
    found = [[kl_monte_carlo(mu, log_var, np.random.default_rng([K, run]).standard_normal((K, 1, 3))) for K in sizes]
             for run in range(3)]  # fmt: skip
    means, errors = np.moveaxis(np.array(found)[..., 0], -1, 0)
    print(f"formula {exact:.4f}; from {sizes[-1]:,} samples {means[0, -1]:.4f} +- {errors[0, -1]:.4f} nats")
    assert np.all(np.abs(means - exact) < 4 * errors)
    quoted("0.84", exact)
    quoted("0.0033", errors[0, -1])
    quoted("0.2", errors[0, -1] * (sizes[-1] / 16) ** 0.5)
    return exact, sizes, means, errors


with picture("07_monte_carlo") as path:
    drawings.monte_carlo(path, *sampled())

# %% [markdown]
# **Read the picture.** With 16 samples the error is some 0.2 nats, a quarter of the KL itself, which is 0.84. With
# 65,536 it is 0.0033. Where there is a formula, it is better; where there is none, for a flow or a mixture as a
# prior, this is how it is done.
#
# ## A model in which everything is known
#
# Let each latent have one pixel of its own, with a weight $w$ and a bias $b$:
#
# $$p(z) = N(0, 1), \qquad p(x \mid z) = N(w z + b, \, \text{var}_x) .$$
#
# **The evidence.** $x = w z + b + \text{noise}$ is a sum of independent normal variables. So $x$ is normal, with the
# mean $b$ and the variance $w^2 + \text{var}_x$.
#
# **The posterior.** By its definition $p(z \mid x) = p(x, z) / p(x)$, and $p(x)$ does not contain $z$. So as a function
# of $z$ the posterior is $p(x, z) = p(x \mid z) \, p(z)$ up to a factor, and its logarithm is $\log p(x, z)$ up to a
# constant. That is a polynomial of second degree in $z$, and so the posterior is a normal density again.
#
# *Wanted*: its mean $\mu_{\text{post}}$ and its variance $v_{\text{post}}$, made of $x$, $w$, $b$ and
# $\text{var}_x$.
#
# ### Exercise 7.4: `posterior`
#
# Derive both formulas. Then write them: `x` (N, L), `w` and `b` (L,), `var_x` a number. Return the mean,
# `mu_post`, and the logarithm of the variance, `log_var_post`, both (N, L).
#
# <details><summary>Derivation, step 1: what contains z?</summary>
#
# Write down the logarithms of $p(z)$ and of $p(x \mid z)$ and leave out all that does not contain $z$:
#
# $$\log p(x, z) = -\tfrac12 \Big( z^2 + \frac{(x - b - w z)^2}{\text{var}_x} \Big) + \dots$$
#
# </details>
#
# <details><summary>Derivation, step 2: how much of each power is there?</summary>
#
# Multiply out the square, and sort by powers of $z$:
#
# $$-\tfrac12 \Big( \Big( 1 + \frac{w^2}{\text{var}_x} \Big) z^2 - 2 \, \frac{w (x - b)}{\text{var}_x} \, z \Big)
# + \dots$$
#
# </details>
#
# <details><summary>Derivation, step 3: what would a normal density have there?</summary>
#
# The logarithm of its density is $-\tfrac12 (z - \mu_{\text{post}})^2 / v_{\text{post}}$ up to a constant, that is
#
# $$-\tfrac12 \Big( \frac{1}{v_{\text{post}}} \, z^2
#   - 2 \, \frac{\mu_{\text{post}}}{v_{\text{post}}} \, z \Big) + \dots$$
#
# Both are the same function of $z$. So the factors of $z^2$ are equal, which gives $v_{\text{post}}$. And the factors
# of $z$ are equal, which gives $\mu_{\text{post}} / v_{\text{post}}$, and from it $\mu_{\text{post}}$.
#
# </details>


# %%
def posterior(x, w, b, var_x):
    # Exercise 7.4: mu_post, log_var_post
    ### BEGIN SOLUTION
    # 1 / v_post = 1 + w^2 / var_x,   mu_post / v_post = w (x - b) / var_x
    v = 1 / (1 + w**2 / var_x)
    return v * w * (x - b) / var_x, np.log(v) + np.zeros_like(x)
    ### END SOLUTION


# %%
check("7.4", posterior)

# %% [markdown]
# One over the variance of a normal distribution is called its *precision*. You have found that precisions add: the
# prior has the precision 1, and the pixel brings $w^2 / \text{var}_x$. A pixel with little noise, or with a large
# weight, says more about $z$.
#
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
# ### Exercise 7.5: `elbo_parts`
#
# Return the six parts, `log_px_z, kl_prior, log_pz, entropy, log_px, gap`, (N,) each, summed over the latents and their
# pixels:
#
# - `log_px_z`, `log_pz` and `entropy` are the three formulas above,
# - `kl_prior` is $\text{KL}(q \,\|\, p(z))$ and `gap` is $\text{KL}(q \,\|\, p(z \mid x))$: use your `kl` and your
# `posterior`,
# - `log_px` is $\log p(x)$: what do you know about $x$ in this model?


# %%
def elbo_parts(x, mu, log_var, w, b, var_x):
    # Exercise 7.5: log_px_z, kl_prior, log_pz, entropy, log_px, gap
    ### BEGIN SOLUTION
    v, zero, var = np.exp(log_var), np.zeros_like(mu), w**2 + var_x
    log_px_z = -0.5 * (LOG_2PI + np.log(var_x) + ((x - w * mu - b) ** 2 + w**2 * v) / var_x).sum(axis=-1)
    kl_prior = kl(mu, log_var, zero, zero)
    log_pz = -0.5 * (LOG_2PI + mu**2 + v).sum(axis=-1)
    entropy = 0.5 * (LOG_2PI + log_var + 1).sum(axis=-1)
    log_px = -0.5 * (LOG_2PI + np.log(var) + (x - b) ** 2 / var).sum(axis=-1)
    gap = kl(mu, log_var, *posterior(x, w, b, var_x))
    return log_px_z, kl_prior, log_pz, entropy, log_px, gap
    ### END SOLUTION


# %%
check("7.5", elbo_parts)

# %% [markdown]
# Your parts, added up in the three ways, for four examples with everything drawn at random:


# %%
def elbo_three_ways(x, mu, log_var, w, b, var_x):
    log_px_z, kl_prior, log_pz, entropy, log_px, gap = elbo_parts(x, mu, log_var, w, b, var_x)
    return log_px_z - kl_prior, log_px_z + log_pz + entropy, log_px - gap


def three_ways_agree():
    rng = np.random.default_rng(0)
    ways = elbo_three_ways(*rng.standard_normal((3, 4, 2)), *rng.standard_normal((2, 2)), 0.5)
    names = "reconstruction - KL", "joint + entropy", "evidence - gap"
    for name, way in zip(names, ways):
        print(f"{name:<20}", *(f"{elbo:18.14f}" for elbo in way))
        assert np.allclose(way, ways[0], rtol=0, atol=1e-11)


three_ways_agree()

# %% [markdown]
# Now the picture of the beginning. One latent, one pixel, $x = 2$; three guesses of the same width, std = 0.6.

# %%
W, B, VAR_X = np.array([1.5]), np.array([0.5]), 0.5  # of the decoder
X = np.array([[2.0]])


def parts(mu, log_var, x=X):
    """The six parts for this decoder: mu, log_var (n, 1), and x (n, 1) or X for all."""
    return elbo_parts(np.broadcast_to(x, mu.shape), mu, log_var, W, B, VAR_X)


def elbo(mu, log_var, x=X):
    """The first way, (n,)."""
    log_px_z, kl_prior, *_ = parts(mu, log_var, x)
    return log_px_z - kl_prior


def log_evidence(x):
    """log p(x), the fifth part, which is the same for every q: (n, 1) -> (n,)."""
    return parts(0 * x, 0 * x, x)[4]


def log_normal(z, mean, log_var):
    return -0.5 * (LOG_2PI + log_var + (z - mean) ** 2 / np.exp(log_var))


def guesses():
    """Densities of z: prior, posterior, and three q with their ELBOs; then the ELBO of many q, and log p(x)."""
    (mu_post, log_var_post), log_px = posterior(X, W, B, VAR_X), log_evidence(X)[0]
    z, mu, log_var = np.linspace(-2.3, 4.6, 300), np.linspace(-0.7, 2.3, 200)[:, None], np.full((200, 1), np.log(0.36))
    prior, true = np.exp(log_normal(z, 0, 0)), np.exp(log_normal(z, mu_post[0], log_var_post[0]))
    three = [(at, np.exp(log_normal(z, at, log_var[0])), elbo(np.array([[at]]), log_var[:1])[0])
             for at in (-0.4, 0.3, mu_post[0, 0])]  # fmt: skip
    quoted("-1.8338", log_px)
    quoted("0.15", log_px - three[2][2])
    return z, prior, true, three, mu[:, 0], elbo(mu, log_var), log_px


with picture("07_gap") as path:
    drawings.gap(path, *guesses())

# %% [markdown]
# **Read the picture.** In this model $\log p(x) = -1.8338$ nats. The better $q$ covers the posterior, the smaller
# the gap. The green $q$ has the right mean, and a gap of 0.15 is left: its width is wrong.
#
# Do not believe the identity because of the algebra only. Here are five pixels, each with a $q$ drawn at random. The
# ELBO comes from the first way and, for comparison, from samples. The last column is your `gap`, the KL to your
# `posterior`.


# %%
def gap_table(K=100_000):
    rng = np.random.default_rng(2)
    x, mu, log_var = 2 * rng.standard_normal((5, 1)), rng.standard_normal((5, 1)), rng.standard_normal((5, 1))
    z = mu + np.exp(log_var / 2) * rng.standard_normal((K, 5, 1))
    log_joint = log_normal(x, W * z + B, np.log(VAR_X)) + log_normal(z, 0, 0)
    terms = (log_joint - log_normal(z, mu, log_var)).sum(axis=-1)  # (K, 5)
    sampled, error = terms.mean(axis=0), terms.std(axis=0) / np.sqrt(K)
    log_px, bound, gap = log_evidence(x), elbo(mu, log_var, x), parts(mu, log_var, x)[5]
    print(" log p(x)      ELBO   ELBO from samples    log p(x) - ELBO   KL(q || p(z | x))")
    for row in zip(log_px, bound, sampled, error, log_px - bound, gap):
        print("{:9.4f} {:9.4f}   {:8.3f} +- {:.3f} {:18.4f} {:19.4f}".format(*row))
    assert np.allclose(log_px - bound, gap, rtol=0, atol=1e-12)
    assert np.all(np.abs(sampled - bound) < 4 * error)


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
    """mu, log_var and ELBO of every step."""
    mu, log_var, path = np.full((1, 1), -0.8), np.full((1, 1), 1.0), []
    for _ in range(steps + 1):
        path.append((mu[0, 0], log_var[0, 0], elbo(mu, log_var)[0]))
        dmu, dlog_var = elbo_backward(X, mu, log_var, W, B, VAR_X)
        dmu_gap, dlog_var_gap = kl_backward(mu, log_var, *posterior(X, W, B, VAR_X))
        assert np.allclose([dmu, dlog_var], [-dmu_gap, -dlog_var_gap], atol=1e-12)  # the ELBO's, and the gap's
        mu, log_var = mu + rate * dmu, log_var + rate * dlog_var
    return np.array(path).T


def climbed():
    mu, log_var, bound = climb()
    log_px = log_evidence(X)[0]
    grid = np.meshgrid(np.linspace(-1.1, 2.2, 120), np.linspace(-3.5, 1.5, 120))
    gaps = log_px - elbo(*(a.reshape(-1, 1) for a in grid)).reshape(grid[0].shape)
    print("gap in nats:", *(f"{log_px - bound[t]:.4f} after {t} steps" for t in (0, 20, 100)), sep="  ")
    quoted("12.8", log_px - bound[0])
    quoted("0.0014", log_px - bound[-1])
    return mu, log_var, bound, [a[0] for a in posterior(X, W, B, VAR_X)], log_px, grid, gaps


with picture("07_climb") as path:
    drawings.climb(path, *climbed())

# %% [markdown]
# **Read the picture.** The mean is found within a few steps; the variance takes the rest. The gap falls from 12.8
# nats to 0.0014 in 100 steps, though `elbo_backward` has never heard of the posterior. Inside `climb` it is compared
# with `kl_backward` to the posterior at every step: the same gradient, with the opposite sign.
#
# Here the gap can be closed because the posterior *is* a Gaussian. With a network as decoder it is not, and a
# Gaussian $q$ leaves a gap. A VAE has a second reason for a gap: one encoder guesses for all $x$ and cannot be best
# for each.
#
# ## Outlook: K samples under the logarithm
#
# Let $r_k = p(x, z_k) / q(z_k)$ be the ratio of both densities at $z_k$, a sample from $q$. Its mean is
# $\int q \cdot p(x, z) / q \, dz = p(x)$, whatever $q$ is. The ELBO is the mean of $\log r$. One may average first, and
# take the logarithm then:
#
# $$\mathcal{L}_K = \mathbb{E}\left[ \log \frac1K \sum_{k=1}^K r_k \right], \qquad \mathcal{L}_1 = \text{ELBO} .$$
#
# Is that a bound, too? Divide the average of the K ratios by $p(x)$ and call it $u$. Its mean is 1, so the mean of
# $u - 1$ is 0 and may be added:
#
# $$\log p(x) - \mathcal{L}_K = -\mathbb{E}[\log u] = \mathbb{E}[u - 1 - \log u] \ge 0 ,$$
#
# once more since $\log u \le u - 1$. For $u$ near 1 the last bracket is nearly $\tfrac12 (u - 1)^2$. So the gap is
# about half the variance of $u$; and the variance of an average of K is a K-th of that of one. Hence *twice the
# samples, half the gap*, as soon as it is small. This is what the picture shows. (It averages the last form, which is
# never negative and far less noisy than $-\log u$.)


# %%
def log_ratio(mu, log_var, eps):
    """log p(x, z) - log q(z) at z = mu + std eps, for one latent: eps (M,) -> (M,)."""
    z = mu + np.exp(log_var / 2) * eps
    log_joint = log_normal(X[0], W * z + B, np.log(VAR_X)) + log_normal(z, 0, 0)
    return log_joint - log_normal(z, mu, log_var)


def gap_of(K, log_r, log_px):
    """log p(x) - L_K and its standard error, from M samples in groups of K."""
    u = np.exp(log_r - log_px).reshape(-1, K).mean(axis=1)
    terms = u - 1 - np.log(u)
    return terms.mean(), terms.std() / np.sqrt(len(terms))


def many_samples(M=2**20):
    eps, Ks = np.random.default_rng(0).standard_normal(M), 2 ** np.arange(9)
    guesses, gaps = {"q = prior": (0.0, 0.0), "q halfway, N(0.4, 0.6)": (0.4, np.log(0.6))}, {}
    for name, q in guesses.items():
        mu, log_var = (np.full((1, 1), a) for a in q)
        means, errors = np.array([gap_of(K, log_ratio(*q, eps), log_evidence(X)) for K in Ks]).T
        print(f"{name:<24}", *(f"K={K}: {mean:.4f}" for K, mean in zip(Ks[::2], means[::2])), sep="  ")
        assert abs(means[0] - (log_evidence(X) - elbo(mu, log_var))) < 4 * errors[0]  # one sample: the ELBO's gap
        assert np.all(np.diff(means) < 0)
        quoted("0.5", means[-1] / means[-2], within=0.05)
        gaps[name] = means, errors
    quoted("3.2", gaps["q = prior"][0][0])
    quoted("0.05", gaps["q = prior"][0][4])
    return Ks, gaps


with picture("07_importance") as path:
    drawings.importance(path, *many_samples())

# %% [markdown]
# **Read the picture.** Each dot is a gap (its error bar, of two standard errors, is smaller than the dot), and each
# dashed line falls like 1 / K. Even with the prior as its guess, where the ELBO is 3.2 nats off, the bound of 16
# samples is only some 0.05 nats below $\log p(x)$, and from there on twice the samples leave half the gap. That is one
# latent. With 20 of them and a poor $q$ nearly all ratios are tiny, and K would have to be astronomical. This bound is
# that of the importance-weighted autoencoder (which calls the ratios *weights*), and how `minivae evaluate` estimates
# $\log p(x)$.
#
# ## The same in minivae
#
# Your `kl` and `kl_backward` are `kl_gaussians` and `kl_gaussians_backward` of `minivae/densities/`, which leave the
# sum over the latents to the model. For whole models the library knows $\log p(x)$ in two cases: for linear decoders
# by a formula, and for any decoder of one or two latents by *quadrature*, a sum over a fine grid of $z$ in the place
# of the integral. Here a VAE with a tanh network whose pixels are bits, so that the posterior is no Gaussian, and a
# linear model whose $q$ is the posterior:

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
# The KL is summed over the grid by itself, from neither $\log p(x)$ nor the ELBO. The columns add up all the same.
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
# 5. In `many_samples`, let q be narrower than the posterior, `(0.82, -4.0)`. For K = 1 the gap is known, it is
# log p(x) - ELBO. By how many standard errors is the estimate off? Try other seeds. Which samples are nearly always
# missing?
# 6. Repeat `many_samples` with 10 independent copies of latent and pixel: their ratios multiply. How many samples does
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
# - `minivae/densities/`, `minivae/truth/linear_gaussian.py`, `minivae/truth/quadrature.py`.

# %%
progress()
