# %% [markdown]
# # 8. How does the gradient go through a sample?
#
# **After this lesson you can** compute the gradient of an average over random draws, without which no VAE learns. And
# you know why one way to do so works well where another, just as correct, drowns in noise.
#
# **You will build** both ways around a random draw: *reparameterization*, which every VAE uses, and the
# *score-function estimator*, which works where the first does not. You redo a VAE of two pixels number by number,
# measure how noisy both ways are, and train with both.
#
# **You need** the chain rule of lesson 1, the loss of lesson 7 (its formula is repeated where it is used), and from
# elsewhere what a density, an expectation and a variance are. About 2.5 hours.
#
# ![Left: samples on a curve move to the right with mu. Right: they stay, and their weights change](picture:08_two_ways)
#
# *The whole lesson. A sample z costs f(z). What happens to the average cost when mu grows a little? Left: every
# sample moves along, and the slope of f says what that does to its cost. Right: no sample moves, but those on the
# right get more weight (area) and those on the left less. Both are right. The second is far noisier.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae.plot.lessons import lesson08 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %%
with picture("08_two_ways") as path:
    drawings.two_ways(path)

# %% [markdown]
# ## What is the problem?
#
# An encoder gives $\mu$ and $\log\text{var}$, a sample $z$ is drawn from $q = N(\mu, \text{std}^2)$, and $z$ costs
# $f(z)$. In a VAE $f(z) = -\log p(x \mid z)$. We want to change $\mu$ so that the *average* cost falls:
#
# $$\frac{d}{d\mu} \, \mathbb{E}_{q}[f(z)] = \frac{d}{d\mu} \int q(z; \mu) \, f(z) \, dz .$$
#
# The tempting step is to pull the derivative inside the expectation and to average $df/d\mu$. But $f(z)$ does not
# contain $\mu$. For a given number $z$, $df/d\mu = 0$, and the average of zeros is 0. What contains $\mu$ is the
# *density* that $z$ is drawn from:
#
# $$\frac{d}{d\mu} \int q \, f \, dz = \int \frac{\partial q(z; \mu)}{\partial \mu} f(z) \, dz .$$
#
# Samples can estimate an average over $q$, an integral $\int q \cdot (\dots) \, dz$. Here
# $\partial q / \partial \mu$ stands in the place of $q$, and that is no density: it is negative wherever $z < \mu$.
# (If $f$ contains $\mu$ as well, as the KL does, the product rule adds $\mathbb{E}_q[\partial f / \partial \mu]$. That
# part is an average, and harmless.) There are two ways out. One moves $\mu$ out of the density and into $f$. The other
# writes $\partial q / \partial \mu$ as $q$ times something.
#
# We shall try everything on a cost whose answer is known. For $f(z) = \sum_l z_l^2$,
#
# $$\mathbb{E}_q[f] = \sum_l \mu_l^2 + \text{std}_l^2, \qquad \frac{d}{d\mu_l} = 2 \mu_l, \qquad
#   \frac{d}{d\log\text{var}_l} = \text{std}_l^2, \quad\text{since}\quad \text{std}^2 = e^{\log\text{var}} .$$
#
# ## The first way: reparameterization
#
# A sample of $N(\mu, \text{std}^2)$ is a sample `eps` of $N(0, 1)$, stretched and moved:
#
# $$z = \mu + \text{std} \cdot \varepsilon, \qquad \text{std} = e^{\log\text{var} / 2} .$$
#
# To see what this does to the integral, substitute. Let $\varphi$ be the density of $N(0, 1)$. Then
# $q(z) = \varphi(\varepsilon) / \text{std}$ with $\varepsilon = (z - \mu) / \text{std}$, and
# $dz = \text{std} \, d\varepsilon$:
#
# $$\int q(z) f(z) \, dz = \int \varphi(\varepsilon) \, f(\mu + \text{std} \cdot \varepsilon) \, d\varepsilon .$$
#
# The same number, but now the density is free of parameters. They have moved into $f$, and the derivative may go
# inside, if only $f$ has no jumps:
#
# $$\frac{d}{d\mu} \mathbb{E}[f] = \mathbb{E}_\varepsilon\big[f'(\mu + \text{std} \cdot \varepsilon)\big] .$$
#
# The randomness is an *input* now, like data. Given `eps`, $z$ is an ordinary function of $\mu$ and
# $\log\text{var}$.
#
# ### Exercise 8.1: `reparameterize`
#
# `mu`, `log_var`, `eps`, all (N, L), give `z` (N, L). All noise is in `eps`; draw none yourself.


# %%
def reparameterize(mu, log_var, eps):
    # Exercise 8.1: z
    ### BEGIN SOLUTION
    return mu + np.exp(log_var / 2) * eps
    ### END SOLUTION


# %%
check("8.1", reparameterize)

# %% [markdown]
# ### Backward
#
# From the right arrives `dz` (N, L), the derivative of the loss by every entry of $z$. *Wanted*: the derivatives by
# every entry of $\mu$ and of $\log\text{var}$, made of `dz`, `log_var` and `eps`. Each entry of $z$ depends on only
# one entry of $\mu$, of $\log\text{var}$ and of `eps`. `eps` needs no gradient: nobody wants to change it.
#
# ### Exercise 8.2: `reparameterize_backward`
#
# Derive both by the chain rule, backward step by step as in lesson 1. Then write them: `dmu` and `dlog_var`, (N, L).
#
# <details><summary>Derivation, step 1: which way does each go?</summary>
#
# From $\mu$ to $z$ it is one step. From $\log\text{var}$ it is two:
#
# $$\text{std} = e^{\log\text{var} / 2}, \qquad z = \mu + \text{std} \cdot \varepsilon .$$
#
# Going back, `dz` is multiplied with the slope of each step along the way.
#
# </details>
#
# <details><summary>Derivation, step 2: what are the slopes of the last step?</summary>
#
# In $z = \mu + \text{std} \cdot \varepsilon$ let one thing change and hold the others fixed. If $\mu$ grows a little,
# $z$ grows by the same: the slope is 1. If std grows a little, $z$ grows by $\varepsilon$ times that: the slope is
# $\varepsilon$. So you have `dmu`, and $d\text{std} = dz \cdot \varepsilon$.
#
# </details>
#
# <details><summary>Derivation, step 3: what is the slope of the first step?</summary>
#
# In $e^{\log\text{var} / 2}$ the outer function, the exponential, is its own derivative. The inner function is
# $\log\text{var} / 2$, and it has a slope, too. Their product is the slope of std in $\log\text{var}$. Multiply dstd
# with it.
#
# </details>


# %%
def reparameterize_backward(dz, mu, log_var, eps):
    # Exercise 8.2: dmu, dlog_var
    ### BEGIN SOLUTION
    # dmu = dz,   dlog_var = dz eps std / 2
    dstd = dz * eps
    return dz, dstd * np.exp(log_var / 2) / 2
    ### END SOLUTION


# %%
check("8.2", reparameterize_backward)

# %% [markdown]
# How can `check` have a numeric gradient of something random? By keeping `eps` fixed while it moves `mu` and
# `log_var`. With new noise at every call the quotient would be noise divided by a tiny number. This is why in
# minivae all noise of a step is drawn first and handed over as an argument.
#
# ## With pencil and paper
#
# Here is a whole VAE: two pixels, one hidden unit, one latent, and a fixed `eps`. Redo its numbers with a pocket
# calculator.
#
# ![A VAE as a graph: values in blue, gradients in orange, two arrows leave z, mu and log_var](picture:08_pencil)
#
# *Values in blue, d loss / d node in orange. Where a node has two arrows out, each carries its part of the
# gradient.*
#
# $$\begin{aligned} a &= w_1 x_1 + w_2 x_2 + b, & h &= \tanh a, & \mu &= m h + m_0, & \log\text{var} &= s h + s_0, \\
#   \text{std} &= e^{\log\text{var} / 2}, & z &= \mu + \text{std} \cdot \varepsilon, & l_i &= v_i z + c_i, &
#   \log p_i &= x_i l_i - \log(1 + e^{l_i}), \end{aligned}$$
#
# and $\text{loss} = \text{kl} - \log p_1 - \log p_2$, the loss of lesson 7 with its KL of $q$ to $N(0, 1)$,
#
# $$\text{kl} = \tfrac12 (\mu^2 + e^{\log\text{var}} - 1 - \log\text{var}) .$$
#
# The pixels are bits: pixel $i$ is 1 with the probability $1 / (1 + e^{-l_i})$, and $l_i$ is called its *logit*. The
# slope of the loss in it is `dl_i`, this probability less $x_i$. Now four numbers are wanted.
#
# - $z$ is used twice, for $l_1$ and for $l_2$. What comes back along both adds up: the slope of $l_1$ in $z$ is
# $v_1$, that of $l_2$ is $v_2$.
# - $\mu$ is used twice, for $z$ and for the KL, whose slope is $\mu$. So $d\mu$ is a sum: *one part pulls the sample
# to where the pixels are explained, the other pulls the mean to 0*.
# - $\log\text{var}$ is used twice, for std and for the KL. The first way you know from 8.2. The slope of the KL in
# $\log\text{var}$ is $\tfrac12 (e^{\log\text{var}} - 1)$.
#
# ### Exercise 8.3: `around_the_sample`
#
# Return `dz, dstd, dmu, dlog_var`. All arguments are numbers, or arrays of one number per example: `check` calls it
# with several examples at once. (If you call your 8.2: its `dmu` may be `dz` itself, and `+=` would change both.)


# %%
def around_the_sample(dl1, dl2, v1, v2, mu, log_var, eps):
    # Exercise 8.3: dz, dstd, dmu, dlog_var
    ### BEGIN SOLUTION
    dz = dl1 * v1 + dl2 * v2
    dstd = dz * eps
    dmu = dz + mu
    dlog_var = dstd * np.exp(log_var / 2) / 2 + (np.exp(log_var) - 1) / 2
    return dz, dstd, dmu, dlog_var
    ### END SOLUTION


# %%
check("8.3", around_the_sample)

# %% [markdown]
# Now with the numbers of the picture. The last column moves the node a little and runs everything after it again.

# %%
from minivae.laboratory.pencil import pencil
from minivae.plot import draw_pencil


def by_hand():
    p = pencil()
    v, g = p.values, p.grads
    mine = around_the_sample(g["dl1"], g["dl2"], v["v1"], v["v2"], v["mu"], v["log_var"], v["eps"])
    print("            yours    finite difference")
    texts = "-0.9549", "-0.4775", "-0.4317", "-0.3245"
    for name, number, text in zip(("dz", "dstd", "dmu", "dlog_var"), mine, texts):
        print(f"{name:<8} {number:9.6f}  {p.numeric[name]:9.6f}")
        assert abs(number - p.numeric[name]) < 1e-9
        quoted(text, number)
    quoted("0.5232", v["mu"])  # the slope of the KL
    wrong = str(pencil(derivatives={"dlog_var": "dstd*std + dlog_var_kl"})).splitlines()
    print("\na wrong formula:", *(line for line in wrong if line.startswith(("derivative", "dlog_var "))), sep="\n")
    return p


with picture("08_pencil") as path:
    draw_pencil(by_hand(), path)

# %% [markdown]
# **Read the picture.** At $z$ stands $dz = -0.9549$: a larger $z$ would lower the loss. That number goes to $\mu$
# unchanged. There it meets the KL's 0.5232, which wants a smaller $\mu$, and $d\mu = -0.4317$ is left. Half of $dz$
# goes to std, since $\varepsilon = 0.5$ here: $d\text{std} = -0.4775$. Times std / 2, and with the KL's part, it
# gives $d\log\text{var} = -0.3245$. Everything left of that is lesson 1.
#
# `print(pencil())` shows every value and derivative as formula, numbers and finite difference. The last line
# printed above is from there: a formula that lacks a 1/2 is NOT OK.
#
# ## The second way: the score function
#
# Back to $\int (\partial q / \partial \mu) f \, dz$. The derivative of a logarithm is
# $\partial \log q = \partial q / q$, and therefore $\partial q = q \, \partial \log q$:
#
# $$\frac{d}{d\mu} \mathbb{E}_q[f] = \int q(z) \, \frac{\partial \log q(z)}{\partial \mu} \, f(z) \, dz
#   = \mathbb{E}_q\left[ f(z) \, \frac{\partial \log q(z)}{\partial \mu} \right] .$$
#
# That *is* an average over $q$. Draw samples, multiply the *score* $\partial \log q / \partial \mu$ of each by its
# cost $f(z)$, and average. No derivative of $f$ is needed: $f$ may be a table, a program, a game.
#
# For the Gaussian, with the square written as $(z - \mu)^2 e^{-\log\text{var}}$,
#
# $$\log q(z) = -\tfrac12 \big( \log 2\pi + \log\text{var} + (z - \mu)^2 e^{-\log\text{var}} \big) .$$
#
# *Wanted*: its derivatives by $\mu$ and by $\log\text{var}$, for one latent.
#
# ### Exercise 8.4: `score`
#
# Derive both. Then write them: `z`, `mu`, `log_var`, all (N, L), give $\partial \log q / \partial \mu$ and
# $\partial \log q / \partial \log\text{var}$, entry by entry, (N, L) each.
#
# <details><summary>Derivation, step 1: what is held fixed?</summary>
#
# $z$ is a number here. It has been drawn already and does not move when $\mu$ or $\log\text{var}$ do. (In the first way
# `eps` was fixed, and $z$ moved.) So the derivative of $\log 2\pi$ is 0, in $\mu$ only the square changes, and in
# $\log\text{var}$ two terms do.
#
# </details>
#
# <details><summary>Derivation, step 2: how does the square change with mu?</summary>
#
# The outer function is a square, the inner one $z - \mu$, whose slope in $\mu$ is negative:
# $-2 (z - \mu)$, times the factor $e^{-\log\text{var}}$ that stays. And before the bracket stands $-\tfrac12$.
#
# </details>
#
# <details><summary>Derivation, step 3: how do two terms change with log var?</summary>
#
# The first is $\log\text{var}$ itself. In the second the square stays as it is, and the derivative of
# $e^{-\log\text{var}}$ is itself times an inner derivative. Add both, and multiply with the $-\tfrac12$ before the
# bracket.
#
# </details>


# %%
def score(z, mu, log_var):
    # Exercise 8.4: dmu, dlog_var of log q
    ### BEGIN SOLUTION
    # (z - mu) / var,   ((z - mu)^2 / var - 1) / 2
    precision = np.exp(-log_var)
    return (z - mu) * precision, ((z - mu) ** 2 * precision - 1) / 2
    ### END SOLUTION


# %%
check("8.4", score)

# %% [markdown]
# In words: a step along the score makes this draw more probable. It moves $\mu$ towards $z$, and raises the variance
# if $z$ is farther from $\mu$ than one std. The cost decides how long the step is, and since a cost is to fall, the
# step goes the opposite way.
#
# ### A baseline costs nothing
#
# The score has the mean 0. A density integrates to 1 whatever its parameters are, so
#
# $$\mathbb{E}_q\left[\frac{\partial \log q}{\partial \mu}\right] = \int q \, \frac{\partial q / \partial \mu}{q} \,
# dz = \frac{d}{d\mu} \int q \, dz = \frac{d}{d\mu} 1 = 0 .$$
#
# So any number $b$ that does not depend on $z$ may be subtracted from $f$: the mean stays the same, since $b$ times
# 0 is 0. The noise does not. If all costs are near 1,000, every sample pushes $q$ away from itself, and what is
# wanted is a small difference of huge numbers. With $b$ near the average cost, samples that cost more than usual push
# $q$ away, and those that cost less pull it near.
#
# ### Exercise 8.5: `score_function`
#
# `f` (S,) are the costs of S draws; `z`, `mu`, `log_var` are (S, L), and `baseline` is a number or (S,). Return what
# each draw says, not averaged: `dmu, dlog_var`, (S, L) each.


# %%
def score_function(f, z, mu, log_var, baseline):
    # Exercise 8.5: dmu, dlog_var
    ### BEGIN SOLUTION
    dmu, dlog_var = score(z, mu, log_var)
    weight = (f - baseline)[:, None]
    return weight * dmu, weight * dlog_var
    ### END SOLUTION


# %%
check("8.5", score_function)

# %% [markdown]
# ### Which baseline?
#
# The average cost is not known, but with S draws there is an estimate at hand, their mean $\bar f$. Careful:
# $\bar f$ contains the draw's own cost. With it,
#
# $$\mathbb{E}\big[(f_i - \bar f)\, \partial \log q(z_i)\big] = \big(1 - \tfrac1S\big) \,
#   \mathbb{E}\big[f_i \, \partial \log q(z_i)\big],$$
#
# since $\bar f = f_i / S + (\text{others}) / S$, and the others are independent of $z_i$: they meet a score whose
# mean is zero. The gradient would be too short by the factor $1 - 1/S$, a *bias*. The cure is simple: for each draw
# take the mean of the **others**.
#
# ### Exercise 8.6: `leave_one_out`
#
# From the costs `f` (S,) make a baseline (S,): for each draw the mean cost of all other draws. No loop over pairs: it
# will be called with S = 100,000.


# %%
def leave_one_out(f):
    # Exercise 8.6: baseline
    ### BEGIN SOLUTION
    return (f.sum() - f) / (len(f) - 1)
    ### END SOLUTION


# %%
check("8.6", leave_one_out)

# %% [markdown]
# ## Do they agree?
#
# Now $f(z) = \sum_l z_l^2$, with two latents and 100,000 draws. `gradients` calls your functions; everything below
# is made of it.


# %%
def gradients(how, f, slope, mu, log_var, eps):
    """What each draw says: mu, log_var (L,), eps (S, L) -> dmu, dlog_var (S, L)."""
    mu, log_var = (np.broadcast_to(a, eps.shape) for a in (mu, log_var))
    z = reparameterize(mu, log_var, eps)
    if how == "reparameterization":
        return reparameterize_backward(slope(z), mu, log_var, eps)
    cost = f(z)
    return score_function(cost, z, mu, log_var, leave_one_out(cost) if how == "score, baseline" else 0.0)


def square(z):
    return (z**2).sum(axis=-1)


def square_slope(z):
    return 2 * z


HOW = "reparameterization", "score function", "score, baseline"


def agreement(S=100_000):
    mu, log_var = np.array([1.0, -0.5]), np.array([0.4, -1.0])
    exact = np.concatenate([2 * mu, np.exp(log_var)])
    eps = np.random.default_rng(0).standard_normal((S, 2))
    print(" " * 19, *(f"{name:<16}" for name in ("dmu[0]", "dmu[1]", "dlog_var[0]", "dlog_var[1]")), sep="  ")
    print(f"{'exact':<18}", *(f"{number:7.3f}         " for number in exact), sep="  ")
    for how in HOW:
        draws = np.concatenate(gradients(how, square, square_slope, mu, log_var, eps), axis=1)  # (S, 4)
        mean, error = draws.mean(axis=0), draws.std(axis=0) / S**0.5
        print(f"{how:<18}", *(f"{m:7.3f} +- {e:.3f}" for m, e in zip(mean, error)), sep="  ")
        assert np.all(np.abs(mean - exact) < 2 * error)


agreement()

# %% [markdown]
# All three have the right mean, within two standard errors. (They use the same `eps`, so they are off in the same
# direction.) The errors are what differs.
#
# ## How noisy are they?
#
# For one latent and the gradient in $\mu$ everything can be written down. With $z = \mu + \sigma\,\varepsilon$, where
# $\sigma$ is std:
#
# **Reparameterization.** One draw says $2z$, and $\text{Var}[2 z] = 4 \sigma^2$. A narrow $q$ makes it exact.
#
# **Score function.** One draw says $(z^2 - b)(z - \mu) / \sigma^2$. Put in $z$, and $c = \mu^2 - b$:
#
# $$(c + 2 \mu \sigma \varepsilon + \sigma^2 \varepsilon^2) \, \frac{\varepsilon}{\sigma}
#   = \frac{c}{\sigma} \varepsilon + 2 \mu \varepsilon^2 + \sigma \varepsilon^3 .$$
#
# The moments of a standard normal are $\mathbb{E}[\varepsilon^2] = 1$, $\mathbb{E}[\varepsilon^4] = 3$,
# $\mathbb{E}[\varepsilon^6] = 15$, and 0 for odd powers. So the mean is $2\mu$, as it must be, for every $b$. In the
# square, the three terms give $c^2 / \sigma^2$, $12 \mu^2$ and $15 \sigma^2$; of the mixed products only that of the
# first and the third is even, and gives $2 c \cdot 3$. Less the squared mean, $4 \mu^2$:
#
# $$\text{Var} = \frac{c^2}{\sigma^2} + 6 c + 8 \mu^2 + 15 \sigma^2 .$$
#
# - No baseline: $c = \mu^2$, and $\mu^4 / \sigma^2 + 14 \mu^2 + 15 \sigma^2$. It *explodes* where $q$ is narrow.
# - The mean cost, $b = \mu^2 + \sigma^2$: $c = -\sigma^2$, and $8 \mu^2 + 10 \sigma^2$. It stays finite.
# - The best number, $c = -3 \sigma^2$: $8 \mu^2 + 6 \sigma^2$. That is more than the $4 \sigma^2$ of
# reparameterization, and with any other $b$ it is more still.
#
# **Many latents.** The cost of the others is noise to this latent: each of them adds to the variance of the score
# function. How much, we shall measure. Reparameterization does not see them: $\partial f / \partial z_1$ is $2 z_1$.


# %%
def variance_of(how, mu, std):
    """The formulas, for one latent."""
    if how == "reparameterization":
        return 4 * std**2
    c = mu**2 if how == "score function" else -(std**2)
    return c**2 / std**2 + 6 * c + 8 * mu**2 + 15 * std**2


def measured(how, std, L, S=20_000):
    """Variance of dmu[0] over S draws, at mu = 1."""
    eps = np.random.default_rng(0).standard_normal((S, L))
    dmu, _ = gradients(how, square, square_slope, np.ones(L), np.full(L, 2 * np.log(std)), eps)
    return dmu[:, 0].var()


def variances():
    """At some stds for one latent, and at std 0.5 for some numbers of latents: {how: (formula, measured, measured)}."""
    stds, sizes, found = np.geomspace(0.05, 2, 9), np.array([1, 2, 4, 8, 16, 32, 64]), {}
    for how in HOW:
        line, dots = variance_of(how, 1.0, stds), np.array([measured(how, std, 1) for std in stds])
        assert np.all(np.abs(dots / line - 1) < 0.1)
        found[how] = line, dots, [measured(how, 0.5, L) for L in sizes]
    first, plain, baseline = (variance_of(how, 1.0, 0.1) for how in HOW)
    quoted("2850", plain / first, within=5)
    quoted("200", baseline / first, within=5)
    return stds, sizes, found


with picture("08_variance") as path:
    drawings.variance(path, *variances())

# %% [markdown]
# **Read the picture.** Solid lines are the formulas, dots are your functions, measured over 20,000 draws. (All dots on
# the left use the same draws, so they are off in the same direction: a little low.) At std = 0.1 the score function
# needs some 2850 times as many draws as reparameterization for the same accuracy, and some 200 times with a baseline.
# On the right each further latent adds noise to the gradient of the first, but not with reparameterization. A number
# per draw, f, cannot say *which* latent was at fault. A slope can.
#
# ## Train with both
#
# One example `x` (20 numbers) of a linear decoder, $p(x \mid z) = N(z W, 0.25 I)$, with ten latents. Its true
# posterior $p(z \mid x)$ is known (the rows of W are orthogonal, so it is a product of Gaussians). Start $q$ at the
# prior and go down the loss of a VAE, $\text{KL} - \mathbb{E}_q[\log p(x \mid z)]$, with 10 draws per step and the
# same rate for all. The slopes of the KL, $\mu$ and $\tfrac12 (e^{\log\text{var}} - 1)$, are exact for all. What is
# plotted is the *gap*, the loss less its smallest possible value, $-\log p(x)$. In lesson 7 we saw that this is the KL
# of $q$ and $p(z \mid x)$. Both are Gaussians here, so `kl_gaussians` knows it exactly, latent by latent.

# %%
from minivae.densities import kl_gaussians


def one_example(L=10, D=20, var=0.25):
    rng = np.random.default_rng(3)
    W = np.linalg.qr(rng.standard_normal((D, L)))[0].T * np.geomspace(1.5, 0.5, L)[:, None]
    x = rng.standard_normal(L) @ W + var**0.5 * rng.standard_normal(D)
    precision = (W**2).sum(axis=1) / var + 1  # of the posterior
    return x, W, var, x @ W.T / var / precision, -np.log(precision)


def descend(how, seed, S=10, steps=1000, rate=0.01):
    x, W, var, mu_true, log_var_true = one_example()

    def cost(z):  # -log p(x | z), (S, L) -> (S,)
        return 0.5 * ((x - z @ W) ** 2 / var + np.log(2 * np.pi * var)).sum(axis=-1)

    def slope(z):
        return -(x - z @ W) @ W.T / var

    rng = np.random.default_rng(seed)
    mu, log_var, gaps = np.zeros(len(W)), np.zeros(len(W)), []
    for _ in range(steps):
        gaps.append(kl_gaussians(mu, log_var, mu_true, log_var_true).sum())
        dmu, dlog_var = gradients(how, cost, slope, mu, log_var, rng.standard_normal((S, len(W))))
        mu = mu - rate * (dmu.mean(axis=0) + mu)
        log_var = log_var - rate * (dlog_var.mean(axis=0) + (np.exp(log_var) - 1) / 2)
    return np.array(gaps)


def descents():
    """{how: gaps of three runs, (3, steps)}."""
    runs = {how: np.array([descend(how, seed) for seed in range(3)]) for how in HOW}
    ends = {how: gaps[:, 500:].mean() for how, gaps in runs.items()}
    for how, gaps in runs.items():
        print(f"{how:<19} gap {gaps[:, 0].mean():.1f} nats at first, {ends[how]:.3f} in the second half")
    quoted("32", runs["score function"][0, 0], within=0.5)
    quoted("0.01", ends["reparameterization"], within=0.003)
    quoted("0.1", ends["score, baseline"], within=0.03)
    assert ends["score function"] > 2
    return runs


with picture("08_descent") as path:
    drawings.descent(path, descents())

# %% [markdown]
# **Read the picture.** All start at 32 nats, and all three gradients have the same mean. Reparameterization and the
# baseline fall together for some 200 steps; then noise decides where each stops, near 0.01 nats and near 0.1.
# Without a baseline noise is all there is: $q$ is thrown about, several nats from the best, and comes no nearer. An
# *unbiased* gradient is not yet a useful one.
#
# ## The same in minivae
#
# Your functions are `reparameterize`, `reparameterize_backward` and `gaussian_log_prob_backward` of
# `minivae/densities/`. And how noisy are both ways in a real VAE? Take one with two latents, trained for 1,000
# steps, and eight digits of 8x8 bits. The gradient of the encoder is many numbers. We add up the variances of all of
# them, for one draw, and divide by the squared length of the exact gradient (an average over a fine grid of `eps`,
# weighted with the density of N(0, 1)).

# %%
from minivae import VAE, Adam, densities, load_data
from minivae.laboratory.estimators import ESTIMATORS, study


def same_as_the_library():
    rng = np.random.default_rng(1)
    dz, mu, log_var, eps = rng.standard_normal((4, 6, 3))
    z = reparameterize(mu, log_var, eps)
    yours = z, *reparameterize_backward(dz, mu, log_var, eps), *score(z, mu, log_var)
    theirs = [densities.reparameterize(mu, log_var, eps=eps)]
    theirs += densities.reparameterize_backward(dz, mu, log_var, eps=eps)
    theirs += densities.gaussian_log_prob_backward(np.ones(6), z, mu, log_var)[1:]
    return max(np.abs(a - b).max() for a, b in zip(yours, theirs, strict=True))


def on_digits(steps=1000):
    """{how: sum of the variances of one draw / squared length of the exact gradient}, after a short training."""
    rng = np.random.default_rng(0)
    x = (load_data("digits").train.x > 0.5).astype(float)
    model = VAE.build((8, 8, 1), rng, hidden=(32,), latent=2, activation="tanh").bind("float64")
    optimizer = Adam(model, lr=0.003)
    for _ in range(steps):
        rows = x[rng.integers(0, len(x), 128)]
        model.loss_and_grads(rows, model.draw_noise(rng, 128))
        optimizer.step()
    estimators = dict(zip(HOW, (ESTIMATORS[name] for name in ("pathwise", "score function", "score, baseline"))))
    found = study(model, x[:8], 1000, np.random.default_rng(0), estimators)["encoder"]
    return {how: found[how].variance for how in HOW}


print(f"largest difference between your functions and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12
on_eight_digits = on_digits()
print("\nvariance of one draw / squared length of the gradient")
print("\n".join(f"{how:<19} {variance:8.2f}" for how, variance in on_eight_digits.items()))
quoted("1.9", on_eight_digits["reparameterization"], within=0.3)
quoted("1050", on_eight_digits["score function"], within=150)
quoted("1.5", on_eight_digits["score, baseline"], within=0.3)

# %% [markdown]
# The variance of one draw of the score function is about 1,050 times the squared length of what it estimates: it
# points nearly anywhere. That of reparameterization is 1.9 times. The baseline, here for each image the cost at
# $\varepsilon = 0$, helps a great deal: with 1.5 it is no worse. But these are two latents only; the right half of
# the picture of variances says where more of them lead.

# %% [markdown]
# <!-- only with solutions -->
# `figures/laboratory.md` has five estimators, before and after training, and each layer; reparameterization is called
# *pathwise* there.

# %% [markdown]
# ## More to try
#
# 1. Let $f(z)$ be 1 where $z > 1$ and 0 elsewhere; its mean is the probability of exceeding 1. What does
# reparameterization say about its gradient, and what the score function? Which step of the derivation fails?
# 2. Run `descend` with the score function and `rate=0.001, steps=10_000`. Is the mean gap of the second half below
# 0.1 nats?
# 3. Replace `leave_one_out` by the mean of all draws, and 10 draws by 2. By what factor are the gradients too short?
# 4. The cost -log p(x | z) + log q(z) - log p(z) includes the KL by its sample. At $q = p(z \mid x)$ it is the same
# number for every $z$. What is the variance of the score function with a baseline then?
# 5. Let R and V be the mean and the variance of what the L - 1 other latents cost. What do they add to the formula of
# the variance, and do the dots on the right agree?
#
# ## Questions
#
# <details><summary>Why is the average of df/dmu over samples not the gradient?</summary>f(z) does not contain mu, so
# it is 0 for each sample. What depends on mu is where the samples fall, the density.</details>
#
# <details><summary>What does reparameterization need that the score function does not?</summary>The slope of f, so f
# must be continuous and (but for kinks) differentiable in z; and z must be a smooth function of noise and
# parameters, so that it cannot be an integer or a bit.</details>
#
# <details><summary>Where does the 1/2 in dlog_var come from?</summary>From std = exp(log_var / 2): its derivative is
# std times the inner derivative, 1/2.</details>
#
# <details><summary>Why may the baseline not depend on the draw it is used for?</summary>It is free because the score
# has mean 0. A baseline that varies together with that score has a mean product with it that is not 0: a
# bias.</details>
#
# <details><summary>Why must noise be the same in all evaluations of a numeric gradient?</summary>Otherwise the
# difference of two function values holds the difference of two noises, and is divided by a tiny step.</details>
#
# ## Further reading
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes* (2013), section 2.4: the trick, and when it applies.
# - D. J. Rezende, S. Mohamed, D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative
# Models* (2014), section 3: the same rules, found independently.
# - R. J. Williams, *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning*,
# Machine Learning 8 (1992): the score function, there called REINFORCE, and the baseline.
# - W. Kool, H. van Hoof, M. Welling, *Buy 4 REINFORCE Samples, Get a Baseline for Free!* (2019): leave one out.
# - S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, *Monte Carlo Gradient Estimation in Machine Learning*, Journal of
# Machine Learning Research 21 (2020), sections 4 and 5: both ways, and how their variances compare.
# - `minivae/densities/`, `minivae/laboratory/pencil.py`, `minivae/laboratory/estimators.py`.

# %%
progress()
