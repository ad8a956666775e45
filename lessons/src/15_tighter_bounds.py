# %% [markdown]
# # 15. Tighter bounds
#
# **After this lesson you can** train a VAE on a bound that is tighter than the ELBO, and say who gains by it: the
# decoder. You know why the encoder then learns worse, unless its gradient is computed in another way, and a law that
# sees when a program's bound is none.
#
# **You will build** the gradient of the bound of K draws, its doubly reparameterized form, the measure of signal and
# noise that tells both apart, and the law.
#
# **You need** the gradient through a sample, and the score, of lesson 8; and the bound of K draws with its weights of
# lesson 13. About 2.5 hours.
#
# ![Left: signal to noise against K, one line falls, three rise. Right: mean gradients against K](picture:15_ratios)
#
# *One model, four gradients, more and more draws K. Left: how large the mean of a gradient is beside its noise. The
# decoder gains by more draws. The encoder loses, if its gradient comes by plain reparameterization (red), and gains
# with the one that you will derive (blue). Right: why the third one (violet) only looks as good. Its mean is another.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from numpy.random import default_rng

from minivae import VAE, Adam, fit, load_data
from minivae.densities import log_mean_exp, log_mean_exp_backward
from minivae.evaluate.evidence import sampled_evidence
from minivae.laboratory.snr import near_the_optimum, signal_to_noise
from minivae.models import IWAE
from minivae.params import replaced
from minivae.plot.lessons import lesson15 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## A judge becomes a teacher
#
# Lesson 13 used the bound of K draws to judge a model. For draws $z_k$ from $q(z \mid x)$,
#
# $$L_K = \log \frac1K \sum_{k=1}^K w_k, \qquad w_k = \frac{p(x, z_k)}{q(z_k \mid x)}, \qquad
#   \text{ELBO} = \mathbb{E}[L_1] \le \mathbb{E}[L_K] \le \log p(x) .$$
#
# Why not train on it? The ELBO is the mean of $\log w$: one draw that explains $x$ badly costs dearly, so $q$ must be
# careful, and the decoder must make room for a $q$ that is no good posterior. For $L_K$ it is enough that *one* of the
# K draws explains $x$. Burda and others call this the importance-weighted autoencoder, IWAE.
#
# ## The gradient by the weights
#
# *Given*: $L = \log \frac1K \sum_k e^{l_k}$, where $l_k$ stands for $\log w_k$. *Wanted*: the slope of $L$ in each
# $l_k$.
#
# ### Exercise 15.1: `bound_backward`
#
# Derive it. `g` (N,) is the derivative of what follows by each example's bound, `log_w` is (K, N). Return `dlog_w`
# (K, N). As in lesson 13, some of the numbers are near -900 and others near 800.
#
# <details><summary>Derivation, step 1: the outer slope</summary>
#
# $L = \log s$ with $s = \frac1K \sum_j e^{l_j}$. The slope of $\log s$ in $s$ is $1 / s$.
#
# </details>
#
# <details><summary>Derivation, step 2: the inner slope</summary>
#
# Of all K terms of $s$ only one contains $l_k$, and an exponential is its own slope. Do not forget its factor. Multiply
# both slopes, and cancel what can be cancelled.
#
# </details>
#
# <details><summary>Derivation, step 3: test it</summary>
#
# If all $l_k$ grow by 1, $L$ grows by 1. So the K slopes must add up to 1. If all $l_k$ are equal, the slopes are.
#
# </details>


# %%
def bound_backward(g, log_w):
    # Exercise 15.1: dlog_w
    ### BEGIN SOLUTION
    # dL / dl_k = e^l_k / sum_j e^l_j
    w = np.exp(log_w - log_w.max(axis=0))
    return g * w / w.sum(axis=0)
    ### END SOLUTION


# %%
check("15.1", bound_backward)

# %% [markdown]
# They are the normalized weights $v_k$ of lesson 13. Each draw gets the gradient of its own $\log w_k$, in proportion
# to how good it was: $\nabla L_K = \sum_k v_k \nabla \log w_k$. For K = 1 it is $v = 1$, the ELBO's.
#
# ## Through the sample
#
# Now on to the encoder, which gives $\mu$ and $\log\text{var}$. With $z = \mu + \text{std} \cdot \varepsilon$, and one
# latent,
#
# $$\log w = \log p(x, z) + \tfrac12 (\log 2\pi + \log\text{var} + \varepsilon^2),
#   \qquad \text{since} \quad \frac{(z - \mu)^2}{\text{std}^2} = \varepsilon^2 .$$
#
# $\mu$ acts through $z$ alone. $\log\text{var}$ acts through $z$, whose slope in it is
# $\tfrac12 \text{std} \cdot \varepsilon$ (lesson 8), and by itself, with slope $\tfrac12$. Let $dz$ be the slope of
# $\log p(x, z)$ in $z$, which comes back from decoder and prior. Then
#
# $$\frac{d \log w}{d\mu} = dz, \qquad
#   \frac{d \log w}{d \log\text{var}} = \tfrac12\, dz \cdot \varepsilon \cdot \text{std} + \tfrac12 .$$
#
# ### Exercise 15.2: `reparameterized`
#
# `log_w` (K, N), `dz` and `eps` (K, N, L), `log_var` (N, L). Return `dmu` and `dlog_var`, (N, L) each: the gradient of
# the sum of all N bounds. It is to grow: no minus sign.


# %%
def reparameterized(log_w, dz, log_var, eps):
    # Exercise 15.2: dmu, dlog_var
    ### BEGIN SOLUTION
    v = bound_backward(np.ones(log_w.shape[1]), log_w)[..., None]  # (K, N, 1)
    std = np.exp(log_var / 2)
    return (v * dz).sum(axis=0), (v * (0.5 * dz * eps * std + 0.5)).sum(axis=0)
    ### END SOLUTION


# %%
check("15.2", reparameterized)

# %% [markdown]
# ## A model to try it on
#
# Four latents and four real pixels, $p(x \mid z) = N(z W + b, I)$ with $W$ nearly the unit matrix, and one $x$. For
# $W = I$, $b = 0$ the posterior is $N(x / 2, \tfrac12 I)$. Our $q$ is near it, and slightly too wide,
# $N(x / 2, \tfrac23 I)$; then all numbers are moved by draws from $N(0, 0.1^2)$. Rainforth and others have used this
# model. A *repetition* is K draws, from which one gradient comes; S repetitions show how gradients vary. So S takes the
# place of N.

# %%
L = 4


def linear(off=0.1):
    """W, b, x, and mu, log_var of q, all moved by draws from N(0, off^2); off = None: q is the posterior for W = I."""
    rng = default_rng(0)
    move, variance = (0, 1 / 2) if off is None else (off, 2 / 3)
    W, b = np.eye(L) + move * rng.standard_normal((L, L)), move * rng.standard_normal(L)
    x = rng.standard_normal(L) @ W + b + rng.standard_normal(L)
    return W, b, x, x / 2 + move * rng.standard_normal(L), np.log(variance) + move * rng.standard_normal(L)


def repeat(model, K, S, rng):
    """S times K draws: log_w (K, S), dz, eps, z and x - z W - b (K, S, L), log_var (S, L)."""
    W, b, x, mu, log_var = model
    log_var, eps = np.tile(log_var, (S, 1)), rng.standard_normal((K, S, L))
    z = mu + np.exp(log_var / 2) * eps
    left = x - z @ W - b
    log_w = 0.5 * (log_var + eps**2 - left**2 - z**2 - np.log(2 * np.pi)).sum(axis=-1)
    return log_w, left @ W.T - z, eps, z, left, log_var


def log_evidence(model):
    """log p(x): x is normal with mean b and covariance W'W + I."""
    W, b, x, *_ = model
    C = W.T @ W + np.eye(L)
    return -0.5 * (L * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + (x - b) @ np.linalg.solve(C, x - b))


# %% [markdown]
# ## Is it a bound at all?
#
# Here are four programs that say they compute $L_K$. Only one does. A and B stand in published code, C is near to it:
#
# - **A** takes softmax of the *loss*, $-\log w_k$, for its weights, and logs the mean of $\log w_k$ by them. It came
# from a VAE whose loss was to be minimized, and the sign of the exponent was not turned.
# - **B** takes the KL by formula, as the VAE does, for every draw: $\log w_k = \log p(x \mid z_k) - \text{KL}$.
# - **C** has the right weights, but logs $\sum_k v_k \log w_k$ instead of the logarithm of the mean.
#
# A gradient check does not help: it compares a program with itself. But there is a law,
# $\text{ELBO} \le L_K \le \log p(x)$, and $L_K$ rises with K. All that one needs is a model whose $\log p(x)$ is known.
#
# ### Exercise 15.3: `bound_law`
#
# `elbo` and `bound` (S,) come from S repetitions, each pair from the *same* K draws (its `elbo` is the mean of the K
# log weights); `log_px` is a number. Return two z-scores as in lesson 12 (the mean of S numbers in units of its
# standard error, std / $\sqrt S$, with `np.std` as it is): `above_elbo` for the mean of bound - elbo, `below_log_px`
# for the mean of $\log p(x)$ - bound. The law is broken where one of them is far below 0, say below -4.


# %%
def bound_law(elbo, bound, log_px):
    # Exercise 15.3: above_elbo, below_log_px
    ### BEGIN SOLUTION
    above, below = bound - elbo, log_px - bound
    return tuple(d.mean() / (d.std() / np.sqrt(len(d))) for d in (above, below))
    ### END SOLUTION


# %%
check("15.3", bound_law)


# %%
def what_they_log(model, K, S, rng):
    """{program: (S,)}, and the ELBOs (S,) of the same draws."""
    log_w, _, _, z, left, log_var = repeat(model, K, S, rng)
    log_px_z = -0.5 * (np.log(2 * np.pi) + left**2).sum(axis=-1)
    mu, log_var = model[3], log_var[0]
    kl = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum()
    ones = np.ones(S)
    return {
        "right": log_mean_exp(log_w),
        "A, weights of the loss": (bound_backward(ones, -log_w) * log_w).sum(axis=0),
        "B, KL by formula": log_mean_exp(log_px_z) - kl,
        "C, weighted mean": (bound_backward(ones, log_w) * log_w).sum(axis=0),
    }, log_w.mean(axis=0)


def programs(S=2000):
    """Means of all four against K, and the law at K = 16, for a q whose mean is halfway to the prior's."""
    W, b, x, mu, log_var = linear()
    model, Ks = (W, b, x, mu / 2, log_var), 4 ** np.arange(6)
    log_px, means, law = log_evidence(model), {}, {}
    for K in Ks:
        values, elbo = what_they_log(model, K, S, default_rng(1))
        for name, value in values.items():
            means.setdefault(name, []).append(value.mean())
            if K == 16:
                law[name] = bound_law(elbo, value, log_px)
    print(f"log p(x) {log_px:.3f}, ELBO {means['right'][0]:.3f}; z-scores at K = 16:")
    for name, (above, below) in law.items():
        print(f"{name:<23} above the ELBO {above:8.1f}   below log p(x) {below:8.1f}")
    assert [min(scores) > -4 for scores in law.values()] == [True, False, False, False]
    assert law["A, weights of the loss"][0] < -4 < 4 < law["A, weights of the loss"][1]
    assert max(law["B, KL by formula"][1], law["C, weighted mean"][1]) < -4
    quoted("0.41", log_px - means["right"][0])
    quoted("0.02", log_px - means["right"][2])
    quoted("0.5", means["B, KL by formula"][-1] - log_px)
    quoted("0.3", means["C, weighted mean"][-1] - log_px)
    return Ks, means, elbo.mean(), log_px


with picture("15_programs") as path:
    drawings.programs(path, *programs())

# %% [markdown]
# **Read the picture.** The right bound starts at the ELBO, 0.41 nats too low, and climbs to $\log p(x)$: at K = 16
# 0.02 are left. A falls, the more draws the deeper: its worst draw decides. It is below $\log p(x)$, but useless, and
# below the ELBO. B and C rise above $\log p(x)$, by 0.5 and 0.3 nats: who compares models by them finds that more draws
# make every model better than it can be.
#
# In B the mistake is that $\log p(z_k) - \log q(z_k \mid x)$ of each draw is not its mean. A draw with a lucky $\log
# p(x \mid z_k)$ usually pays for it, with a $z_k$ that is improbable under the prior, or one that $q$ draws often.
# With a KL by formula it does not pay.
#
# ## Where nothing is to be learned
#
# Let $q$ be the posterior itself. Then every weight is $p(x)$, the bound is exact, and there is nothing for the
# encoder to learn: its gradient should be 0. What does yours say?


# %%
def at_the_posterior(S=1000):
    log_w, dz, eps, _, _, log_var = repeat(linear(None), 1, S, default_rng(2))
    dmu, dlog_var = reparameterized(log_w, dz, log_var, eps)
    print(f"log w: {log_w.min():.6f} to {log_w.max():.6f}")
    print(f"dmu[0]: mean {dmu[:, 0].mean():.3f}, standard deviation {dmu[:, 0].std():.3f}")
    print(f"dz + eps / std: at most {np.abs(dz + eps / np.exp(log_var / 2)).max():.1e}")
    quoted("1.4", dmu[:, 0].std(), within=0.1)
    quoted("1.4", np.sqrt(2))
    assert np.ptp(log_w) < 1e-12
    assert np.abs(dz + eps / np.exp(log_var / 2)).max() < 1e-12


at_the_posterior()

# %% [markdown]
# 0 on average, and noise of size 1 / std = 1.4 each time. That noise is not necessary. Split $\log w$ by *how* a
# parameter acts: on the way through $z$, or directly, as a parameter of the density $q$ while $z$ is held.
#
# - **The path.** $\log q$ falls away from $\mu$ with slope $-(z - \mu) / \text{var} = -\varepsilon / \text{std}$ in
# $z$. So the slope of $\log w$ in $z$, with $q$ held, is $dz + \varepsilon / \text{std}$. In $\mu$ the path is this, in
# $\log\text{var}$ it is this times $\tfrac12\, \varepsilon \cdot \text{std}$, the slope of $z$.
# - **The score.** With $z$ held, $\log w$ contains $-\log q$, so what is left is *minus* the score of lesson 8: in
# $\mu$ $-\varepsilon / \text{std}$, in $\log\text{var}$ $-\tfrac12 (\varepsilon^2 - 1)$.
#
# Add both up: in $\mu$ it is $dz$, in $\log\text{var}$ $\tfrac12\, dz \cdot \varepsilon \cdot \text{std} + \tfrac12$,
# as above. So
#
# $$\nabla L_K = \sum_k v_k \, (\text{path}_k - \text{score}_k) .$$
#
# At the posterior all of the path is 0, exactly, for every draw: $\log w$ does not depend on $z$ there. What was
# noise is the score. For K = 1 its mean is 0 (lesson 8), and one may just leave it out. This is called *sticking the
# landing*.
#
# ## The doubly reparameterized gradient
#
# For K > 1 that would be wrong. $v_k$ depends on $z_k$, so the mean of $v_k\, \text{score}_k$ is not 0. But it can be
# turned into a path. Lesson 8 had two ways to the gradient of a mean, by the score and by reparameterization. They
# are equal: for any function $f$ of $z$ (in which the parameters of $q$ are held, if it contains them),
#
# $$\mathbb{E}_q[f(z) \, \text{score}] = \mathbb{E}\Big[\frac{df}{dz} \frac{dz}{d\phi}\Big],
#   \qquad \phi = \mu \ \text{or}\ \log\text{var} .$$
#
# *Given*: this identity, the split above, and $\text{path}_k = \frac{d \log w_k}{dz_k} \frac{dz_k}{d\phi}$.
# *Wanted*: factors $c_k$, made of $v_k$ alone, for which $\sum_k c_k \, \text{path}_k$ has the same mean as
# $\sum_k v_k (\text{path}_k - \text{score}_k)$.
#
# ### Exercise 15.4: `doubly`
#
# Derive $c_k$. Then write the gradient: arguments and results as in 15.2, with `path` as in the list above.
#
# <details><summary>Derivation, step 1: which f?</summary>
#
# What stands before $\text{score}_k$ is $v_k$. Hold all draws but $z_k$; then $v_k$ is a function of $z_k$, through
# $\log w_k$ only. By the chain rule
#
# $$\frac{dv_k}{dz_k} \frac{dz_k}{d\phi} = \frac{dv_k}{d \log w_k} \, \text{path}_k .$$
#
# </details>
#
# <details><summary>Derivation, step 2: the slope of a normalized weight</summary>
#
# Write $v = w / (w + R)$, with $R$ the sum of the other weights, which are held. The slope of $w$ in $\log w$ is $w$.
# Take the quotient rule, and write what you get with $v = w / (w + R)$ and $1 - v = R / (w + R)$.
#
# </details>
#
# <details><summary>Derivation, step 3: together</summary>
#
# On average $v_k \, \text{score}_k$ may be replaced by the slope of step 2 times $\text{path}_k$. Subtract it from
# $v_k \, \text{path}_k$. Test: for K = 1 it is $v = 1$, and $c$ must be 1, since the score's mean is 0.
#
# </details>


# %%
def doubly(log_w, dz, log_var, eps):
    # Exercise 15.4: dmu, dlog_var
    ### BEGIN SOLUTION
    # dv / dlog w = v (1 - v), so c = v - v (1 - v) = v^2
    v = bound_backward(np.ones(log_w.shape[1]), log_w)[..., None]
    std = np.exp(log_var / 2)
    path = v**2 * (dz + eps / std)
    return path.sum(axis=0), (path * 0.5 * eps * std).sum(axis=0)
    ### END SOLUTION


# %%
check("15.4", doubly)

# %% [markdown]
# It uses reparameterization twice, hence its name. Nobody believes such a formula without a test: the means of both
# gradients must agree, and for K = 1 the exact gradient is known. (The ELBO is quadratic in $\mu$ here; by lesson 7 it
# has the slopes $W (x - b - \mu W) - \mu$ and $\tfrac12 (1 - \text{var} (1 + |W_l|^2))$, $W_l$ the l-th row.) A third
# one takes part: the path alone, with $v_k$ in the place of $c_k$, as if sticking the landing worked for K > 1.


# %%
def only_path(log_w, dz, log_var, eps):
    """Wrong for K > 1: v where c belongs."""
    v, std = bound_backward(np.ones(log_w.shape[1]), log_w)[..., None], np.exp(log_var / 2)
    path = v * (dz + eps / std)
    return path.sum(axis=0), (path * 0.5 * eps * std).sum(axis=0)


ENCODER = {"reparameterized": reparameterized, "path alone": only_path, "doubly": doubly}


def gradients(model, K, S, rng, decoder=False):
    """{name: (S, P)}: what each repetition says, and of the decoder the gradient by W."""
    log_w, dz, eps, z, left, log_var = repeat(model, K, S, rng)
    found = {name: np.concatenate(f(log_w, dz, log_var, eps), axis=1) for name, f in ENCODER.items()}
    if decoder:
        v = bound_backward(np.ones(S), log_w)
        found["decoder"] = np.einsum("ks,ksi,ksj->sij", v, z, left).reshape(S, -1)
    return found


def means_agree(S=20_000):
    model = linear()
    W, b, x, mu, log_var = model
    exact = np.concatenate([W @ (x - b - mu @ W) - mu, 0.5 * (1 - np.exp(log_var) * (1 + (W**2).sum(axis=1)))])
    for K in (1, 8):
        found = gradients(model, K, S, default_rng(3))
        print(f"K = {K}")
        if K == 1:
            print(f"  {'exact':<26} dmu[0] {exact[0]:8.4f}             dlog_var[0] {exact[L]:8.4f}")
        for name, draws in found.items():
            mean, error = draws.mean(axis=0), draws.std(axis=0) / np.sqrt(S)
            numbers = [f"{mean[i]:8.4f} +- {error[i]:.4f}" for i in (0, L)]
            print(f"  {name:<26} dmu[0] {numbers[0]}   dlog_var[0] {numbers[1]}")
            if K == 1:
                assert np.all(np.abs(mean - exact) < 4 * error)
        right, path, double = (draws for draws in found.values())
        d = right - double
        assert np.all(np.abs(d.mean(axis=0)) < 4 * d.std(axis=0) / np.sqrt(S))
        if K > 1:
            d = path - double
            assert np.abs(d.mean(axis=0) / (d.std(axis=0) / np.sqrt(S))).max() > 20


means_agree()

# %% [markdown]
# For K = 1 all three are right; the last two are the same. For K = 8 the first and the last agree within their errors,
# and the middle one is far from both.
#
# ## Signal and noise
#
# S gradients of P numbers each, $g_1, \dots, g_S$, independent. The *noise* is how far one of them is from the mean of
# all, the *signal* is how long that mean is:
#
# $$\text{noise}^2 = \mathbb{E}\,|g - \mathbb{E} g|^2, \qquad \text{signal}^2 = |\mathbb{E} g|^2 .$$
#
# The noise is estimated by $\frac{1}{S - 1} \sum_s |g_s - \bar g|^2$. ($S - 1$, since $\bar g$ is itself made of the
# $g_s$ and lies a little too near to them.) But $|\bar g|^2$ is too long an estimate of the signal: $\bar g$ is
# $\mathbb{E} g$ plus an error whose mean square is $\text{noise}^2 / S$, and
#
# $$\mathbb{E}\,|\bar g|^2 = |\mathbb{E} g|^2 + \frac{\text{noise}^2}{S} .$$
#
# Where there is only noise, this would find a signal. So subtract it: $\text{signal}^2 = |\bar g|^2 -
# \text{noise}^2 / S$, or 0 if that is below 0.
#
# ### Exercise 15.5: `signal_and_noise`
#
# `grads` (S, P). Return `signal` and `noise`, two numbers (not their squares).


# %%
def signal_and_noise(grads):
    # Exercise 15.5: signal, noise
    ### BEGIN SOLUTION
    mean, S = grads.mean(axis=0), len(grads)
    noise2 = ((grads - mean) ** 2).sum() / (S - 1)
    return np.sqrt(max((mean**2).sum() - noise2 / S, 0)), np.sqrt(noise2)
    ### END SOLUTION


# %%
check("15.5", signal_and_noise)


# %%
def against_k(S=1000):
    """Ratios and signals for K = 1, 4, ..., 256; reparameterized and doubly share the signal that the latter finds."""
    model, Ks, ratios, signals = linear(), 4 ** np.arange(5), {}, {}
    for K in Ks:
        found = {name: signal_and_noise(g) for name, g in gradients(model, K, S, default_rng(4), True).items()}
        found["reparameterized"] = found["doubly"][0], found["reparameterized"][1]
        for name, (signal, noise) in found.items():
            ratios.setdefault(name, []).append(signal / noise)
            signals.setdefault(name, []).append(signal)
    ratios, signals = ({name: np.array(values) for name, values in found.items()} for found in (ratios, signals))
    for name, values in ratios.items():
        slope = np.polyfit(np.log(Ks[1:]), np.log(values[1:]), 1)[0]
        print(f"{name:<24}", *(f"K={K}: {value:.3f}" for K, value in zip(Ks, values)), f"like K^{slope:.2f}", sep="  ")
        quoted("-0.5" if name == "reparameterized" else "0.5", slope, within=0.1)
    quoted("0.12", ratios["reparameterized"][0], within=0.02)
    quoted("0.006", ratios["reparameterized"][-1], within=0.002)
    quoted("0.42", ratios["doubly"][0], within=0.05)
    quoted("5.3", ratios["doubly"][-1], within=0.5)
    quoted("0.33", signals["path alone"][-1], within=0.03)
    quoted("280", signals["path alone"][-1] / signals["doubly"][-1], within=60)
    names = "path alone", "doubly"
    return Ks, ratios, {name: signals[name] for name in names}


with picture("15_ratios") as path:
    drawings.ratios(path, *against_k())

# %% [markdown]
# **Read the picture.** *Left.* The decoder's ratio rises like $\sqrt K$: K draws are averaged. The encoder's
# reparameterized one *falls* like $1 / \sqrt K$, from 0.12 to 0.006 at K = 256. Why? The better the bound, the less it
# depends on $q$ at all: its gap falls like $1 / K$ (lesson 7), and so does its slope in $q$. The signal goes like
# $1 / K$. The noise, a weighted mean of K scores, only goes like $1 / \sqrt K$. With a tighter bound the encoder
# learns less and less, from more and more work. That was Rainforth's finding in 2018.
#
# The doubly reparameterized gradient has the same signal. But each of its terms has a factor $v_k^2$, about $1 / K^2$,
# and K independent terms have the noise $\sqrt K / K^2$. So its ratio rises like $\sqrt K$, from 0.42 to 5.3.
#
# *Right.* The violet line explains why one must not look at a ratio alone. With $v$ in the place of $v^2$ it is the
# best of the encoder's on the left. But its mean does not fall with K: 0.33, where the true gradient is 280 times
# shorter. It points, with little noise, to something else.
#
# ## On digits
#
# Both laws are of a K at which many draws count. With a VAE of digits few do (lesson 13), and then $v$ is near 1 for
# the best draw. What is left of it in practice? Three models, three seeds each, 40 epochs: the VAE of lesson 9, and
# IWAEs of 8 draws with either gradient. Then the ratios of the last one, by the library's laboratory.


# %%
def build(method, seed):
    rng, shared = default_rng(seed), {"hidden": (100,), "latent": 16}
    if method == "ELBO":
        return VAE.build(data.shape, rng, **shared)
    return IWAE.build(data.shape, rng, samples=8, gradient=method, **shared)


def trainings(methods=("ELBO", "reparameterized", "doubly"), seeds=range(3)):
    """{method: (seeds, 2)}: ELBO and bound of 300 draws, on the validation split; and the last model."""
    found = {}
    for method in methods:
        for seed in seeds:
            model = build(method, seed)
            fit(model, Adam(model, lr=4e-3), data, epochs=40, batch_size=125, seed=seed, progress=False)
            evidence = sampled_evidence(model, data.validation.x, 300, default_rng(0))
            found.setdefault(method, []).append((evidence.elbo.mean(), evidence.log_px.mean()))
        found[method] = np.array(found[method])
        elbo, log_px = found[method].T
        print(f"{method:<16}", *(f"ELBO {a:.2f}, log p(x) {b:.2f};" for a, b in zip(elbo, log_px)))
    return found, model


data = load_data("digits")
found, last = trainings()


# %%
def summary():
    elbo = [values[:, 0].mean() for values in found.values()]
    gains = {name: found[name][:, 1] - found["ELBO"][:, 1] for name in ("reparameterized", "doubly")}
    for name, gain in gains.items():
        print(f"{name:<16} gains {gain.mean():.2f} nats of log p(x), by seed", *(f"{value:.2f}" for value in gain))
    assert min(gain.min() for gain in gains.values()) > 0
    quoted("0.4", gains["reparameterized"].mean(), within=0.2)
    quoted("0.4", gains["doubly"].mean(), within=0.2)
    quoted("1.5", elbo[0] - elbo[1], within=0.5)
    quoted("1.0", elbo[0] - elbo[2], within=0.4)
    assert elbo[1] < elbo[2]
    Ks = (1, 4, 16, 64)
    ratios = signal_to_noise(last, data.validation.x[:100], Ks, 30, default_rng(0))
    lines = {name: tuple(np.array(list(by_k.values())).T) for name, by_k in ratios.items()}
    for name, (values, errors) in lines.items():
        print(f"{name:<16}", *(f"K={K}: {value:.2f} +- {error:.2f}" for K, value, error in zip(Ks, values, errors)))
    assert np.all(np.diff(lines["reparameterized"][0]) < 0)
    doubly = lines["doubly"][0]
    assert 0.15 < 1 - doubly[1] / doubly[0] < 0.45
    assert abs(doubly[-1] / doubly[1] - 1) < 0.2
    assert doubly[-1] > 3 * lines["reparameterized"][0][-1]
    return found, Ks, lines


with picture("15_trainings") as path:
    drawings.trainings(path, *summary())

# %% [markdown]
# **Read the picture.** *Left.* Trained on the tighter bound, $\log p(x)$ is higher for every seed, by some 0.4 nats
# with either gradient. (Yours is ahead by a few hundredths, which three seeds do not prove.) The *ELBO* is lower, by
# 1.5 nats with the plain gradient and by 1.0 with yours: $q$ is no longer asked to be good on average. Whoever
# compares by ELBO would call both of them worse models. What was lost is the encoder: one draw of it explains $x$
# worse than before. If you want codes, that is a price, and yours is the smaller one; if you want a density, it is
# none.
#
# *Right.* The plain gradient's ratio falls with K on digits as well. That of the doubly reparameterized one falls by
# some third up to K = 4, and then stays; at K = 64 it is more than three times as large as the plain one.
#
# ## The same in minivae
#
# `log_mean_exp_backward` is your 15.1. `IWAE(gradient="reparameterized")` and `"doubly"` are 15.2 and 15.4, with the
# encoder's and the decoder's backward around them. The library's gradients of the bias that gives $\mu$ and
# $\log\text{var}$ are the sums over the examples of yours, divided by -N (it minimizes the mean of $-L_K$):


# %%
def same_as_the_library(K=6, N=10, D=3):
    model, rng = near_the_optimum(D, default_rng(0), off=0.3), default_rng(1)
    x, worst = rng.standard_normal((N, D)), 0.0
    with replaced(model, K=K):
        noise = model.draw_noise(rng, N)
    eps = noise["eps"].astype("float64")
    mu, log_var = model.encode(x)
    W, b = (model.decoder.layers[0].W.data, model.decoder.layers[0].b.data)
    z = mu + np.exp(log_var / 2) * eps
    dz, log_w = (x - z @ W - b) @ W.T - z, model.log_weights(x, eps)
    for name, mine in (("reparameterized", reparameterized), ("doubly", doubly)):
        with replaced(model, K=K, doubly=name == "doubly"):
            model.loss_and_grads(x, noise | {"eps": eps})
        yours = -np.concatenate(mine(log_w, dz, log_var, eps), axis=1).sum(axis=0) / N
        worst = max(worst, np.abs(yours - model.encoder.layers[0].b.grad).max())
    g = np.arange(1.0, N + 1)
    return max(worst, np.abs(bound_backward(g, log_w) - log_mean_exp_backward(g, log_w)).max())


print(f"largest difference between your functions and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12

# %% [markdown]
# ## More to try
#
# 1. Try the law on another q, with `mu + 0.3` for `mu / 2`. One of the wrong programs keeps it at K = 16. What does
# that say about a law that was tried once?
# 2. Climb with each program: move mu and log_var of `linear()` along the gradient of B, with K = 16. To which q does it
# go, and which would be right?
# 3. Draw the slope of the ratios on digits for a VAE of 2 latents, where more draws count (lesson 13).
# 4. Take $c_k = v_k^2$ for K = 64 and an encoder at the posterior: which gradient is left? And with $c_k = v_k$?
# 5. Train IWAEs of 2, 8 and 32 draws, and compare them at the same number of *decoder calls*, not of epochs. Which K
# is worth its price?
# 6. Give the decoder the gradient of K = 64, and the encoder that of the ELBO. Rainforth and others recommend such
# mixtures. What becomes of ELBO and log p(x)?
#
# ## Questions
#
# <details><summary>A draw with a tiny weight: what does it teach the encoder, under the ELBO and under L_K?</summary>
# Under the ELBO as much as every other draw: the encoder is moved away from it. Under L_K next to nothing.</details>
#
# <details><summary>Why does the decoder not suffer from a tighter bound?</summary>Its gradient does not vanish with
# the gap: the slope of log p(x) itself is left. Only what concerns q goes to 0 when the bound no longer depends on
# q.</details>
#
# <details><summary>The gradient check of an IWAE with the doubly reparameterized gradient fails, though it is right.
# Why?</summary>It is not the derivative of L_K for these draws: only its mean over draws is. The library checks it
# against another function, in which the weights and the parameters of q are held constant.</details>
#
# <details><summary>Somebody logs sum_k v_k log w_k and finds that K = 1,000 beats the record. What do you ask
# for?</summary> For the mean of the weights under the logarithm. The weighted mean of log w is above log p(x) for
# large K, unless q is the posterior.</details>
#
# <details><summary>Two estimators have the same mean; one has half of the noise. How many draws does that
# save?</summary>Three quarters of the repetitions: the noise of a mean of S falls like 1 / sqrt(S).</details>
#
# ## Further reading
#
# - Y. Burda, R. Grosse, R. Salakhutdinov, *Importance Weighted Autoencoders* (2016), sections 3 and 5; arXiv
# 1509.00519.
# - G. Roeder, Y. Wu, D. Duvenaud, *Sticking the Landing* (2017); arXiv 1703.09194.
# - T. Rainforth and others, *Tighter Variational Bounds are Not Necessarily Better* (2018); arXiv 1802.04537.
# - G. Tucker, D. Lawson, S. Gu, C. Maddison, *Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives*
# (2019); arXiv 1810.04152.
# - `minivae/models/iwae.py`, `minivae/laboratory/snr.py`: the library's own.

# %% [markdown]
# <!-- only with solutions -->
# - `figures/variants.md`: both gradients on MNIST.

# %%
progress()
