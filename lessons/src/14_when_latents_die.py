# %% [markdown]
# # 14. When latents die
#
# **After this lesson you can** say what a latent is worth, in nats, before you train; tell a latent that died because
# it costs more than it brings from one that died because the training got stuck; and revive the second kind, in three
# ways.
#
# **You will build** the best q and the best KL of a linear model, whose latents die exactly where you have computed
# it; a ledger of what pulls at a latent's mean; and three cures: a warm-up, free bits and a capacity.
#
# **You need** the KL of lesson 7 and the VAE of lesson 9; from mathematics, what an eigenvalue of a covariance matrix
# is: the variance of the data along one of their principal directions. About 3 hours.
#
# ![Left: the KL of four trainings of one network. Right: the nats of each of their eight latents](picture:14_cures)
#
# *Four trainings of one VAE with eight latents, from the same start. Without a cure the code says nothing: one tenth
# of a nat in all. With each of the three cures that you will write it says two nats or more, in its own way.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae import VAE, Adam, load_data
from minivae.data import batches
from minivae.densities import (
    kl_standard_normal,
    kl_standard_normal_backward,
    reparameterize,
    reparameterize_backward,
)
from minivae.metrics import mean_metrics
from minivae.plot.lessons import lesson14 as drawings
from minivae.schedules import cosine
from minivae.teach import check, hint, picture, progress, quoted, use_reference
from minivae.truth import linear_gaussian

# %% [markdown]
# ## Dead, alive
#
# The encoder says of each $x$ and each latent $l$ a mean $\mu$ and a variance $v = e^{\text{log\_var}}$. What that
# costs is the KL to the prior, $\tfrac12 (\mu^2 + v - \log v - 1)$. Averaged over the data it is a number per latent,
# its *nats*. No latent tells the decoder more about $x$ than its nats: they are at least the mutual information of
# the two. If $\mu = 0$ and $v = 1$ whatever $x$ is, the KL is 0, the decoder gets pure noise, and the latent is
# *dead*; if all are dead, the posterior has *collapsed*. In this lesson a latent is called alive from 0.1 nats on.
#
# Why would a training give up a latent? There are two answers, and they want different cures. Either the latent costs
# more than it brings; then giving it up is right, for the loss that was asked for. Or it would have paid, and the
# training did not find out. To tell them apart one has to know what a latent is worth.
#
# ## What is a latent worth?
#
# In a linear model we can compute it. Take data $x$ that vary in one direction, with the mean 0 and the variance
# $\lambda$ (`lam`), and one latent:
#
# $$p(z) = N(0, 1), \qquad p(x \mid z) = N(w z, \text{var}_x), \qquad q(z \mid x) = N(a x, v) .$$
#
# $w$ belongs to the decoder; $a$ and $v$ belong to the encoder; $\text{var}_x$, the variance of the noise, is given.
# The loss is that of a $\beta$-VAE, $-\mathbb{E}_q[\log p(x \mid z)] + \beta \, \text{KL}$, averaged over the data.
#
# *The reconstruction.* With $z = a x + \sqrt v \, \varepsilon$ the error is
# $x - w z = (1 - w a) x - w \sqrt v \, \varepsilon$. $x$ and $\varepsilon$ are independent with mean 0, so the mean
# of its square is $(1 - w a)^2 \lambda + w^2 v$.
#
# *The KL.* The mean of $\mu^2 = a^2 x^2$ over the data is $a^2 \lambda$. Together, up to a constant,
#
# $$\text{loss}(w, a, v) = \frac{(1 - w a)^2 \lambda + w^2 v}{2 \, \text{var}_x}
#   + \frac{\beta}{2} \big( a^2 \lambda + v - \log v - 1 \big) .$$
#
# ### Exercise 14.1: `best_q`
#
# *Given*: this loss, with $w$, $\text{var}_x$ and $\beta$ fixed. *Wanted*: the $a$ and the $v$ at which it is
# smallest.
#
# **Derive** both. Then write them: `w` (L,) are the weights of L such pairs of direction and latent, `var_x` and
# `beta` are numbers. Return `a` and `log_var`, the logarithm of $v$, (L,) each. ($\lambda$ is no argument: see what
# becomes of it.) `hint("14.1")` has a first step.
#
# <details><summary>Derivation, step 1: where is a best?</summary>
#
# $v$ is not in the terms with $a$. The derivative of the loss by $a$ must be 0:
#
# $$-\frac{w (1 - w a) \lambda}{\text{var}_x} + \beta a \lambda = 0 .$$
#
# </details>
#
# <details><summary>Derivation, step 2: and v?</summary>
#
# The terms with $v$ are $w^2 v / (2 \, \text{var}_x)$ and $\tfrac{\beta}{2} (v - \log v)$. The sum of their
# derivatives must be 0:
#
# $$\frac{w^2}{\text{var}_x} + \beta - \frac{\beta}{v} = 0 .$$
#
# Solve both, and bring them to a form in which $\beta$ and $\text{var}_x$ occur as the product
# $\beta \, \text{var}_x$ only.
#
# </details>


# %%
def best_q(w, var_x, beta):
    # Exercise 14.1: a, log_var
    ### BEGIN SOLUTION
    # a = w / (w^2 + beta var_x),   v = beta var_x / (w^2 + beta var_x)
    c = w**2 + beta * var_x
    return w / c, np.log(beta * var_x / c)
    ### END SOLUTION


# %%
check("14.1", best_q)

# %% [markdown]
# With $\beta = 1$ this is the posterior that you found in lesson 7. A $\beta$ of 4 makes the same q as a noise of
# four times the variance would.
#
# ### The best decoder
#
# Now $w$ may move as well. A decoder with a large $w$ makes of $z$ a large part of $x$; but the encoder has to pay
# for a $z$ that says so much.
#
# ### Exercise 14.2: `best_latent`
#
# *Given*: the loss above, in which $a$ and $v$ are, for each $w$, the best ones of 14.1. *Wanted*: the best
# $w \ge 0$, and the KL of the latent there, averaged over the data. Mind the directions whose variance is small.
#
# **Derive** both. Then write them: `lam` (L,) are the variances of L directions with a latent each. Return `w` and
# `kl`, (L,) each.
#
# <details><summary>Derivation, step 1: one letter for what occurs everywhere</summary>
#
# Call $c = w^2 + \beta \, \text{var}_x$. Then $a = w / c$ and $v = \beta \, \text{var}_x / c$. And
# $1 - w a = 1 - w^2 / c = v$.
#
# </details>
#
# <details><summary>Derivation, step 2: what is left of the loss?</summary>
#
# Put them in. With $(1 - w a)^2 = v^2$ the reconstruction's square is $v^2 \lambda + w^2 v$; divided by
# $\text{var}_x = c v / \beta$ it becomes $\beta \, (v \lambda + w^2) / c$. So the terms with $\lambda$, of the
# reconstruction and of the KL, are, up to the factor $\beta / 2$,
#
# $$\frac{v \lambda}{c} + a^2 \lambda = \frac{(\beta \, \text{var}_x + w^2) \, \lambda}{c^2} = \frac{\lambda}{c} ,$$
#
# and those without are $w^2 / c + v = 1$, a constant, and $-\log v$.
#
# </details>
#
# <details><summary>Derivation, step 3: where is that smallest?</summary>
#
# As a function of $c$ it is $\lambda / c + \log c$, up to constants. Its derivative changes its sign once. But not
# every $c$ can be had: $w^2$ is not negative, so $c \ge \beta \, \text{var}_x$. Which $c$ is best if the place where
# the derivative is 0 is below that?
#
# </details>
#
# <details><summary>Derivation, step 4: and the KL?</summary>
#
# $\tfrac12 (a^2 \lambda + v - \log v - 1)$, with the best $c$. Simplify $a^2 \lambda + v$ first.
#
# </details>


# %%
def best_latent(lam, var_x, beta):
    # Exercise 14.2: w, kl
    ### BEGIN SOLUTION
    # c = max(lam, beta var_x);   w^2 = c - beta var_x,   KL = log(c / (beta var_x)) / 2
    c = np.maximum(lam, beta * var_x)
    return np.sqrt(c - beta * var_x), 0.5 * np.log(c / (beta * var_x))
    ### END SOLUTION


# %%
check("14.2", best_latent)

# %% [markdown]
# So $\beta \, \text{var}_x$ is like a water level. A direction whose variance is above it gets a latent; one below it
# gets none, and its latent is dead *at the best parameters that there are*. No schedule and no start can change that:
# only another $\beta$, another noise or another loss. And twice the $\beta$ takes from each latent that stays alive
# the same $\tfrac12 \ln 2 = 0.35$ nats, be it large or small.
#
# Data with many columns are such directions after a rotation: their principal directions. A linear VAE has to find
# the rotation by itself. Does a training know your formula? Six directions with variances from 8 down to 0.25, noise
# 0.25; the library's VAE, linear, with samples of z and Adam:

# %%
LAM, VAR_X, BETAS = np.array([8, 4, 2, 1, 0.5, 0.25]), 0.25, (1, 2, 4, 8, 16)


def linear_data(rng, N=128):
    """x (N, 6) whose covariance has exactly the eigenvalues LAM, in directions drawn at random."""
    x = rng.standard_normal((N, len(LAM)))
    white = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[0] * N**0.5
    return white * np.sqrt(LAM) @ np.linalg.qr(rng.standard_normal((len(LAM), len(LAM))))[0]


def linear_training(beta, steps=1200):
    """Nats of each latent, the largest first, and -log p(x | z), as trained."""
    rng = np.random.default_rng(0)
    x = linear_data(rng)
    model = VAE.build(x.shape[1:], rng, hidden=(), latent=6, likelihood="gaussian-fixed", std=VAR_X**0.5, beta=beta)
    optimizer = Adam(model.bind("float64"), lr=cosine(0.1, steps))
    for t in range(steps):
        model.loss_and_grads(x, model.draw_noise(rng, len(x)), t=t)
        optimizer.step()
    kl = kl_standard_normal(*model.encode(x)).mean(axis=0)
    return np.sort(kl)[::-1], -linear_gaussian.elbo(model, x).mean() - kl.sum()


def rate_and_distortion(beta):
    """What your formula says: the sum of the KLs, and -log p(x | z), whose squares are lam (1 - w a)^2 + w^2 v."""
    w, kl = best_latent(LAM, VAR_X, beta)
    a, log_var = best_q(w, VAR_X, beta)
    squares = (1 - w * a) ** 2 * LAM + w**2 * np.exp(log_var)
    return kl.sum(), 0.5 * (np.log(2 * np.pi * VAR_X) + squares / VAR_X).sum()


def linear_trainings():
    found = {beta: linear_training(beta) for beta in BETAS}
    print("beta   nats of each latent: trained / formula")
    for beta, (kl, distortion) in found.items():
        formula = best_latent(LAM, VAR_X, beta)[1]
        print(f"{beta:>4}  ", "  ".join(f"{a:.3f} / {b:.3f}" for a, b in zip(kl, formula)))
        assert np.abs(kl - formula).max() < 0.03
        assert np.allclose([kl.sum(), distortion], rate_and_distortion(beta), rtol=0.03, atol=0.03)
        assert (kl > 0.1).sum() == {1: 5, 2: 4, 4: 3, 8: 2, 16: 1}[beta]
    worst = max(np.abs(kl - best_latent(LAM, VAR_X, beta)[1]).max() for beta, (kl, _) in found.items())
    quoted("0.01", worst, within=0.02)
    return found


def best_curve():
    """Betas, and rates and distortions of the best models; the slope between neighbors is -beta."""
    levels = np.geomspace(0.5, 32, 400)  # at 32 the last latent dies
    rate, distortion = np.array([rate_and_distortion(beta) for beta in levels]).T
    slope = np.diff(distortion) / np.diff(rate)
    assert np.allclose(slope, -np.sqrt(levels[1:] * levels[:-1]), rtol=1e-3)
    return levels, (rate, distortion)


quoted("0.35", 0.5 * np.log(2))
with picture("14_linear") as path:
    formula = lambda lam, beta: best_latent(lam, VAR_X, beta)[1]  # noqa: E731
    drawings.linear(path, LAM, VAR_X, linear_trainings(), *best_curve(), formula)

# %% [markdown]
# **Read the picture.** Left: each dot is a trained latent, each line your formula. They differ by some 0.01 nats.
# With $\beta = 1$ five of six latents live, with 16 one.
#
# Right: the same trainings as *rate* against *distortion*. The rate is the KL, what the code costs; the distortion is
# $-\mathbb{E}_q[\log p(x \mid z)]$, what is lost with it. $-\text{ELBO}$ is their sum, so the models of one ELBO lie
# on a line that falls with slope -1 (it looks flatter: a nat is longer on the axis of the rate). The best models for
# all $\beta$ are a curve. On it the slope is $-\beta$: where one nat of rate saves less than $\beta$ nats of
# distortion, a training with $\beta$ stops buying. The dashed line touches the curve at $\beta = 1$, at the best ELBO.
#
# A collapse by $\beta$ is no accident, then. The model went where the loss sent it: toward the left end of the curve.
# (Each of these $\beta$ puts one direction exactly at the water level: its latent is dead, too.)
#
# ## A collapse that nobody ordered
#
# Now a VAE of the digits, with $\beta = 1$, eight latents and hidden layers of 64 units in both nets. One net has one
# hidden layer, the other five. The deep one can do whatever the other can: a layer of 64 ReLU units can pass on what
# a ReLU layer of 64 units gives it, with the identity as its matrix. So the best ELBO of the training data that it
# can reach is at least as high.
#
# For the cures we need a step whose charge for the KL can be exchanged. `charge(kl, t)` takes the KLs (N, L) and the
# number of the step, and returns the cost, a number, and its gradient (N, L). All else is lesson 9.


# %%
def plain(beta):
    """The charge of a VAE: beta times the KL, summed over the latents and averaged over the examples."""
    return lambda kl, t: (beta * kl.sum() / len(kl), np.full_like(kl, beta / len(kl)))


def step(model, x, noise, charge, t):
    """Put the gradient of charge(KL) - log p(x | z) into model.grad. Return mu and dmu (N, L)."""
    (mu, log_var), c_enc = model.encoder.forward(x)
    z = reparameterize(mu, log_var, eps=noise["eps"])
    out, c_dec = model.decoder.forward(z)
    log_px_z, c_x = model.likelihood.forward(x, out)
    model.zero_grad()
    dz = model.decoder.backward(model.likelihood.backward(np.full_like(log_px_z, -1 / len(x)), c_x), c_dec)
    dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=noise["eps"])
    _, dkl = charge(kl_standard_normal(mu, log_var), t)
    dmu_kl, dlog_var_kl = kl_standard_normal_backward(np.asarray(dkl, mu.dtype), mu, log_var)
    model.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
    return mu, dmu + dmu_kl


EPOCHS, DEEP, SHALLOW = 60, (64,) * 5, (64,)
DIGITS = load_data("digits")
STEPS = len(list(batches(len(DIGITS.train.x), 128))) * EPOCHS


def training(charge, hidden=DEEP, seed=0):
    """(model, nats of each latent after each epoch, ELBO, rate, distortion, [mu, dmu of each epoch's last step]).

    The numbers are of validation digits, the ELBO with beta = 1.
    """
    rng, t, nats, pulls = np.random.default_rng(seed), 0, [], []
    model = VAE.build(DIGITS.shape, rng, hidden=hidden, latent=8)
    optimizer = Adam(model, lr=cosine(4e-3, STEPS))
    for _ in range(EPOCHS):
        for rows in batches(len(DIGITS.train.x), 128, rng):
            x = DIGITS.present(DIGITS.train.x[rows], rng)
            mu, dmu = step(model, x, model.draw_noise(rng, len(x)), charge, t)
            optimizer.step()
            t += 1
        nats.append(kl_standard_normal(*model.encode(DIGITS.validation.x)).mean(axis=0))
        pulls.append((mu, dmu))
    found = [mean_metrics(model, *DIGITS.validation, np.random.default_rng(i)) for i in range(5)]
    elbo, log_px_z = (np.mean([metrics[name] for metrics in found]) for name in ("elbo", "log_px_z"))
    return model, np.array(nats), elbo, log_px_z - elbo, -log_px_z, pulls


def report(name, runs):
    """A line of means over the seeds; return them: ELBO, rate, distortion, living latents."""
    alive = [int(np.sum(nats[-1] >= 0.1)) for _, nats, *_ in runs]
    means = [np.mean([run[i] for run in runs]) for i in (2, 3, 4)]
    spread = f"+- {np.ptp([run[2] for run in runs]) / 2:.2f}" if len(runs) > 1 else ""
    print(f"{name:<22} ELBO {means[0]:7.2f} {spread:<7}   KL {means[1]:5.2f} nats   alive of 8: {alive}")
    return *means, np.mean(alive)


SEEDS = 0, 1, 2
shallow = [training(plain(1), SHALLOW, seed) for seed in SEEDS]
deep = [training(plain(1), DEEP, seed) for seed in SEEDS]
means_shallow, means_deep = report("one hidden layer", shallow), report("five hidden layers", deep)
quoted("2.8", means_shallow[0] - means_deep[0], within=0.3)
quoted("0.1", means_deep[1], within=0.15)
assert means_deep[3] < 0.5  # of eight
assert means_shallow[3] > 5.5


def independent_pixels():
    """The mean log p(x) of validation digits if each pixel is 1 with its own share of the training images."""
    p, x = np.clip(np.float64(DIGITS.train.x).mean(axis=0), 1e-3, 1 - 1e-3), DIGITS.validation.x
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1).mean()


print(f"independent pixels: {independent_pixels():.2f} nats")
quoted("-27.3", independent_pixels(), within=0.1)
assert abs(means_deep[0] - independent_pixels()) < 0.2

# %% [markdown]
# The net that can do more is worth some 2.8 nats less. (The number behind +- is half the range of the three seeds.)
# All of its latents are dead: 0.1 nats of KL, for all eight together. What is left is a model of independent pixels:
# one that knows nothing but how often each pixel is 1 costs as much, 27.3 nats. This collapse is not in the loss. It
# is in the training.
#
# ### Nothing pulls it out
#
# Look at the linear model where it is dead, $w = 0$, $a = 0$, $v = 1$. There
#
# $$\frac{\partial \, \text{loss}}{\partial a} = -\frac{w (1 - w a) \lambda}{\text{var}_x} + \beta a \lambda = 0, \qquad
# \frac{\partial \, \text{loss}}{\partial w} = \frac{-a (1 - w a) \lambda + w v}{\text{var}_x} = 0, \qquad
# \frac{\partial \, \text{loss}}{\partial v} = \frac{w^2}{2 \, \text{var}_x}
# + \frac{\beta}{2} \Big( 1 - \frac1v \Big) = 0 :$$
#
# a decoder that ignores z gives the encoder no reason to speak, and an encoder that says nothing gives the decoder no
# reason to listen. Each of them would have to begin. *Dead is always a place of rest*, also for a latent that is
# worth something.
#
# Is it a stable one? Take $a$ and $w$ small, and keep the terms of second degree. The loss is, up to constants and
# with $v = 1$,
#
# $$\frac{1}{2 \, \text{var}_x} \left( w^2 - 2 \lambda \, w a + \beta \, \text{var}_x \lambda \, a^2 \right) =
# \frac{1}{2 \, \text{var}_x} \left( (w - \lambda a)^2 + \lambda (\beta \, \text{var}_x - \lambda) \, a^2 \right) .$$
#
# If $\lambda > \beta \, \text{var}_x$ the last term is negative, and the place is a saddle: along $w = \lambda a$ the
# loss falls, slowly at first, since it falls with $a^2$. This is why the linear VAE above woke every latent that was
# worth it. If $\lambda < \beta \, \text{var}_x$ it is a minimum. For a deep net there is no such formula. But what
# would wake a latent has to pass every layer between $x$ and $z$ and back.
#
# ## The ledger
#
# What pulls at $\mu$? Its gradient has two parts. For one example the KL's part is $\beta \mu$, the derivative of
# $\beta \mu^2 / 2$, toward the prior. The other one comes from the reconstruction, back through the decoder. Where
# the latent is in use they balance: equally large along $\mu$, and of opposite signs.
#
# ### Exercise 14.3: `ledger`
#
# `mu` (N, L); `dmu` (N, L), the gradient of the mean loss of N examples as it arrives at the encoder; `beta`, a
# number. N `dmu` is the gradient of each example's own loss. Split it into both parts. Return, (L,) each, over the
# examples: the root mean square of the reconstruction's part, `reconstruction`; that of the KL's part, `kl`; and the
# `cosine` between the two parts of each latent, seen as vectors with N entries. (Where `mu` is 0 for all examples it
# is 0 / 0; no such latent is tried.)


# %%
def ledger(mu, dmu, beta):
    # Exercise 14.3: reconstruction, kl, cosine
    ### BEGIN SOLUTION
    pull = beta * mu
    other = len(mu) * dmu - pull
    reconstruction, kl = np.sqrt((other**2).mean(axis=0)), np.sqrt((pull**2).mean(axis=0))
    return reconstruction, kl, (other * pull).mean(axis=0) / (reconstruction * kl)
    ### END SOLUTION


# %%
check("14.3", ledger)

# %% [markdown]
# The reconstruction's part is noisy: it depends on $\varepsilon$. What counts is how much of it pulls against the KL,
# and that is $-\text{cosine}$ times its size. Both nets, over the epochs, averaged over the eight latents; and as a
# third the shallow net with $\beta = 4$, whose latents are too dear:


# %%
def pulls_of(run, beta=1):
    """After each epoch: pull of the KL, and what the reconstruction pulls against it; means over the latents."""
    lines = [ledger(np.float64(mu), np.float64(dmu), beta) for mu, dmu in run[-1]]
    return np.array([(kl.mean(), -(cosine * reconstruction).mean()) for reconstruction, kl, cosine in lines]).T


too_dear = training(plain(4), SHALLOW)


def ledgers():
    found = {"one hidden layer": pulls_of(shallow[0]), "five hidden layers": pulls_of(deep[0]),
             "one hidden layer, beta 4": pulls_of(too_dear, 4)}  # fmt: skip
    for name, (kl, against) in found.items():
        first, last = kl[0], kl[-5:].mean()
        print(f"{name:<25} pull of the KL {first:.2f} after epoch 1, {last:.2f} in the end; "
              f"against it {against[0]:.2f} and {against[-5:].mean():.2f}")  # fmt: skip
    quoted("0.7", found["one hidden layer"][0][-5:].mean(), within=0.15)
    quoted("0.7", found["one hidden layer"][1][-5:].mean(), within=0.15)
    quoted("0.02", found["five hidden layers"][0][-5:].mean(), within=0.03)
    quoted("0.3", found["one hidden layer"][1][0], within=0.2)
    assert found["one hidden layer"][1][0] > 3 * abs(found["five hidden layers"][1][0])
    assert found["one hidden layer"][1][-5:].mean() > 5 * abs(found["five hidden layers"][1][-5:].mean())
    kl, against = found["one hidden layer, beta 4"]
    quoted("0.1", kl[-5:].mean(), within=0.08)
    assert abs(against[-5:].mean()) < 0.1 < against[0]
    assert abs(kl[-5:].mean() / 4 - found["five hidden layers"][0][-5:].mean()) < 0.02
    return found


with picture("14_ledger") as path:
    drawings.ledger(path, ledgers())

# %% [markdown]
# **Read the picture.** In the shallow net the reconstruction answers from the first epoch on, with some 0.3, and in
# the end both pull with some 0.7: each latent is held by the reconstruction against the KL. In the deep one the KL
# pulls first, against nothing, and from then on both are near 0; in the end the KL pulls with 0.02. It did not win a
# fight; there was none.
#
# The third net is dead of its price, and in the end its ledger is nearly as empty: the KL pulls with 0.1, for each
# unit of its $\beta$ no more than in the deep net, and nothing pulls against it. So two empty columns say *dead*; they
# do not say why. The start says a little more: in the third net there is a fight, and it is lost. What tells the two
# deaths apart is a better model of the same loss, or the last picture of this lesson.
#
# ## Three cures
#
# Each takes the price off the KL somewhere: early in the training, below a limit for each latent, or below a limit
# for the whole code.
#
# **A warm-up.** Let $\beta$ rise along a line, from 0 at step $t = 0$ to its value at step $t = $ `steps`, and stay
# there (Bowman et al. 2016, Sønderby et al. 2016). At first the net is an autoencoder, and the decoder learns to
# listen. What is asked for in the end is the same ELBO.
#
# ### Exercise 14.4: `warm_up`
#
# `t` is an array (T,) of numbers of steps, or a single one, an int. Return $\beta$ at each.


# %%
def warm_up(t, beta, steps):
    # Exercise 14.4: beta_t
    ### BEGIN SOLUTION
    return beta * np.minimum(t / steps, 1)
    ### END SOLUTION


# %%
check("14.4", warm_up)

# %% [markdown]
# **Free bits** (Kingma et al. 2016). The charge for a latent is never less than `least`, whatever its KL:
#
# $$\text{cost} = \beta \sum_{l=1}^{L} \max\Big( \frac1N \sum_{n=1}^{N} \text{kl}_{nl}, \ \text{least} \Big) .$$
#
# So nothing is saved by a latent of less than `least`: the KL does not pull at it, and the reconstruction may. Where
# the maximum is taken matters: here *after* the mean over the batch, for each latent by itself. A latent may then say
# much of a few examples and nothing of the others. The gradient: a maximum passes it on to the larger of the two, and
# a mean gives each of its N terms the N-th part.
#
# ### Exercise 14.5: `free_bits`
#
# `kl` (N, L), `beta` and `least` numbers. Return `cost`, a number, and `dkl` (N, L), its gradient.


# %%
def free_bits(kl, beta, least):
    # Exercise 14.5: cost, dkl
    ### BEGIN SOLUTION
    mean = kl.mean(axis=0)  # (L,)
    dkl = np.broadcast_to(beta / len(kl) * (mean >= least), kl.shape)
    return beta * np.maximum(mean, least).sum(), dkl
    ### END SOLUTION


# %%
check("14.5", free_bits)

# %% [markdown]
# **A capacity** (Burgess et al. 2018). Say how many nats the code shall have in all, $C$, and charge for the
# distance:
#
# $$\text{cost} = \gamma \, \Big| \, \frac1N \sum_{n=1}^{N} \sum_{l=1}^{L} \text{kl}_{nl} - C \, \Big| .$$
#
# $C$ rises during the training, from 0 to its value: a warm-up of nats in the place of a price. Above $C$ a nat costs
# $\gamma$; below it *brings* as much.
#
# ### Exercise 14.6: `capacity`
#
# `kl` (N, L), `gamma` and `C` numbers. Return `cost`, a number, and `dkl` (N, L), its gradient. (The KL is never
# exactly $C$ in practice; there any value is right.)


# %%
def capacity(kl, gamma, C):
    # Exercise 14.6: cost, dkl
    ### BEGIN SOLUTION
    over = kl.sum() / len(kl) - C
    return gamma * abs(over), np.full_like(kl, gamma * np.sign(over) / len(kl))
    ### END SOLUTION


# %%
check("14.6", capacity)

# %% [markdown]
# Now the deep net again, from the same three starts. Warm-up and capacity rise during the first half of the training;
# each latent has 0.25 free nats; the capacity is 3 nats for all eight. The ELBO in the table is that of every VAE,
# $\log p(x \mid z)$ minus the whole KL, whatever the loss charged.

# %%
RISE = STEPS // 2
CURES = {
    "no cure": plain(1),
    "warm-up": lambda kl, t: plain(warm_up(t, 1, RISE))(kl, t),
    "free bits": lambda kl, t: free_bits(kl, 1, 0.25),
    "capacity": lambda kl, t: capacity(kl, 2, warm_up(t, 3, RISE)),
}
TOO_MUCH = {
    "2 free nats each": lambda kl, t: free_bits(kl, 1, 2.0),
    "capacity, gamma 20": lambda kl, t: capacity(kl, 20, warm_up(t, 3, RISE)),
}


def cured():
    """{name: (three runs, their means)}."""
    runs = {name: deep if name == "no cure" else [training(cure, DEEP, seed) for seed in SEEDS]
            for name, cure in CURES.items()}  # fmt: skip
    runs |= {name: [training(cure, DEEP, seed) for seed in SEEDS[:1]] for name, cure in TOO_MUCH.items()}
    return {name: (found, report(name, found)) for name, found in runs.items()}


deep_runs = cured()
with picture("14_cures") as path:
    drawings.cures(path, {name: deep_runs[name][0][0][1] for name in CURES})


def what_the_cures_are_worth():
    worst_alive = max(run[2] for run in deep_runs["no cure"][0])
    for name, elbo, nats, within in (("warm-up", "-24.7", "2.5", 0.5), ("free bits", "-25.9", "2.1", 0.5),
                                     ("capacity", "-26.1", "2.9", 0.6), ("no cure", "-27.3", "0.1", 0.2)):  # fmt: skip
        quoted(elbo, deep_runs[name][1][0], within=within)
        quoted(nats, deep_runs[name][1][1], within=0.5)
        assert name == "no cure" or all(run[2] > worst_alive for run in deep_runs[name][0])  # each seed of each cure
        assert deep_runs[name][1][0] < means_shallow[0]
    assert deep_runs["free bits"][1][3] == 8 > deep_runs["warm-up"][1][3]
    quoted("2.6", deep_runs["warm-up"][1][0] - deep_runs["no cure"][1][0], within=0.5)
    for name, elbo, nats in (("2 free nats each", "-32.6", "15"), ("capacity, gamma 20", "-29.9", "2.9")):
        quoted(elbo, deep_runs[name][1][0], within=1.2)
        quoted(nats, deep_runs[name][1][1], within=0.7)
        assert all(run[2] < worst_alive - 0.5 for run in deep_runs[name][0])  # alive, and worth less than a dead one


what_the_cures_are_worth()

# %% [markdown]
# **Read the picture** (it is the one of the beginning) and the table.
#
# - *Warm-up*: the KL starts at many nats, since nothing charges for it, and comes down as $\beta$ rises. Two to four
# latents live and say 2.5 nats; the ELBO is -24.7, nearly that of the shallow net, and 2.6 above that of the
# collapse (the shallow net's is 2.8 above it).
# - *Free bits*: all eight live, most of them near their free 0.25 nats and hardly above: 2.1 in all. The loss has no
# reason to put them into fewer latents. The ELBO is -25.9.
# - *Capacity*: the KL follows $C$ to 3 nats, spread as it likes. The ELBO is -26.1.
#
# Each cure beats the collapse with each of the three seeds. In the mean none beats the net with one hidden layer,
# which needs no cure. The cheapest cure was not to be too deep.
#
# And *alive is not the same as good*. The last two rows, of one seed each, are cures taken in excess. With 2 free
# nats for each latent the code has 15 nats, all latents live, and the ELBO is -32.6: 5 nats *worse* than that of a
# dead code. With a $\gamma$ of 20 the capacity's KL is the same 2.9 nats as with 2, but to hold it there is all that
# the encoder is paid for, and the ELBO is -29.9. A number of living latents is no aim. It is a question: does the
# ELBO want them?
#
# ## Rate and distortion
#
# One picture holds it all. The shallow net, trained once for each of several $\beta$, gives the curve; the trainings
# of the deep net are points.


# %%
def digits_curve():
    runs = {
        beta: {1: shallow[0], 4: too_dear}.get(beta) or training(plain(beta), SHALLOW)
        for beta in (0.25, 0.5, 0.7, 1, 1.4, 2, 4)
    }
    found = {beta: run[2:5] for beta, run in runs.items()}
    for beta, (elbo, rate, distortion) in found.items():
        print(f"beta {beta:<5} rate {rate:5.2f}   distortion {distortion:5.2f}   ELBO {elbo:.2f}")
    assert max(found, key=lambda beta: found[beta][0]) in (0.7, 1)
    assert np.all(np.diff([rate for _, rate, _ in found.values()]) < 0)
    quoted("0.0", found[4][1])
    quoted("27.5", found[4][2], within=0.2)
    quoted("27.2", deep_runs["no cure"][1][2], within=0.2)
    return found


def without_the_noise(model, draws=500):
    """log p(x) of validation digits, if each pixel is 1 with the mean of what the decoder says of many z of p(z)."""
    p = np.float64(model.decode(np.random.default_rng(0).standard_normal((draws, 8)).astype("float32")))
    p, x = np.clip(p.reshape(draws, -1).mean(axis=0), 1e-3, 1 - 1e-3), DIGITS.validation.x
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1).mean()


quoted("27.3", -without_the_noise(too_dear[0]), within=0.1)
assert too_dear[2] < without_the_noise(too_dear[0]) - 0.05


with picture("14_rate") as path:
    points = {name: [run[2:5] for run in runs] for name, (runs, _) in deep_runs.items()}
    drawings.rate(path, digits_curve(), points)

# %% [markdown]
# **Read the picture.** A training with $\beta = 1$ should end where the curve touches the dashed line. The net
# without a cure ends in the upper left corner, with a rate of 0.1 and a distortion of 27.2, where $\beta = 4$ belongs,
# with 0.0 and 27.5. *That* is what tells the two deaths apart. A latent that died of its price lies where the price
# puts it. One that died of the training lies at a price that nobody asked for.
#
# (Why 27.5 and not the 27.3 of independent pixels? That decoder still passes some of the noise on. Where we average
# what it says over many z of the prior, it costs 27.3.)
#
# The warm-up moves the net down along the curve. Free bits and the capacity end above it: for their rate they lose
# more than they need to. They are told a rate, not a price, and what they are worth depends on whether it was the
# right one.
#
# ## The same in minivae
#
# `VAE` has your `free_bits`, and `beta_schedule="linear"` your `warm_up`; `CapacityVAE` has your `capacity`. One step
# of each, with the same weights, data and noise:

# %%
from minivae.evaluate import activity, collapse_doctor, decoder_gain, gradient_ledger
from minivae.models import CapacityVAE
from minivae.schedules import linear


def same_as_the_library():
    """Largest differences between the gradients of your step and the library's, and between the ledgers."""
    rng, worst, t = np.random.default_rng(0), 0.0, 30
    x = DIGITS.present(DIGITS.train.x[:64], rng)
    pairs = (
        (VAE.build(DIGITS.shape, rng, hidden=(16,), latent=8, free_bits=0.2), lambda kl, t: free_bits(kl, 1, 0.2)),
        (VAE.build(DIGITS.shape, rng, hidden=(16,), latent=8, beta_schedule="linear", beta_epochs=100),
         lambda kl, t: plain(warm_up(t, 1, 100))(kl, t)),
        (CapacityVAE.build(DIGITS.shape, rng, hidden=(16,), latent=8, gamma=3, capacity=9, capacity_epochs=40),
         lambda kl, t: capacity(kl, 3, warm_up(t, 9, 40))),
    )  # fmt: skip
    for model, charge in pairs:
        model.bind("float64")
        noise = model.draw_noise(rng, len(x))
        step(model, x, noise, charge, t)
        yours = model.grad.copy()
        model.loss_and_grads(x, noise, t=t)
        worst = max(worst, np.abs(yours - model.grad).max())
    model = pairs[1][0]
    theirs = gradient_ledger(model, x, noise, t=100)["mu"]
    mine = ledger(*step(model, x, noise, plain(1), 100), 1)
    return worst, max(np.abs(a - theirs[name]).max() for name, a in zip(("reconstruction", "kl", "cosine"), mine))


print("largest differences: {:.1e} in gradients, {:.1e} in the ledger".format(*same_as_the_library()))
assert max(same_as_the_library()) < 1e-9
assert np.allclose([linear(3, RISE)(t) for t in range(2 * RISE)], warm_up(np.arange(2 * RISE), 3, RISE))

# %% [markdown]
# For a model that you have not seen before there is a doctor. It asks three things of each latent or of the whole
# code: its KL; whether its mean moves with $x$; and what the decoder gains from a $z$ of $q(z \mid x)$ in the place
# of one from the prior. This is what it says of two of our nets:


# %%
def doctor(run):
    model, nats, *_ = run
    mu, _ = model.encode(DIGITS.validation.x)
    gain = decoder_gain(model, DIGITS.validation.x, np.random.default_rng(0)).mean()
    settings = {"model": "vae", "beta": 1.0, "beta_schedule": "constant", "free_bits": 0.0}
    assert (activity(mu)[0] > 0.01).sum() in ((7, 8) if run is shallow[0] else (0, 1))
    return collapse_doctor(nats[-1], activity(mu)[0], gain, settings, list(enumerate(nats, 1)))


print("five hidden layers:", doctor(deep[0]), "\n\none hidden layer:", doctor(shallow[0]))

# %% [markdown]
# It calls a latent collapsed below 0.01 nats, a tenth of our limit, so it counts fewer than our eight. Of the others it
# says that their means stand still: the variance over the data is 0.01 or less. What they cost says little of $x$, so
# all eight are dead. That the decoder "uses z" is no contradiction: it gains a tenth or two of a nat, for 0.1 nats of
# KL. The doctor compares these two; next to nothing is said, and next to nothing is made of it. What it advises are two
# of your cures, a smaller decoder, and the bound of lesson 15. For a run of your own,
# `minivae evaluate RUN --measure latents` says the same, and `minivae ledger RUN` draws the ledger of every epoch, if
# the run was trained with `ledger = true` in its configuration.

# %% [markdown]
# <!-- only with solutions -->
# With lines of text, where a decoder that sees the letters before can do without z for good, the page
# `figures/collapse.md` compares seven cures: there free bits are the cheapest.

# %% [markdown]
# ## More to try
#
# 1. Train the deep net without a cure for 200 epochs, with several seeds. Does a latent wake? When, and how fast
# then?
# 2. A warm-up in cycles (Fu et al. 2019): let $\beta$ rise again from 0 every 15 epochs. How many latents live?
# 3. Free bits before the mean: a maximum for each example. Which latents suffer, and what does the ELBO say?
# 4. The linear model with $\text{var}_x$ learned instead of given: for data with more directions than latents, which
# noise does it find, and which latents die? (Lucas et al. 2019, section 4.)
# 5. Start the shallow net badly: add 4 to the encoder's bias of log_var, `model.encoder.layers[-2].b.data[8:] += 4`,
# before the training. Is it a collapse? For how long?
# 6. Give the deep net LayerNorm, `norm="layer"`, or 20 latents. Which of the two is a cure?
#
# ## Questions
#
# <details><summary>A latent has a KL of 0.001 nats. Is that bad?</summary>Not by itself. If it costs more than it
# brings at your beta and your noise, giving it up is the best thing to do. It is bad if a better model of the same
# loss uses it.</details>
#
# <details><summary>How do you tell whether a collapse is in the loss or in the training?</summary>Find a better ELBO
# for the same loss: another start, a warm-up, a smaller net. If there is one, it was the training. In a linear model
# compute it.</details>
#
# <details><summary>Why is a dead latent a place of rest, even if it would pay?</summary>The decoder ignores z, so the
# encoder gets no gradient from it; z says nothing of x, so a decoder that listens would only get noise.</details>
#
# <details><summary>With free bits the KL of every latent is just at the limit. What have you learned about the
# data?</summary>Little. Below the limit nats are free, so they are taken. That they are taken does not say that they
# are worth their price.</details>
#
# <details><summary>Twice the beta: what happens to a linear model's latents?</summary>Each living one loses half of
# ln 2, 0.35 nats, and those that have less than that die. Twice the variance of the noise does the same.</details>
#
# ## Further reading
#
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi, *Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse*
# (2019), arXiv 1911.02469: the linear model, and that its training finds no false optimum.
# - S. R. Bowman and others, *Generating Sentences from a Continuous Space* (2016), arXiv 1511.06349: collapse, and
# the warm-up.
# - D. P. Kingma and others, *Improving Variational Inference with Inverse Autoregressive Flow* (2016), arXiv
# 1606.04934, appendix C.8: free bits.
# - C. P. Burgess and others, *Understanding disentangling in beta-VAE* (2018), arXiv 1804.03599: the capacity.
# - A. A. Alemi and others, *Fixing a Broken ELBO* (2018), arXiv 1711.00464: rate and distortion.
# - C. K. Sønderby and others, *Ladder Variational Autoencoders* (2016), arXiv 1602.02282: warm-up and living latents.
# - T. Cover, J. Thomas, *Elements of Information Theory* (2006), section 10.3: the water level, for Gaussian sources.
# - `minivae/models/capacity.py`, `minivae/evaluate/ledger.py`, `minivae/evaluate/doctor.py`.

# %%
progress()
