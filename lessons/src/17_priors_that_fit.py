# %% [markdown]
# # 17. Priors that fit
#
# **After this lesson you can** split the KL of a VAE into what its code says and what a poor prior costs. You can
# replace $N(0, I)$ by a prior that learns, with all its gradients, and you know the law that finds out when the KL to
# such a prior is charged wrongly.
#
# **You will build** the log density of a mixture of Gaussians and its gradient, fit it to the codes of a trained VAE,
# and carry the gradient on through the encoder into images that are made up: the pseudo-inputs of a VampPrior.
#
# **You need** the gradient of a dense layer from lesson 1, the KL and its standard error from lesson 7, and the VAE
# of lesson 9. About 3 hours.
#
# ![Two maps of the same uneven density of codes: on the left with the circles of N(0, I), which do not follow it; on
# the right with the contours of 30 Gaussians, which do](picture:17_fit)
#
# *Blue: where a trained VAE puts the images of digits in its two latents. Orange, on the left: the prior that it was
# trained with. Orange, on the right: the prior that you will fit to it.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from numpy.random import default_rng

from minivae import VAE, Adam, fit, load_data
from minivae.models import MixtureVAE, VampVAE
from minivae.plot.lessons import lesson17 as drawings
from minivae.schedules import cosine
from minivae.teach import check, hint, picture, progress, quoted, use_reference

LOG_2PI = np.log(2 * np.pi)

# %% [markdown]
# ## Where the codes lie
#
# The encoder answers each image $x_n$ with a posterior, a Gaussian $q(z \mid x_n)$. Take an image at random, and then
# a $z$ from its posterior. Which density has this $z$? That of all posteriors together,
#
# $$q(z) = \frac1N \sum_{n=1}^N q(z \mid x_n) .$$
#
# It is called the *aggregate posterior*. The decoder has been trained on draws from $q(z)$. But to make new images,
# you draw from the prior $p(z)$. Where $p(z)$ is large and $q(z)$ is small the decoder has to draw what it has never
# learned.
#
# Here is a VAE with two latents of the digits with grey levels, trained by the library. Its decoder gives the mean of
# a Gaussian for each pixel, whose standard deviation is fixed at 0.2.

# %%
data = load_data("digits", likelihood="gaussian-fixed")


def trained(kind, seed, epochs, **options):
    """A model of that kind of two latents, trained by the library."""
    model = kind.build(data.shape, default_rng(seed), hidden=(64,), latent=2, activation="tanh",
                       likelihood="gaussian-fixed", std=0.2, **options)  # fmt: skip
    optimizer = Adam(model, lr=cosine(4e-3, epochs * len(data.train.x) // 125))
    fit(model, optimizer, data, epochs=epochs, batch_size=125, seed=seed, progress=False)
    return model


def posteriors(model, part):
    """mu, log_var (N, L) of the images of data.train or data.validation, in float64."""
    return tuple(np.asarray(head, "float64") for head in model.encode(part.x))


vae = trained(VAE, seed=0, epochs=300)
train, held_out = posteriors(vae, data.train), posteriors(vae, data.validation)


def draw(mu, log_var, seed=0):
    """One z from each posterior, (N, L)."""
    return mu + np.exp(log_var / 2) * default_rng(seed).standard_normal(mu.shape)


# %% [markdown]
# ## A mixture, and its logarithm
#
# A *mixture* of C Gaussians chooses a component $c$ with probability $w_c$, and then draws $z$ from it:
#
# $$p(z) = \sum_{c=1}^C w_c \, N(z; \mu_c, v_c), \qquad \sum_c w_c = 1, \qquad v_c = e^{\text{log\_var}_c} .$$
#
# So $q(z)$ is one, with a component for each image and $w_n = 1 / N$. A prior that is to fit $q(z)$ may be another,
# with fewer components.
#
# What a VAE needs is $\log p(z)$. Let
#
# $$a_c = \log w_c + \log N(z; \mu_c, v_c), \qquad \log p(z) = \log \sum_{c=1}^C e^{a_c} .$$
#
# Computed like this it fails where $z$ is far from every component: below $e^{-745}$ a float64 is 0, and its
# logarithm is $-\infty$. Let $a_{\max}$ be the largest of the $a_c$. A factor $e^{a_{\max}}$ may be taken out of the
# sum,
#
# $$\log \sum_c e^{a_c} = \log \Big( e^{a_{\max}} \sum_c e^{a_c - a_{\max}} \Big)
#   = a_{\max} + \log \sum_c e^{a_c - a_{\max}} ,$$
#
# and now one term of the sum is 1, the others are between 0 and 1: it is never 0, and it cannot overflow. Each $z$
# has an $a_{\max}$ of its own.
#
# ### Exercise 17.1: `log_mixture`
#
# `z` (N, L), `mu` and `log_var` (C, L), `log_w` (C,), the logarithms of the weights. Return (N,), the $\log p(z_n)$.
# `log_density`, which is given, has $\log N(z_n; \mu_c, v_c)$ for all pairs, (C, N): a row for each component.


# %%
def log_density(z, mu, log_var):
    """log N(z_n; mu_c, exp(log_var_c)), summed over the latents: z (N, L), mu, log_var (C, L) -> (C, N)."""
    d = z - mu[:, None]  # (C, N, L)
    return -0.5 * (LOG_2PI + log_var[:, None] + d**2 / np.exp(log_var)[:, None]).sum(axis=-1)


def log_mixture(z, mu, log_var, log_w):
    # Exercise 17.1: log_pz
    ### BEGIN SOLUTION
    a = log_w[:, None] + log_density(z, mu, log_var)  # (C, N)
    top = a.max(axis=0)
    return top + np.log(np.exp(a - top).sum(axis=0))
    ### END SOLUTION


# %%
check("17.1", log_mixture)

# %% [markdown]
# A density integrates to one. With your $\log q(z)$, $q(z)$ can be summed over a grid. And how much of $N(0, I)$ lies
# where the VAE has hardly any code? Draw from $N(0, I)$ and count where $q(z) < p(z) / 5$: call that a hole.


# %%
def equal(C):
    """log_w of C equal weights."""
    return np.full(C, -np.log(C))


def log_standard(z):
    """log N(z; 0, I), (..., L) -> (...)."""
    return -0.5 * (LOG_2PI + z**2).sum(axis=-1)


def log_aggregate(z):
    """log q(z) of the training images at z (M, L), a few rows at a time."""
    parts = np.array_split(z, 1 + len(z) // 200)
    return np.concatenate([log_mixture(part, *train, equal(len(train[0]))) for part in parts])


def grid_of(side):
    return np.stack(np.meshgrid(side, side), axis=-1)


def mapped():
    """The side of a grid, and q(z) on it; how much of N(0, I) is holes."""
    side = np.linspace(-4.5, 4.5, 91)
    q = np.exp(log_aggregate(grid_of(side).reshape(-1, 2)).reshape(91, 91))
    assert np.exp(-746.0) == 0 < np.exp(-745.0)
    total = q.sum() * (side[1] - side[0]) ** 2
    z = default_rng(1).standard_normal((3000, 2))
    holes = (log_aggregate(z) < log_standard(z) - np.log(5)).mean()
    print(f"q(z) summed over the grid: {total:.3f}; of N(0, I), {holes:.1%} is holes")
    quoted("1.00", total, within=0.02)
    quoted("0.14", holes, within=0.05)
    return side, q, holes


side, q_on_grid, holes_of_normal = mapped()

# %% [markdown]
# ## What the KL pays for
#
# A VAE pays, on average over the images,
#
# $$\text{mean KL} = \frac1N \sum_n \mathbb{E}_{q(z \mid x_n)}[\log q(z \mid x_n) - \log p(z)] .$$
#
# Some of that is paid for knowing something about $x_n$. Some of it is paid only because the prior is not where the
# codes are. How much of each? This question is known as *ELBO surgery* (Hoffman & Johnson 2016).
#
# *Given*: a draw $z_n$ from each posterior $q(z \mid x_n)$, and the numbers $\log p(z_n)$ for a prior $p$. $q(z)$ is
# the aggregate posterior of these N images. *Wanted*: two numbers, computed from the N draws,
#
# - `information`, the part in which no $p$ occurs, and which would be 0 if all posteriors were equal,
# - `marginal_kl`, the part in which $x$ occurs only through $q(z)$, and which would be 0 if $p(z) = q(z)$,
#
# whose sum is the mean of $\log q(z_n \mid x_n) - \log p(z_n)$, and whose expectations are both 0 or more.
#
# ### Exercise 17.2: `surgery`
#
# Derive both. Then write them: `z`, `mu` and `log_var` (N, L), where row n of `z` is a draw from the posterior in row
# n of `mu` and `log_var`, and `log_pz` (N,). Return `information, marginal_kl`, a number each. Use `log_density` and
# your `log_mixture`.
#
# <details><summary>Derivation, step 1: what may be put between the two logarithms?</summary>
#
# Nothing changes if you subtract a number and add it again. The first part is to be without $p$, the second without
# $q(z \mid x_n)$. So it has to be a logarithm of a density of $z$ that is neither of them, and that is known. There
# is one that all images share.
#
# </details>
#
# <details><summary>Derivation, step 2: why is the second part a KL?</summary>
#
# For any function $f$ of $z$ alone, the two averages, over $n$ and over the posterior, are one average over $q(z)$:
#
# $$\frac1N \sum_n \int q(z \mid x_n) \, f(z) \, dz = \int q(z) \, f(z) \, dz .$$
#
# Which $f$ makes the right side a KL, and to what?
#
# </details>
#
# <details><summary>Derivation, step 3: and the first?</summary>
#
# For each $n$ it is a KL, too: that of $q(z \mid x_n)$ from another density. If all posteriors are equal, so is their
# mean, and what is the KL then?
#
# </details>


# %%
def surgery(z, mu, log_var, log_pz):
    # Exercise 17.2: information, marginal_kl
    ### BEGIN SOLUTION
    # log q(z | x) - log p(z) = (log q(z | x) - log q(z)) + (log q(z) - log p(z))
    N = len(z)
    log_qz_x = np.diagonal(log_density(z, mu, log_var))
    log_qz = log_mixture(z, mu, log_var, np.full(N, -np.log(N)))
    return np.mean(log_qz_x - log_qz), np.mean(log_qz - log_pz)
    ### END SOLUTION


# %%
check("17.2", surgery)

# %% [markdown]
# The first part is the *mutual information* of image and code, $I(x; z)$: how many nats $z$ says about which image it
# is. To single out one of N images takes $\log N$ nats, and it is never more: one term of the sum in $q(z)$ is
# $q(z \mid x_n) / N$, so $q(z)$ is at least that, and $\log q(z \mid x_n) - \log q(z) \le \log N$. The second part is
# $\text{KL}(q(z) \,\|\, p(z))$.


# %%
def parts_of_kl(mu, log_var, log_prior=log_standard, runs=4):
    """information and marginal_kl, means over several draws."""
    draws = [draw(mu, log_var, seed) for seed in range(runs)]
    return np.mean([surgery(z, mu, log_var, log_prior(z)) for z in draws], axis=0)


def kl_split():
    mu, log_var = train
    information, marginal = parts_of_kl(mu, log_var)
    formula = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=-1).mean()  # lesson 7
    print(f"information {information:.2f} + KL(q(z) || p(z)) {marginal:.2f} = {information + marginal:.2f} nats")
    print(f"mean KL by the formula: {formula:.2f} nats; log N: {np.log(len(mu)):.2f}")
    assert abs(information + marginal - formula) < 0.05
    quoted("7.13", np.log(len(mu)))
    quoted("9.21", np.log(10_000))  # below, in the questions
    quoted("10.79", 20 - np.log(10_000))
    quoted("3.8", information, within=0.2)
    quoted("0.48", marginal, within=0.15)
    return marginal


marginal_of_normal = kl_split()

# %% [markdown]
# So of each image's KL some 3.8 nats pay for what $z$ says, and about 0.48 nats pay for a prior that does not fit.
#
# **Which prior is best?** In the ELBO the prior occurs in the KL only, and in the mean KL it occurs only in
# $\text{KL}(q(z) \,\|\, p(z))$. That is 0 or more, and it is 0 exactly for
#
# $$p(z) = q(z) .$$
#
# So for a given encoder and decoder no prior can raise the mean ELBO by more than `marginal_kl`, and the aggregate
# posterior raises it by just that. Why not take it? It has as many components as there are images. Each step of a
# training would encode all images. And it is made of the training images: it fits new ones less well. So one looks
# for something small that comes close.
#
# ## The best single Gaussian
#
# First, how far do we get with one Gaussian, $p(z) = N(\mu_p, v_p)$, one mean and variance per latent? By lesson 7,
# with $v_n = e^{\text{log\_var}_n}$, the mean KL of one latent is
#
# $$\frac1N \sum_n \tfrac12 \Big( \log v_p - \log v_n + \frac{v_n + (\mu_n - \mu_p)^2}{v_p} - 1 \Big) .$$
#
# At its smallest both derivatives are 0, that in $\mu_p$ and that in $\log v_p$:
#
# $$-\frac1N \sum_n \frac{\mu_n - \mu_p}{v_p} = 0, \qquad
#   \frac12 - \frac1{2N} \sum_n \frac{v_n + (\mu_n - \mu_p)^2}{v_p} = 0 .$$
#
# The first says that $\mu_p$ is the mean of the $\mu_n$. The second says that $v_p$ has two parts, the mean of the
# variances and the variance of the means:
#
# $$\mu_p = \frac1N \sum_n \mu_n, \qquad v_p = \frac1N \sum_n v_n + \frac1N \sum_n (\mu_n - \mu_p)^2 .$$
#
# These are the mean and the variance of $q(z)$.
#
# ### Exercise 17.3: `best_gaussian`
#
# `mu` and `log_var` (N, L). Return `mu_p` and `log_var_p`, the logarithm of $v_p$, (L,) each.


# %%
def best_gaussian(mu, log_var):
    # Exercise 17.3: mu_p, log_var_p
    ### BEGIN SOLUTION
    return mu.mean(axis=0), np.log(np.exp(log_var).mean(axis=0) + mu.var(axis=0))
    ### END SOLUTION


# %%
check("17.3", best_gaussian)


# %%
def gain(part, mu, log_var, runs=4):
    """By how much the ELBO rises with this mixture, of equal weights, in the place of N(0, I): nats per image."""
    draws = [draw(*part, seed) for seed in range(runs)]
    return np.mean([log_mixture(z, mu, log_var, equal(len(mu))) - log_standard(z) for z in draws])


def gain_of_one():
    mu_p, log_var_p = best_gaussian(*train)
    gains = [gain(part, mu_p[None], log_var_p[None]) for part in (train, held_out)]
    print(f"the best Gaussian gains {gains[0]:.2f} nats of {marginal_of_normal:.2f}, on held-out images {gains[1]:.2f}")
    assert 0 < gains[0] < marginal_of_normal
    return gains


gains = {1: gain_of_one()}

# %% [markdown]
# Encoder and decoder stay as they are. So the reconstruction is the same and $\log q(z \mid x)$ is the same, and the
# ELBO changes by the mean of the difference of both $\log p(z)$. The gain of one Gaussian is what $N(0, I)$ loses by
# having the wrong mean and width; the rest is shape.
#
# ## The gradient of a mixture
#
# More components have no formula for the best ones. They need a gradient.
#
# *Given*: numbers $g_n$ and
#
# $$f = \sum_n g_n \log p(z_n), \qquad \log p(z_n) = \log \sum_c e^{a_{cn}}, \qquad
#   a_{cn} = \log w_c + \log N(z_n; \mu_c, v_c) .$$
#
# *Wanted*: the derivatives of $f$ in every $z_{nl}$, every $\mu_{cl}$ and every $\text{log\_var}_{cl}$.
#
# ### Exercise 17.4: `log_mixture_backward`
#
# Derive all three. Then write them: `g` (N,), the others as in 17.1. Return `dz` (N, L), `dmu` and `dlog_var` (C, L).
#
# <details><summary>Derivation, step 1: what does one component get?</summary>
#
# Look at one $z$, and let only $a_c$ change. The derivative of a logarithm is one over its argument, times the
# derivative of the argument. In the argument, a sum, only one term contains $a_c$. Write the result with $p(z)$. Over
# all $c$ these numbers add up to 1: they are the components' shares in $p(z)$, their *responsibilities* for $z$.
#
# </details>
#
# <details><summary>Derivation, step 2: how does a component depend on z and on its own numbers?</summary>
#
# For one latent
#
# $$a_c = \log w_c - \tfrac12 \Big( \log 2\pi + \text{log\_var}_c + \frac{(z - \mu_c)^2}{v_c} \Big),
#   \qquad \frac{1}{v_c} = e^{-\text{log\_var}_c} .$$
#
# The derivative in $z$ has one term, and that in $\mu_c$ is its opposite. $\text{log\_var}_c$ occurs twice.
#
# </details>
#
# <details><summary>Derivation, step 3: over what is each one summed?</summary>
#
# By the chain rule multiply $g_n$, the number of step 1 and the derivative of step 2, and sum over all ways that lead
# from the variable to $f$. $z_n$ occurs in C of the $a_{cn}$, all with the same $n$. $\mu_c$ occurs in N of them, all
# with the same $c$.
#
# </details>


# %%
def log_mixture_backward(g, z, mu, log_var, log_w):
    # Exercise 17.4: dz, dmu, dlog_var
    ### BEGIN SOLUTION
    # d log p(z_n) / d a_cn = exp(a_cn) / p(z_n), the responsibility
    a = log_w[:, None] + log_density(z, mu, log_var)
    da = (g * np.exp(a - log_mixture(z, mu, log_var, log_w)))[..., None]  # (C, N, 1)
    d, v = z - mu[:, None], np.exp(log_var)[:, None]
    dmu = da * d / v  # (C, N, L), before the sum
    return -dmu.sum(axis=0), dmu.sum(axis=1), 0.5 * (da * (d**2 / v - 1)).sum(axis=1)
    ### END SOLUTION


# %%
check("17.4", log_mixture_backward)

# %% [markdown]
# A component learns from the $z$ that it is responsible for, and moves toward them; a $z$ is pulled toward the
# components that are responsible for it. (The second is what the encoder feels when both are trained together.)
#
# ### Fit it
#
# Draw $z$ from the posteriors, and climb the mean of $\log p(z)$: by surgery this lowers $\text{KL}(q(z) \,\|\,
# p(z))$, and nothing else changes. The steps are Adam's: the running mean of the gradient, divided by the root of the
# running mean of its square.


# %%
def climb(gradient, values, steps=200, rate=0.05):
    """`values` after so many steps up the gradient: gradient(*values) has one array for each of them."""
    values = list(values)
    means, squares = ([np.zeros_like(v) for v in values] for _ in range(2))
    for t in range(1, steps + 1):
        for i, g in enumerate(gradient(*values)):
            means[i], squares[i] = 0.9 * means[i] + 0.1 * g, 0.999 * squares[i] + 0.001 * g**2
            step = means[i] / (1 - 0.9**t) / (np.sqrt(squares[i] / (1 - 0.999**t)) + 1e-8)
            values[i] = values[i] + rate * (1 - t / steps) * step
    return values


def fit_mixture(C):
    """mu, log_var (C, L) of a mixture of equal weights, fitted to q(z) of the training images."""
    rng, (mu, log_var) = default_rng(C), train
    g = np.full(len(mu), 1 / len(mu))

    def gradient(mu_c, log_var_c):
        z = mu + np.exp(log_var / 2) * rng.standard_normal(mu.shape)
        return log_mixture_backward(g, z, mu_c, log_var_c, equal(C))[1:]

    return climb(gradient, (mu[rng.permutation(len(mu))[:C]], np.full((C, mu.shape[1]), -1.0)))


fitted = {C: fit_mixture(C) for C in (3, 10, 30)}
gains |= {C: [gain(part, *found) for part in (train, held_out)] for C, found in fitted.items()}
with picture("17_fit") as path:
    mixture = log_mixture(grid_of(side).reshape(-1, 2), *fitted[30], equal(30)).reshape(q_on_grid.shape)
    drawings.fits(path, side, q_on_grid, np.exp(log_standard(grid_of(side))), np.exp(mixture))

# %%
with picture("17_gains") as path:
    drawings.gains(path, gains, marginal_of_normal)


def gained():
    for C, (seen, new) in gains.items():
        print(f"{C:>3} Gaussians: {seen:.3f} nats gained, on held-out images {new:.3f}")
    seen, new = np.array(list(gains.values())).T
    assert np.all(np.diff(seen) > 0)
    assert np.all(seen < marginal_of_normal + 0.01)
    assert seen[-1] > 0.85 * marginal_of_normal
    assert seen[0] < 0.4 * marginal_of_normal
    best_new = gain(held_out, *train)
    print(f"q(z) itself, 1,250 Gaussians: on held-out images {best_new:.3f}")
    assert best_new < new[-1] + 0.1
    assert 0 < new[-1] < seen[-1]


gained()

# %% [markdown]
# **Read the pictures.** The circles of $N(0, I)$ do not follow the codes, and 30 Gaussians do. They gain more than 85
# % of the possible. A single Gaussian gains little: mean and width of $q(z)$ were nearly right, its shape is not. On
# images that neither the VAE nor the mixture has seen, the gain is smaller, as always with what has been learned. But
# there $q(z)$ itself, with its 1,250 components, is hardly better than 30 Gaussians, if at all.
#
# What is that worth in images? Decode draws from both priors, and measure how far each image is from the nearest
# training image (the squared distance).


# %%
def draw_mixture(n, mu, log_var):
    """n draws of a mixture of equal weights."""
    c = default_rng(2).integers(len(mu), size=n)
    return draw(mu[c], log_var[c], seed=3)


def nearest(x):
    return ((x[:, None] - data.train.x) ** 2).sum(axis=-1).min(axis=1).mean()


def samples(n=500):
    z = {"N(0, I)": default_rng(1).standard_normal((n, 2)), "30 Gaussians": draw_mixture(n, *fitted[30]),
         "codes of held-out digits": draw(*held_out)}  # fmt: skip
    x_hat = {name: vae.decode(codes.astype("float32")) for name, codes in z.items()}
    far = {name: nearest(images) for name, images in x_hat.items()}
    many = draw_mixture(3000, *fitted[30])
    holes = (log_aggregate(many) < log_mixture(many, *fitted[30], equal(30)) - np.log(5)).mean()
    hole = log_aggregate(z["N(0, I)"]) < log_standard(z["N(0, I)"]) - np.log(5)
    inside, outside = (nearest(x_hat["N(0, I)"][rows]) for rows in (hole, ~hole))
    print(f"squared distance to the nearest digit, of N(0, I): in holes {inside:.2f}, elsewhere {outside:.2f}")
    assert inside > 1.1 * outside
    print("squared distance to the nearest digit:", *(f"{name} {d:.2f}" for name, d in far.items()), sep="   ")
    print(f"holes: N(0, I) {holes_of_normal:.1%}, 30 Gaussians {holes:.1%}")
    assert holes < 0.005 < holes_of_normal
    assert far["N(0, I)"] > 1.05 * far["30 Gaussians"]
    return {name: images[:60] for name, images in x_hat.items() if name[0] != "c"}, data.shape


with picture("17_samples") as path:
    drawings.samples(path, *samples())

# %% [markdown]
# **Read the picture.** About one draw of $N(0, I)$ in seven falls into a hole, and the images that are decoded there
# are farther from every digit than those of its other draws. Of the mixture's draws it is less than one in two hundred.
# Nothing was trained but the prior.
#
# ## Pseudo-inputs
#
# The VampPrior (Tomczak & Welling 2018; the name is *variational mixture of posteriors*) makes the mixture out of the
# encoder. Its components are the posteriors of C made-up images $u_1, \dots, u_C$, the *pseudo-inputs*, which are
# learned:
#
# $$p(z) = \frac1C \sum_{c=1}^C q(z \mid u_c) .$$
#
# This is $q(z)$ with C images in the place of N, and they need not be images that exist. When the encoder moves its
# codes, the prior moves along.
#
# A pixel is between 0 and 1, so let $u = \sigma(a) = 1 / (1 + e^{-a})$, with parameters $a$ that may be any number.
# Our encoder is two dense layers with a tanh between them. Row by row
#
# $$u = \sigma(a), \quad t = u W_1 + b_1, \quad h = \tanh t, \quad [\mu, \text{log\_var}] = h W_2 + b_2 .$$
#
# Go back step by step. Let `dheads` be `dmu` and `dlog_var` beside each other, (C, 2L): what comes from the mixture.
# The second layer is dense, as in lesson 1:
#
# $$dW_2 = h^\top \, d\text{heads}, \qquad dh = d\text{heads} \, W_2^\top .$$
#
# The derivative of tanh is $1 - h^2$, so $dt = dh \, (1 - h^2)$, number by number. Then the first layer, $dW_1 =
# u^\top dt$ and $du = dt \, W_1^\top$. Last the sigmoid, whose derivative is $u (1 - u)$: $da = du \, u (1 - u)$.
#
# ### Exercise 17.5: `pseudo_backward`
#
# `dmu`, `dlog_var` (C, L), `a` (C, D), `W1` (D, H), `b1` (H,), `W2` (H, 2L). Return `da`, `dW1`, `dW2`, each in the
# shape of its array.


# %%
def pseudo_backward(dmu, dlog_var, a, W1, b1, W2):
    # Exercise 17.5: da, dW1, dW2
    ### BEGIN SOLUTION
    u = 1 / (1 + np.exp(-a))
    h = np.tanh(u @ W1 + b1)
    dheads = np.concatenate([dmu, dlog_var], axis=1)  # (C, 2L)
    dt = dheads @ W2.T * (1 - h**2)
    return dt @ W1.T * u * (1 - u), u.T @ dt, h.T @ dheads
    ### END SOLUTION


# %%
check("17.5", pseudo_backward)

# %% [markdown]
# In a VampPrior the encoder gets two gradients and adds them: one as the encoder of the data, one as a part of the
# prior. Therefore no batch normalization may be in it: data and pseudo-inputs have different statistics.
#
# Here the VAE stays as it is once more, and only $a$ learns, from noise.


# %%
def encoder_arrays():
    names = ("layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b")
    return [vae.params[f"encoder.{name}"].data.astype("float64") for name in names]


def encode(a, W1, b1, W2, b2):
    """mu, log_var (C, L) of the pseudo-inputs."""
    return np.split(np.tanh(1 / (1 + np.exp(-a)) @ W1 + b1) @ W2 + b2, 2, axis=1)


def fit_pseudo(C=20):
    rng, (mu, log_var) = default_rng(C), train
    W1, b1, W2, b2 = encoder_arrays()
    g = np.full(len(mu), 1 / len(mu))

    def gradient(a):
        z = mu + np.exp(log_var / 2) * rng.standard_normal(mu.shape)
        dmu, dlog_var = log_mixture_backward(g, z, *encode(a, W1, b1, W2, b2), equal(C))[1:]
        return (pseudo_backward(dmu, dlog_var, a, W1, b1, W2)[0],)

    start = 3 * rng.standard_normal((C, len(W1)))
    (a,) = climb(gradient, (start,), steps=300, rate=0.1)
    gains = [gain(train, *encode(one, W1, b1, W2, b2)) for one in (start, a)]
    print(f"gain with noise {gains[0]:.2f} nats, with learned pseudo-inputs {gains[1]:.2f} of {marginal_of_normal:.2f}")
    assert gains[0] < 0 < 0.5 * marginal_of_normal < gains[1]
    decoded = vae.decode(encode(a, W1, b1, W2, b2)[0].astype("float32"))
    return 1 / (1 + np.exp(-a[:12])), decoded[:12], data.shape


with picture("17_pseudo") as path:
    drawings.pseudo(path, *fit_pseudo())

# %% [markdown]
# **Read the picture.** To the eye the pseudo-inputs are noise. But the encoder sends them where it sends digits:
# decoded, in the second row, their codes are digits or blends of digits. Many images have the same code, and nothing
# in the objective asks for one that looks like a digit. They are *inputs*, not prototypes.
#
# ## All at once
#
# In practice encoder, decoder and prior learn together. The library does it: three kinds of priors, three seeds each.


# %%
KINDS = {"N(0, I)": (VAE, {}), "30 Gaussians": (MixtureVAE, {"components": 30}),
         "30 pseudo-inputs": (VampVAE, {"components": 30})}  # fmt: skip


def worth(model):
    """information, marginal KL (training images), and the ELBO of held-out images, nats per image."""

    def log_prior(z):
        return np.asarray(model.prior(z.astype("float32")), "float64")

    mu, log_var = posteriors(model, data.validation)
    elbo = []
    for seed in range(4):
        z = draw(mu, log_var, seed)
        out = model.decoder(z.astype("float32"))
        log_px_z = np.mean(model.likelihood.forward(data.validation.x, out)[0], dtype="float64")
        elbo.append(log_px_z - sum(surgery(z, mu, log_var, log_prior(z))))
    return [*parts_of_kl(*posteriors(model, data.train), log_prior, runs=2), np.mean(elbo)]


def all_at_once():
    found = {}
    for name, (kind, options) in KINDS.items():
        models = [trained(kind, seed, epochs=100, **options) for seed in range(3)]
        found[name] = np.array([worth(model) for model in models])  # (seeds, 3)
        for what, numbers in zip(("information", "marginal KL", "held-out ELBO"), found[name].T, strict=True):
            print(f"{name:<17} {what:<14}", *(f"{number:7.2f}" for number in numbers))
    normal, gaussians, vamp = found.values()
    assert np.all(gaussians[:, 1] < normal[:, 1])
    assert np.all(vamp[:, 1] < normal[:, 1] / 5)
    assert (gaussians - normal)[:, 2].mean() > 0
    assert (vamp - normal)[:, 2].mean() > normal[:, 1].mean()
    assert min(gaussians[:, 0].mean(), vamp[:, 0].mean()) > normal[:, 0].mean()
    assert max(np.ptp(rows[:, 2]) for rows in (normal, gaussians, vamp)) > 0.5
    return found


with picture("17_priors") as path:
    drawings.priors(path, all_at_once())

# %% [markdown]
# **Read the picture.** With every seed both learned priors have a smaller marginal KL than $N(0, I)$, and of the
# VampPrior's hardly anything is left: less than a fifth. On held-out images they are ahead, on average, and the
# VampPrior by more than the whole marginal KL of $N(0, I)$. So a prior that fits does not explain all of it. The
# learned priors also let the encoder put more information into $z$ in the same 100 epochs. How much of that is left
# after a longer training is a question for you, below. And look at the dots: a seed alone moves the ELBO by half a
# nat and more, so that one run of each would prove nothing.
#
# ## A learned prior, charged wrongly
#
# Suppose that your prior is one Gaussian whose $\mu_p$ and $\text{log\_var}_p$, (L,) each, are learned. The KL has a
# formula (lesson 7), and a program computes it like this: a function that is right sums over the last axis, and
# somebody who wants the KL of each latent by itself gives it one axis more, so that there is nothing to sum.


# %%
def kl_summed(mu, log_var, mu_p, log_var_p):
    """KL(N(mu, v) || N(mu_p, v_p)), summed over the last axis, the latents."""
    terms = log_var_p - log_var + np.exp(log_var - log_var_p) + (mu - mu_p) ** 2 / np.exp(log_var_p) - 1
    return 0.5 * terms.sum(axis=-1)


def kl_of_program(mu, log_var, mu_p, log_var_p):
    """The program: nats of each latent, (N, L), which the model then sums; (N,)."""
    each = kl_summed(mu[..., None], log_var[..., None], mu_p, log_var_p)
    return each.sum(axis=-1)


def kl_of_program_backward(mu, log_var, mu_p, log_var_p):
    """dmu, dlog_var (N, L) of the sum of all, derived by hand from the line above."""
    dmu = (mu[..., None] - mu_p) / np.exp(log_var_p)
    dlog_var = 0.5 * (np.exp(log_var[..., None] - log_var_p) - 1)
    return dmu.sum(axis=-1), dlog_var.sum(axis=-1)


# %% [markdown]
# As long as the prior was $N(0, 1)$, with the plain numbers 0 and 0 for `mu_p` and `log_var_p`, this was right. What
# does a gradient check say of it with a prior that learns?


# %%
def gradient_error(h=1e-3):
    """The slope along a random direction, numeric and by the gradient: relative difference."""
    rng = default_rng(0)
    mu, log_var, a, b = rng.standard_normal((4, 6, 4))
    prior = rng.standard_normal((2, 4))
    slope = sum((d * v).sum() for d, v in zip(kl_of_program_backward(mu, log_var, *prior), (a, b), strict=True))
    f = [kl_of_program(mu + s * h * a, log_var + s * h * b, *prior).sum() for s in (-2, -1, 1, 2)]
    numeric = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
    return abs(numeric - slope) / abs(slope)


print(f"relative error of the gradient: {gradient_error():.1e}")
assert gradient_error() < 1e-9

# %% [markdown]
# It passes. The gradient is right, and a training with it runs smoothly. What is wrong, no comparison of a function
# with its own derivative can see. Two laws can:
#
# 1. **The KL of two equal densities is 0.** So let $q$ be the prior.
# 2. **The KL is the mean of $\log q(z) - \log p(z)$ over draws from $q$.** So draw, and compare. For K draws the
# standard error is the standard deviation of the K numbers, divided by $\sqrt K$.
#
# ### Exercise 17.6: `prior_laws`
#
# `kl(mu, log_var, mu_p, log_var_p)` is a program that is on trial: it takes (N, L), (N, L), (L,), (L,) and gives
# (N,). Then `mu`, `log_var` (N, L), `mu_p`, `log_var_p` (L,) and the noise `eps` (K, N, L). Return
#
# - `equal`, a number: what the program charges for $q = p$; add an axis by `mu_p[None]`, (1, L),
# - `score` (N,): what it charges for each example, less the mean over the K draws, in standard errors. Use `np.std`
# as it is.


# %%
def prior_laws(kl, mu, log_var, mu_p, log_var_p, eps):
    # Exercise 17.6: equal, score
    ### BEGIN SOLUTION
    equal = kl(mu_p[None], log_var_p[None], mu_p, log_var_p)[0]
    z = mu + np.exp(log_var / 2) * eps
    log_q = -0.5 * (LOG_2PI + log_var + eps**2).sum(axis=-1)  # (K, N)
    log_p = -0.5 * (LOG_2PI + log_var_p + (z - mu_p) ** 2 / np.exp(log_var_p)).sum(axis=-1)
    terms = log_q - log_p
    error = terms.std(axis=0) / np.sqrt(len(eps))
    return equal, (kl(mu, log_var, mu_p, log_var_p) - terms.mean(axis=0)) / error
    ### END SOLUTION


# %%
check("17.6", prior_laws)


# %%
def on_trial(K=20_000, N=6, L=4):
    rng = default_rng(5)
    mu, log_var = rng.standard_normal((2, N, L))
    prior, eps = 0.7 * rng.standard_normal((2, L)), rng.standard_normal((K, N, L))
    for name, kl in (("right", kl_summed), ("the program", kl_of_program)):
        none, score = prior_laws(kl, mu, log_var, *prior, eps)
        charged = kl(mu, log_var, *prior).mean()
        print(f"{name:<12} charges {charged:6.2f} nats, for q = p {none:6.2f}; scores", *(f"{s:7.1f}" for s in score))
        assert (abs(none) < 1e-12 and np.all(np.abs(score) < 4)) if kl is kl_summed else none > 1
    assert np.all(score > 4)
    assert prior_laws(kl_of_program, mu, log_var, np.zeros(L), np.zeros(L), eps)[0] == 0
    quoted("4.0000", kl_of_program(mu, log_var, 0 * prior[0], 0 * prior[1]).sum() / kl_summed(mu, log_var, 0, 0).sum())
    pairs = kl_summed(mu[0][:, None, None], log_var[0][:, None, None], prior[0][:, None], prior[1][:, None])
    return pairs, kl_summed(mu, log_var, *prior), kl_of_program(mu, log_var, *prior)


with picture("17_wrong") as path:
    drawings.wrong(path, *on_trial())

# %% [markdown]
# **Read the picture.** `mu[..., None]` is (N, L, 1), and `mu_p` is (L,). NumPy broadcasts the two to (N, L, L): every
# latent is compared with *every* latent of the prior, and all of that is charged. Only the diagonal is meant. Where
# the prior is still $N(0, I)$, all entries of a row are equal, and the program charges exactly L = 4 times the KL: a
# beta of 4 that nobody asked for. minivae itself had this mistake when its first learned prior came. Since then
# `prior.kl` gives the nats of each latent, and the model sums them.
#
# Both laws see it at once. The first needs no random numbers, but it is silent where all latents of the prior are
# alike: then the KL to a wrong partner is 0 as well. A law, too, sees the places where it is made.
#
# ## The same in minivae
#
# Your `log_mixture` and its gradient are `Mixture` of `minivae/priors/mixtures.py`, and `VampPrior` beside it sends
# the gradient on through any encoder. Your `surgery` is what `minivae latents RUN` prints as mutual information and
# marginal KL.

# %%
from minivae.evaluate.latent_space import kl_parts
from minivae.layers import Dense, Network, Split, Tanh
from minivae.priors import Mixture, VampPrior


def largest(ours, theirs):
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True))


def same_as_the_library(C=5, D=9, L=2):
    rng = default_rng(0)
    z, g = rng.standard_normal((7, L)), rng.standard_normal(7)

    mixture = Mixture(L, C, rng).bind("float64")
    log_pz, cache = mixture.forward(z)
    theirs = log_pz, mixture.backward(g, cache), mixture.mu.grad, mixture.log_var.grad
    numbers = mixture.mu.data, mixture.log_var.data, equal(C)
    yield "mixture", largest((log_mixture(z, *numbers), *log_mixture_backward(g, z, *numbers)), theirs)

    vamp = VampPrior(Network(Dense(D, 6, rng), Tanh(), Dense(6, 2 * L, rng), Split(2)), L, C, rng).bind("float64")
    first, second = vamp.encoder.layers[0], vamp.encoder.layers[2]
    a, arrays = vamp.pseudo.data, (first.W.data, first.b.data, second.W.data, second.b.data)
    heads = encode(a, *arrays)
    log_pz, cache = vamp.forward(z)
    vamp.backward(g, cache)
    dheads = log_mixture_backward(g, z, *heads, equal(C))[1:]
    ours = log_mixture(z, *heads, equal(C)), *pseudo_backward(*dheads, a, *arrays[:3])
    yield "VampPrior", largest(ours, (log_pz, vamp.pseudo.grad, first.W.grad, second.W.grad))


def same_surgery():
    ours, theirs = parts_of_kl(*train), kl_parts(vae, *train, default_rng(0), draws=4 * len(train[0]))
    theirs = [theirs[name].mean() for name in ("mutual_information", "marginal_kl")]
    print("surgery: yours {:.2f} and {:.2f} nats, the library's {:.2f} and {:.2f}".format(*ours, *theirs))
    assert np.allclose(ours, theirs, atol=0.05)


for name, difference in same_as_the_library():
    print(f"{name}: largest difference between yours and the library's {difference:.1e}")
    assert difference < 1e-12
same_surgery()

# %% [markdown]
# ## More to try
#
# 1. Let the weights learn: write $w = \text{softmax}(b)$ and show that the derivative of $\log p(z)$ in $b_c$ is the
# responsibility less $w_c$. Add it to `fit_mixture`. Which components lose their weight?
# 2. Start the pseudo-inputs from 30 real images, $a = \log(u / (1 - u))$ with $u$ kept between 0.01 and 0.99. Do they
# stay digits?
# 3. Fit mixtures of 100 and 300 Gaussians to the codes of the first 300 training images only. From which C on do the
# held-out images lose?
# 4. Repeat `all_at_once` with 300 epochs. What stays of the lead of the learned priors, and with which seeds?
# 5. Train the VAE with `std=0.1`: the posteriors become narrow. What happens to the information, what to the marginal
# KL, and how near is the first to $\log N$?
# 6. In `on_trial` let `prior` be `np.zeros((2, L))`, and take out the first `assert`, which will not hold. Which of
# the two laws still sees the bug, and why not the other?
#
# ## Questions
#
# <details><summary>Which prior is the best one for a given encoder and decoder, and what stays of the mean
# KL?</summary> The aggregate posterior q(z). The mutual information of image and code stays.</details>
#
# <details><summary>The mean KL of a model is 20 nats, and N is 10,000. How large is the marginal KL at
# least?</summary>The information is at most log 10,000 = 9.21, so at least 10.79 nats. With more images the same
# encoder might show more information, and less marginal KL.</details>
#
# <details><summary>Why is the largest term taken out of the sum for each z, and not once for all?</summary>A z that
# is far from every component has small terms only. With the largest of another z taken out, they are all rounded to
# 0, and the log is minus infinity.</details>
#
# <details><summary>A component is responsible for no z. What does its gradient look like?</summary>It is 0, in the
# mean and in the variance: it will not move. Start components where codes are.</details>
#
# <details><summary>Why did the gradient check pass on the program of 17.6?</summary>The gradient was derived from the
# wrong function, and is the derivative of that one. A gradient check compares both, and knows nothing of
# KLs.</details>
#
# ## Further reading
#
# - M. D. Hoffman, M. J. Johnson, *ELBO surgery: yet another way to carve up the variational evidence lower bound*
# (2016): the split.
# - J. M. Tomczak, M. Welling, *VAE with a VampPrior* (2018): pseudo-inputs, and a hierarchy on top of them.
# - N. Dilokthanakul et al., *Deep Unsupervised Clustering with Gaussian Mixture Variational Autoencoders* (2016): a
# mixture as a prior.
# - M. Rosca, B. Lakshminarayanan, S. Mohamed, *Distribution Matching in Variational Inference* (2018): how far q(z)
# is from p(z), measured.
# - P. Ghosh et al., *From Variational to Deterministic Autoencoders* (2020), section 4: a prior that is fitted
# afterwards.
# - `minivae/priors/mixtures.py`, `minivae/models/vamp.py`, `minivae/evaluate/latent_space.py`.

# %%
progress()
