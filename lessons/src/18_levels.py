# %% [markdown]
# # 18. Levels
#
# **After this lesson you can** build a VAE whose latents have latents of their own, say what each level costs and
# what it decides, and tell a hierarchy that is used from one that is only there.
#
# **You will build** the gradients of a KL between two Gaussians which both learn, the merge of a ladder with its
# gradient, a ladder of two levels, and two measures of what the upper level does.
#
# **You need** the KL and the posterior of lesson 7 and the VAE of lesson 9. About 3 hours.
#
# ![Two times 48 digits: of a plain hierarchy, whose rows have no theme, and of a ladder](picture:18_held)
#
# *Samples of two models with the same generative network. In each row the upper level z2 is held, and the lower one,
# z1, is drawn anew. Left: trained in the plain way. Any row could be any other; z2 decides nothing. Right: as a
# ladder. The rows differ: rings, strokes, ones with a foot.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae import Adam, load_data
from minivae.data import batches
from minivae.densities import (
    kl_gaussians,
    kl_standard_normal,
    kl_standard_normal_backward,
    reparameterize,
    reparameterize_backward,
)
from minivae.metrics import mean_metrics
from minivae.models import HVAE, LadderVAE
from minivae.plot.lessons import lesson18 as drawings
from minivae.schedules import cosine, linear
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## A latent of a latent
#
# In a VAE the prior of $z$ is $N(0, I)$, whatever the data. Here it gets a model of its own. There are two levels,
# $z_2$ above and $z_1$ below, and only $z_1$ is decoded:
#
# $$z_2 \sim N(0, I), \qquad z_1 \sim p(z_1 \mid z_2) = N(\mu_p, v_p), \qquad x \sim p(x \mid z_1),$$
#
# where a network makes $\mu_p$ and $\log v_p$ of $z_2$. Ideally $z_2$ says what an image is of, and $z_1$ how that is
# drawn. For a posterior $q(z_1, z_2 \mid x)$ the bound is, as always, the mean of $\log p(x, z) - \log q(z \mid x)$.
# With $q = q(z_2 \mid x) \, q(z_1 \mid z_2, x)$ it sorts into one reconstruction and a KL for each level:
#
# $$\text{ELBO} = \mathbb{E}_q[\log p(x \mid z_1)]
#   - \underbrace{\mathbb{E}_q\big[\text{KL}(q(z_1 \mid z_2, x) \,\|\, p(z_1 \mid z_2))\big]}_{\text{KL}_1}
#   - \underbrace{\text{KL}(q(z_2 \mid x) \,\|\, N(0, I))}_{\text{KL}_2} .$$
#
# In $\text{KL}_1$ both Gaussians come from networks. Both learn.
#
# ## Two Gaussians which both learn
#
# The KL of one latent is the formula of exercise 7.1, with $v = e^{\text{log\_var}}$ and $v_p$ likewise:
#
# $$\text{KL} = \tfrac12 \Big( \log v_p - \log v + \frac{v + (\mu - \mu_p)^2}{v_p} - 1 \Big) .$$
#
# There the gradients in $\mu$ and $\log v$ were enough: $p$ stood still.
#
# ### Exercise 18.1: `kl_backward`
#
# *Given*: the formula. *Wanted*: its derivatives in all four arguments, also in $\mu_p$ and in $\log v_p$. Derive the
# last two. (The first two are those of exercise 7.2.)
#
# All arguments are (N, L). Return `dmu, dlog_var, dmu_p, dlog_var_p`, (N, L) each, of the sum of all KLs.
# `hint("18.1")` has a first step.
#
# <details><summary>Derivation, step 1: where is mu_p?</summary>
#
# In the square only, as $\mu - \mu_p$. Compare what the chain rule gives there for $\mu$ and for $\mu_p$.
#
# </details>
#
# <details><summary>Derivation, step 2: where is log_var_p?</summary>
#
# In three places: by itself, and twice in $1 / v_p = e^{-\log v_p}$, whose derivative is $-e^{-\log v_p}$. So
# whatever is divided by $v_p$ comes back with a minus.
#
# </details>


# %%
def kl_backward(mu, log_var, mu_p, log_var_p):
    # Exercise 18.1: dmu, dlog_var, dmu_p, dlog_var_p
    ### BEGIN SOLUTION
    # dmu_p = -dmu,   dlog_var_p = (1 - v / v_p - (mu - mu_p)^2 / v_p) / 2
    d, ratio, precision = mu - mu_p, np.exp(log_var - log_var_p), np.exp(-log_var_p)
    dmu = d * precision
    return dmu, 0.5 * (ratio - 1), -dmu, 0.5 * (1 - ratio - d**2 * precision)
    ### END SOLUTION


# %%
check("18.1", kl_backward)

# %% [markdown]
# What does a $p$ learn that has to serve many $q$? Set the mean of your `dmu_p` over the examples to 0: $\mu_p$ is
# the mean of all $\mu$. Set that of `dlog_var_p` to 0: $v_p$ is the mean of $v + (\mu - \mu_p)^2$, all that the $q$
# spread, and all that they are apart. Five $q$ and one $p$, which descends with your gradient:


# %%
def descended(steps=300, rate=0.1):
    """Five q (mu, log_var), (5, 1) each, p after the steps, the mean KL at each step, and at the moments."""
    rng = np.random.default_rng(1)
    mu, log_var = 1.5 * rng.standard_normal((5, 1)), -2 + 0.5 * rng.standard_normal((5, 1))
    p, costs = np.array([-2.0, -1.0]), []
    for _ in range(steps):
        mu_p, log_var_p = np.broadcast_to(p[0], mu.shape), np.broadcast_to(p[1], mu.shape)
        costs.append(kl_gaussians(mu, log_var, mu_p, log_var_p).mean())
        p = p - rate * np.array([d.mean() for d in kl_backward(mu, log_var, mu_p, log_var_p)[2:]])
    moments = mu.mean(), np.log((np.exp(log_var) + (mu - mu.mean()) ** 2).mean())
    assert np.allclose(p, moments, atol=1e-3)
    least = kl_gaussians(mu, log_var, *(np.full_like(mu, m) for m in moments)).mean()
    quoted("9.48", costs[0])
    quoted("1.17", costs[-1])
    return mu, log_var, p, costs, least


def log_normal(z, mu, log_var):
    return -0.5 * (np.log(2 * np.pi) + log_var + (z - mu) ** 2 / np.exp(log_var))


def draw_descended(path):
    mu, log_var, p, costs, least = descended()
    z = np.linspace(-4.5, 4.5, 400)
    print(f"p: mean {p[0]:.3f}, std {np.exp(p[1] / 2):.3f}")
    print(f"mean KL: {costs[0]:.2f} at first, {costs[-1]:.4f} in the end, {least:.4f} at the moments")
    drawings.both_learn(path, z, np.exp(log_normal(z, mu, log_var)), np.exp(log_normal(z, -2.0, -1.0)),
                        np.exp(log_normal(z, *p)), costs, least)  # fmt: skip


with picture("18_both_learn") as path:
    draw_descended(path)

# %% [markdown]
# **Read the picture.** $p$ moves over the five and becomes as wide as all of them together. The mean KL falls from
# 9.48 to 1.17 nats, and no lower: one Gaussian cannot be five. But if $p$ could be another one for each group of $q$,
# it could be nearer to each. This is what $z_2$ is for. It chooses the $p$, and it pays $\text{KL}_2$ for the choice.
#
# ## Who tells z2?
#
# The plain hierarchy infers from the data upward: $q(z_1 \mid x)$, and $q(z_2 \mid z_1)$ of what was drawn. There
# $z_2$ has a hard life. All that it can do is to be a better prior of $z_1$ than $N(0, I)$. Call $q(z_1)$ the mean of
# all $q(z_1 \mid x)$. Over all priors $p(z_1)$, the mean of $\log p(z_1)$ under $q(z_1)$ is largest for $p = q(z_1)$
# (since a KL is not negative, lesson 7). So against a $z_2$ that is ignored, with $p(z_1) = N(0, I)$, it
# gains at most
#
# $$\mathbb{E}_{q(z_1)}[\log q(z_1) - \log N(z_1; 0, I)] = \text{KL}(q(z_1) \,\|\, N(0, I)) .$$
#
# That is a bound for one $q(z_1)$, and $q(z_1)$ learns as well. With $\beta = 1$ from the first step on, the encoder
# of $z_1$ is pulled to $N(0, I)$ at once, and the bound becomes small. Then $z_2$, which hears of $x$ through $z_1$
# alone, has nothing left to gain, and dies.
#
# The *ladder* (Sønderby et al. 2016) infers in the order in which the model generates: first $z_2$ given $x$, then
# $z_1$ given both. What $x$ says of $z_1$ is a Gaussian $N(\mu, v)$, made by the encoder. What $z_2$ says is the
# prior $N(\mu_p, v_p)$. Both are about the same $z_1$. $q(z_1 \mid z_2, x)$ is their product, made a density again by
# a factor:
#
# $$q(z_1 \mid z_2, x) \propto N(z_1; \mu, v) \, N(z_1; \mu_p, v_p) .$$
#
# ### Exercise 18.2: `merge`
#
# *Given*: for one latent, $\mu, v$ and $\mu_p, v_p$. *Wanted*: mean $\mu_q$ and variance $v_q$ of the Gaussian that
# is proportional to the product.
#
# Derive both. Then write them: all arguments (N, L), variances as logarithms. Return `mu_q` and `log_var_q`, (N, L).
#
# <details><summary>Derivation, step 1: what is the logarithm of the product?</summary>
#
# Up to a constant, which the factor takes care of,
#
# $$-\tfrac12 \Big( \frac{(z - \mu)^2}{v} + \frac{(z - \mu_p)^2}{v_p} \Big) .$$
#
# </details>
#
# <details><summary>Derivation, step 2: sort by powers of z</summary>
#
# There is a factor of $-\tfrac12 z^2$ and one of $z$. Write down both. In $\log N(z; \mu_q, v_q)$ they are $1 / v_q$
# and $\mu_q / v_q$.
#
# </details>


# %%
def merge(mu, log_var, mu_p, log_var_p):
    # Exercise 18.2: mu_q, log_var_q
    ### BEGIN SOLUTION
    # 1 / v_q = 1 / v + 1 / v_p,   mu_q = v_q (mu / v + mu_p / v_p)
    one, other = np.exp(-log_var), np.exp(-log_var_p)
    return (one * mu + other * mu_p) / (one + other), -np.log(one + other)
    ### END SOLUTION


# %%
check("18.2", merge)

# %% [markdown]
# Do you know it? It is Bayes' rule. In the model of exercise 7.4, $x = w z + b + \text{noise}$ of variance
# $\text{var}_x$, the pixel alone says $z = (x - b) / w$, with the variance $\text{var}_x / w^2$. Merged with the
# prior $N(0, 1)$ that must be the posterior of lesson 7:


# %%
def is_bayes_rule():
    x, w, b, var_x = np.array([2.0]), 1.5, 0.5, 0.5
    mu_q, log_var_q = merge((x - b) / w, np.log(var_x / w**2) + 0 * x, 0 * x, 0 * x)
    print(f"merged: mean {mu_q[0]:.6f}, variance {np.exp(log_var_q[0]):.6f}")
    assert np.allclose([mu_q, np.exp(log_var_q)], [w * (x - b) / (var_x + w**2), [var_x / (var_x + w**2)]])


def draw_merged(path):
    z, cases = np.linspace(-4, 4, 400), []
    for title, var, var_p in (
        ("x is sure", 0.1, 1.0),
        ("both are equally sure", 0.5, 0.5),
        ("x says little", 3.0, 0.3),
    ):
        mu, mu_p = 1.5, -1.0
        q = [a[0] for a in merge(*(np.array([a]) for a in (mu, np.log(var), mu_p, np.log(var_p))))]
        cases.append((title, *(np.exp(log_normal(z, *g)) for g in ((mu, np.log(var)), (mu_p, np.log(var_p)), q))))
        assert np.exp(q[1]) < min(var, var_p)
    drawings.merged(path, z, cases)


is_bayes_rule()
with picture("18_merge") as path:
    draw_merged(path)

# %% [markdown]
# **Read the picture.** The surer of the two counts more, and the merged one is surer than both. If $x$ says nothing
# of a unit, its $q$ is the prior given $z_2$, and costs no KL.
#
# ## Back through the merge
#
# Write $r = 1 / v = e^{-\log v}$ and $r_p$ for the precisions, and $w = r / (r + r_p) = v_q / v$ for the *share* of
# $x$. The derivative of $r$ by $\log v$ is $-r$. You have found $\log v_q = -\log (r + r_p)$ and
# $\mu_q = (r \mu + r_p \mu_p) / (r + r_p)$, so
#
# $$\frac{\partial \mu_q}{\partial \mu} = w, \qquad \frac{\partial \log v_q}{\partial \log v} = -\frac{-r}{r + r_p} = w,
# \qquad \frac{\partial \mu_q}{\partial \log v} = \frac{-r \mu \, (r + r_p) + (r \mu + r_p \mu_p) \, r}{(r + r_p)^2}
# = w (\mu_q - \mu) .$$
#
# The last one says: if $x$ becomes less sure, $\mu_q$ moves away from $\mu$. For the prior all is the same, with its
# own share $w_p = v_q / v_p = 1 - w$ and its own mean.
#
# ### Exercise 18.3: `merge_backward`
#
# `dmu_q` and `dlog_var_q`, (N, L), are the gradients of the loss in what was merged. Return
# `dmu, dlog_var, dmu_p, dlog_var_p`, (N, L) each.


# %%
def merge_backward(dmu_q, dlog_var_q, mu, log_var, mu_p, log_var_p):
    # Exercise 18.3: dmu, dlog_var, dmu_p, dlog_var_p
    ### BEGIN SOLUTION
    mu_q, log_var_q = merge(mu, log_var, mu_p, log_var_p)
    w, w_p = np.exp(log_var_q - log_var), np.exp(log_var_q - log_var_p)
    dlog_var = w * (dlog_var_q + (mu_q - mu) * dmu_q)
    dlog_var_p = w_p * (dlog_var_q + (mu_q - mu_p) * dmu_q)
    return w * dmu_q, dlog_var, w_p * dmu_q, dlog_var_p
    ### END SOLUTION


# %%
check("18.3", merge_backward)

# %% [markdown]
# ## Down the ladder
#
# Now both levels, for a prior that is linear: $\mu_p = z_2 A$, and a $\log v_p$ that is the same for all $z_2$. The
# encoder has made a Gaussian for each level.
#
# ### Exercise 18.4: `ladder`
#
# `mu_1`, `log_var_1` (N, L1) are what $x$ says of $z_1$, and `mu_2`, `log_var_2` (N, L2) of $z_2$; `A` (L2, L1) and
# `log_var_p` (L1,) are the prior's; `eps_1` (N, L1) and `eps_2` (N, L2) the noise. Draw $z_2$ from what $x$ says of
# it, then $z_1$ from what $x$ and $z_2$ say together. Return `z1` (N, L1), and the KLs of both levels, `kl_1` and
# `kl_2` (N,), as they stand in the ELBO above, for this $z_2$. `kl_gaussians(mu, log_var, mu_p, log_var_p)` of the
# library gives a number per latent.


# %%
def ladder(mu_1, log_var_1, mu_2, log_var_2, A, log_var_p, eps_1, eps_2):
    # Exercise 18.4: z1, kl_1, kl_2
    ### BEGIN SOLUTION
    z2 = mu_2 + np.exp(log_var_2 / 2) * eps_2
    mu_p = z2 @ A
    mu_q, log_var_q = merge(mu_1, log_var_1, mu_p, log_var_p)
    z1 = mu_q + np.exp(log_var_q / 2) * eps_1
    kl_1 = kl_gaussians(mu_q, log_var_q, mu_p, log_var_p).sum(axis=-1)
    return z1, kl_1, kl_gaussians(mu_2, log_var_2, 0 * mu_2, 0 * mu_2).sum(axis=-1)
    ### END SOLUTION


# %%
check("18.4", ladder)

# %% [markdown]
# ## Train it
#
# The whole step, with networks of the library and your three functions. Forward from the top down, so backward from
# $z_1$ up: what arrives at the prior's Gaussian, from the merge and from the KL, goes through its network to $z_2$.


# %%
def ladder_step(model, x, noise, beta):
    """Loss of one step; its gradient goes into model.grad. z = [z1, z2] side by side, the decoder reads z1."""
    L1, network, share = model.levels[0], model.prior.networks[0], beta / len(x)
    eps_1, eps_2 = noise["eps"][0][:, :L1], noise["eps"][0][:, L1:]
    (mu, log_var, mu_2, log_var_2), c_enc = model.encoder.forward(x, noise["enc"])
    z2 = reparameterize(mu_2, log_var_2, eps=eps_2)
    (mu_p, log_var_p), c_p = network.forward(z2)
    mu_q, log_var_q = merge(mu, log_var, mu_p, log_var_p)
    z1 = reparameterize(mu_q, log_var_q, eps=eps_1)
    out, c_dec = model.decoder.forward(np.concatenate([z1, z2], axis=-1), noise["dec"])
    log_px_z, c_x = model.likelihood.forward(x, out)
    kl_1, kl_2 = kl_gaussians(mu_q, log_var_q, mu_p, log_var_p), kl_standard_normal(mu_2, log_var_2)

    model.zero_grad()
    dz = model.decoder.backward(model.likelihood.backward(np.full_like(log_px_z, -1 / len(x)), c_x), c_dec)
    dmu_q, dlog_var_q = reparameterize_backward(dz[:, :L1], mu_q, log_var_q, eps=eps_1)
    of_kl = [share * d for d in kl_backward(mu_q, log_var_q, mu_p, log_var_p)]
    dmu, dlog_var, dmu_p, dlog_var_p = merge_backward(
        dmu_q + of_kl[0], dlog_var_q + of_kl[1], mu, log_var, mu_p, log_var_p
    )
    dz2 = network.backward((dmu_p + of_kl[2], dlog_var_p + of_kl[3]), c_p)
    dmu_2, dlog_var_2 = reparameterize_backward(dz2, mu_2, log_var_2, eps=eps_2)
    of_kl_2 = kl_standard_normal_backward(np.full_like(kl_2, share), mu_2, log_var_2)
    model.encoder.backward((dmu, dlog_var, dmu_2 + of_kl_2[0], dlog_var_2 + of_kl_2[1]), c_enc, need_dx=False)
    return beta * (kl_1.sum() + kl_2.sum()) / len(x) - log_px_z.mean()


DIGITS, LEVELS, EPOCHS = load_data("digits"), (16, 8), 60
PASS = len(list(batches(len(DIGITS.train.x), 128)))


def new(cls, rng, norm="batch", **options):
    return cls.build(DIGITS.shape, rng, hidden=(64,), latent=LEVELS[0], upper=LEVELS[1:], between=(32,), norm=norm,
                     pass_steps=PASS, **options)  # fmt: skip


def step_is_right():
    """The gradient along a random direction, against a difference of losses."""
    rng = np.random.default_rng(0)
    model = new(LadderVAE, rng, norm="none", activation="tanh").bind("float64")
    x = DIGITS.present(DIGITS.train.x[:8], rng).astype("float64")
    noise, v, h = model.draw_noise(rng, 8), rng.standard_normal(model.theta.size), 1e-5
    ladder_step(model, x, noise, 0.7)
    along = model.grad @ v
    model.theta += h * v
    above = ladder_step(model, x, noise, 0.7)
    model.theta -= 2 * h * v
    difference = (above - ladder_step(model, x, noise, 0.7)) / (2 * h)
    print(f"gradient along v {along:.8f}, by difference {difference:.8f}")
    assert abs(along - difference) < 1e-6 * abs(along)


step_is_right()

# %% [markdown]
# Two ways to infer, and two ways to begin: with $\beta = 1$, or with a *warm-up*, in which $\beta$ rises from 0 to 1
# during the first half of the training. 16 latents in $z_1$, 8 in $z_2$, and in all four the same decoder and the
# same prior network; three seeds each. (The library trains the plain hierarchy, `HVAE`, with samples of
# $\log q - \log p$ in the place of the KL; it has BatchNorm in its networks, which the authors of the ladder found
# necessary.)


# %%
def training(kind, warm, seed):
    rng, t = np.random.default_rng(seed), 0
    beta = linear(1.0, PASS * EPOCHS / 2) if warm else (lambda t: 1.0)
    model = new(LadderVAE if kind == "ladder" else HVAE, rng, beta_schedule="constant")
    model.beta = beta
    optimizer = Adam(model, lr=cosine(4e-3, PASS * EPOCHS))
    for _ in range(EPOCHS):
        for rows in batches(len(DIGITS.train.x), 128, rng):
            x = DIGITS.present(DIGITS.train.x[rows], rng)
            noise = model.draw_noise(rng, len(x))
            if kind == "ladder":
                ladder_step(model, x, noise, beta(t))
            else:
                model.loss_and_grads(x, noise, t=t)
            optimizer.step()
            t += 1
    return model


MODELS = {"plain": ("plain", False), "plain,\nwarm-up": ("plain", True), "ladder": ("ladder", False),
          "ladder,\nwarm-up": ("ladder", True)}  # fmt: skip
trained = {name: [training(*how, seed) for seed in range(3)] for name, how in MODELS.items()}

# %% [markdown]
# ## Which units live?
#
# A latent of lesson 9 lives if its mean $\mu(x)$ moves with $x$; Burda et al. (2016) call it *active* if the variance
# of the mean over the data is above 0.01. Of $z_2$ in a plain hierarchy nobody knows the mean: it is drawn from
# $q(z_2 \mid z_1)$, given a $z_1$ that was drawn itself. All one has are K draws for each $x$. Their average is
# $m(x) + \text{noise}$, with a noise of variance $v(x) / K$. So the variance of the averages over the data is too
# large: it is about
#
# $$\text{Var}_x[m] + \mathbb{E}_x[v] / K .$$
#
# A dead unit with $v = 1$ seems active if K is less than 100. But the noise of two *different* sets of draws is
# independent. Let $a(x)$ and $b(x)$ be the averages of the first and of the other half of the draws. The mean over
# the data of
#
# $$(a(x) - \bar a) \, (b(x) - \bar b)$$
#
# has the expectation $\text{Var}_x[m]$, without the noise. ($\bar a$, $\bar b$ are means over the data.)
#
# ### Exercise 18.5: `variance_of_means`
#
# `z` (K, N, L), with an even K. Return this mean, (L,).


# %%
def variance_of_means(z):
    # Exercise 18.5: variance
    ### BEGIN SOLUTION
    half = len(z) // 2
    a, b = z[:half].mean(axis=0), z[half:].mean(axis=0)
    return ((a - a.mean(axis=0)) * (b - b.mean(axis=0))).mean(axis=0)
    ### END SOLUTION


# %%
check("18.5", variance_of_means)

# %% [markdown]
# ## What does the upper level decide?
#
# And from the other side: draw R different $z_2$, and for each of them S different $z_1$; decode. $x$ (R, S, D) are R
# rows of S pictures. If $z_2$ decides all, the pictures of a row are equal; if it decides nothing, every row is as
# colorful as the whole. The variance of a pixel splits into that *between* the rows, the variance over R of the rows'
# means, and that within. The share of $z_2$ is the first part, summed over the pixels, over the whole variance,
# summed likewise. (With S pictures in a row, a $z_2$ that decides nothing has by chance a share of about $1 / S$:
# means of S vary, too.)
#
# ### Exercise 18.6: `upper_share`
#
# `x` (R, S, D). Return the share, a number.


# %%
def upper_share(x):
    # Exercise 18.6: share
    ### BEGIN SOLUTION
    between = x.mean(axis=1).var(axis=0)  # (D,)
    return between.sum() / x.var(axis=(0, 1)).sum()
    ### END SOLUTION


# %%
check("18.6", upper_share)

# %%
R, S = 100, 30


def rows_of_samples(model, R=R, S=S, seed=0):
    """Pictures (R, S, D): in each row one z2 and S z1."""
    rng = np.random.default_rng(seed)
    top = model.prior.draw(rng.standard_normal((R, model.prior.L), dtype="float32"))
    z = [model.prior.draw_below(2, top, rng.standard_normal(top.shape, dtype="float32")) for _ in range(S)]
    return np.stack([model.decode(one) for one in z], axis=1)


def measured(model, K=100):
    """ELBO, KL of z1 and of z2, variances of the means of z2 (8,), share of z2 in samples; of validation digits."""
    x, rng = DIGITS.validation.x, np.random.default_rng(0)
    eps = rng.standard_normal((K, len(x), model.prior.L), dtype="float32")
    (z, _), c_q = model.posterior.forward(model.encoder(x), eps)
    pairs = zip(model.posterior.log_levels(c_q), model.prior.log_levels(model.prior.forward(z)[1]))
    kl = [float((log_q - log_p).mean()) for log_q, log_p in pairs]
    elbo = np.mean([mean_metrics(model, *DIGITS.validation, np.random.default_rng(i))["elbo"] for i in range(3)])
    return float(elbo), *kl, variance_of_means(z[..., LEVELS[0] :]), float(upper_share(rows_of_samples(model)))


def table():
    found = {name: [measured(model) for model in models] for name, models in trained.items()}
    print("                       ELBO        KL of z1   KL of z2   active of 8   share of z2 in samples")
    for name, rows in found.items():
        (elbo, kl_1, kl_2), spread = np.mean([row[:3] for row in rows], axis=0), np.ptp([row[0] for row in rows]) / 2
        active, shares = [int((row[3] > 0.01).sum()) for row in rows], [f"{100 * row[4]:.0f} %" for row in rows]
        name = name.replace("\n", " ")
        print(f"{name:<16} {elbo:8.2f} +- {spread:.2f} {kl_1:8.2f} {kl_2:10.2f}     {active}     {', '.join(shares)}")
    return found


levels = table()


def draw_levels(path):
    found = {name: (np.array([row[1:3] for row in rows]), rows[0][3], np.array([row[4] for row in rows]))
             for name, rows in levels.items()}  # fmt: skip
    drawings.levels(path, found, 1 / S)


with picture("18_levels") as path:
    draw_levels(path)


def what_the_levels_say():
    plain, plain_warm, steep, steep_warm = levels.values()
    for rows, elbo, kl_2, within in ((plain, "-24.8", "0.0", 0.05), (plain_warm, "-24.4", "0.2", 0.3),
                                     (steep, "-24.6", "1.0", 0.5), (steep_warm, "-24.2", "1.3", 0.5)):  # fmt: skip
        quoted(elbo, np.mean([row[0] for row in rows]), within=0.3)
        quoted(kl_2, np.mean([row[2] for row in rows]), within=within)
    assert all(row[2] < 0.05 and row[4] < 2 / S for row in plain)  # each seed: nothing beyond chance
    none, some, *more = (np.mean([row[4] for row in rows]) for rows in levels.values())
    for share in more:
        quoted("0.4", share, within=0.2)
        assert share > 2 * some > 2 * none
    active = [np.mean([(row[3] > 0.01).sum() for row in rows]) for rows in levels.values()]
    assert active[0] == 0 < active[1] < min(active[2:])
    assert min(active[2:]) > 5


what_the_levels_say()

# %% [markdown]
# **Read the picture.** The plain hierarchy does what was foreseen: $z_2$ has 0.0 nats, none of its eight units is
# active, and its share in the samples is that of chance. It is a VAE with one level and some idle weights. A warm-up
# wakes some units, but they carry little, 0.2 nats. The ladder uses its upper level, with or without a warm-up: most
# of the units are active, with 1.0 and 1.3 nats, and on the average some 40 % of how samples vary is theirs. How much
# it is differs from seed to seed, as the dots show.
#
# And the ELBO? -24.8 for the plain hierarchy, -24.4 with the warm-up, -24.6 for the ladder, -24.2 with the warm-up.
# The warm-up gains some 0.4 nats both times; the ladder some 0.2 on the average of three seeds. That is little: the
# ladder does not make a much better density of these digits. It makes another *code*: what the plain model keeps in
# 16 numbers side by side is here in two levels. Whether you want that, no ELBO tells you.
#
# The samples are those of the beginning:

# %%
with picture("18_held") as path:
    pair = {"plain hierarchy": "plain", "ladder with warm-up": "ladder,\nwarm-up"}
    drawings.held(path, {title: rows_of_samples(trained[name][0], 6, 8, seed=5) for title, name in pair.items()},
                  DIGITS.shape)  # fmt: skip

# %% [markdown]
# **Read the picture.** On the left a row has no theme. On the right it has one, with exceptions: $z_2$ chooses the
# kind, $z_1$ varies it, and now and then changes it. That is what a share of less than a half looks like.
#
# ## The same in minivae
#
# `kl_gaussians_backward` is your `kl_backward`. `TopDown` in `minivae/posteriors/hierarchy.py` merges as you do, and
# `by_level` in `minivae/evaluate/levels.py` measures what you have measured. The library's step samples
# $\log q(z_1 \mid z_2, x) - \log p(z_1 \mid z_2)$ where yours has a formula, so that one code serves any number of
# levels and of samples. On the average the two are the same:

# %%
from minivae.densities import kl_gaussians_backward
from minivae.evaluate import by_level


def same_as_the_library():
    rng, model = np.random.default_rng(0), trained["ladder,\nwarm-up"][0]
    arguments = rng.standard_normal((4, 6, 3))
    theirs = kl_gaussians_backward(np.ones((6, 3)), *arguments)
    worst = max(np.abs(a - b).max() for a, b in zip(kl_backward(*arguments), theirs))
    # one z1 for each of many eps: theirs, and yours from the same heads
    x, L1 = DIGITS.validation.x[:50], LEVELS[0]
    heads = model.encoder(x)
    eps = rng.standard_normal((400, len(x), sum(LEVELS)), dtype="float32")
    (z, _), c_q = model.posterior.forward(heads, eps)
    mu_p, log_var_p = model.prior.networks[0](z[..., L1:])
    q = merge(heads[0], heads[1], mu_p, log_var_p)
    assert np.allclose(reparameterize(*q, eps=eps[..., :L1]), z[..., :L1], atol=1e-4)
    sampled = (model.posterior.log_levels(c_q)[0] - model.prior.log_levels(model.prior.forward(z)[1])[0]).mean()
    formula = kl_gaussians(*q, mu_p, log_var_p).sum(axis=-1).mean()
    print(f"KL of z1: {formula:.3f} nats by the formula, {sampled:.3f} by samples")
    assert abs(sampled - formula) < 0.1
    found = by_level(model, DIGITS.validation.x, rng)
    mine = measured(model)
    print("variances of the means of z2, theirs and yours:", *(f"{a:.2f} / {b:.2f}" for a, b in
                                                              zip(found.variances[L1:], mine[3])))  # fmt: skip
    assert np.allclose(found.variances[L1:], mine[3], atol=0.08)
    return worst


print(f"largest difference of the gradients: {same_as_the_library():.1e}")

# %% [markdown]
# `minivae train --model ladder --upper 8` trains one; `minivae sample RUN --level 2` draws rows that hold the upper
# level, and `minivae evaluate RUN --measure latents` prints KL and active units of each.

# %% [markdown]
# <!-- only with solutions -->
# The page `figures/variants.md` has three levels on MNIST: 40, 20 and 10 latents. There the ladder has 20 active units
# in $z_2$, where the plain hierarchy has 6. But the plain one with a warm-up has 18, and the better log p(x) of the
# two. What wakes an upper level depends on the data and on the training; measure it.

# %% [markdown]
# ## More to try
#
# 1. Three levels: `upper=(8, 4)`. Extend `ladder_step`, or let the library train it. Who lives?
# 2. `norm="none"` in all four: without BatchNorm. Does the ladder still use $z_2$, with each seed?
# 3. Encode a digit, hold its $z_2$ and draw $z_1$ from the prior given it. What is left of the digit?
# 4. Color $z_2$ of the validation digits by their class (two principal directions), and $z_1$ likewise. Which level
# knows the class better?
# 5. Let the prior's network see nothing: multiply its weights by 0 in a trained ladder and measure the ELBO. What is
# the upper level worth?
# 6. The bound on the gain of $z_2$: estimate $\text{KL}(q(z_1) \,\|\, N(0, I))$ for the plain model by `kl_parts` of
# `minivae/evaluate/latent_space.py`, and compare with $\text{KL}_2$.
#
# ## Questions
#
# <details><summary>Why does p of a level have gradients of its own in the KL?</summary>It comes from a network of the
# level above. It learns to lie where the q of the data lie, and that makes the KL smaller.</details>
#
# <details><summary>A Gaussian with the variance 1 is merged with one of the variance 1. Which variance comes
# out?</summary> One half: the precisions add, 1 + 1 = 2.</details>
#
# <details><summary>x says nothing about a unit of z1. What is its q in a ladder, and what its KL?</summary>Its
# precision is 0, so q is the prior given z2, and the KL is 0. An encoder need not learn to copy the prior.</details>
#
# <details><summary>Why is the plain variance of averaged draws a bad measure of an active unit?</summary>A K-th of
# each q's variance is in it. With 50 draws a dead unit has 0.02, above the limit of 0.01.</details>
#
# <details><summary>The upper level of your model is dead. Is its ELBO bad?</summary>Not necessarily. Here the plain
# hierarchy is some half a nat below the ladder with its warm-up, and most of that is the warm-up. It is a model with
# one level.</details>
#
# ## Further reading
#
# - C. K. Sønderby, T. Raiko, L. Maaløe, S. K. Sønderby, O. Winther, *Ladder Variational Autoencoders* (2016), arXiv
# 1602.02282.
# - D. J. Rezende, S. Mohamed, D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative
# Models* (2014), arXiv 1401.4082: levels of latents.
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance Weighted Autoencoders* (2016), arXiv 1509.00519, section 5:
# active units, of two levels.
# - M. D. Hoffman, M. J. Johnson, *ELBO surgery* (2016): the mean of all posteriors against the prior.
# - A. Vahdat, J. Kautz, *NVAE: A Deep Hierarchical Variational Autoencoder* (2020), arXiv 2007.03898; R. Child, *Very
# Deep VAEs* (2021), arXiv 2011.10650: ladders of dozens of levels.
# - `minivae/models/hvae.py`, `ladder.py`, `minivae/priors/hierarchy.py`, `minivae/posteriors/hierarchy.py`.

# %%
progress()
