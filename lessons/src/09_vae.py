# %% [markdown]
# # 9. A VAE, whole
#
# **After this lesson you can** write a variational autoencoder without any framework, and prove that every one of its
# gradients is right. Nothing in such a model is a black box to you then, and you can say what it has learned, and what
# it is not sure of.
#
# **You will build** the whole model from arrays alone: its loss, and the gradient of its loss by every parameter. You
# check it against numeric gradients and against the library, train it on handwritten digits, and look at what comes
# out: new digits, ways between digits, a map of all of them.
#
# **You need** the dense net of lesson 1, the KL and the ELBO of lesson 7, and the gradient through a sample of lesson
# 8; what is used of them is said again where it is used. Besides: the chain rule, logarithms, and the mean and variance
# of a random number. About 3 hours.
#
# ![The graph of a VAE: x, out, mu and log_var, z, logits, log_px_z and kl, loss; forward arrows to the right,
# backward arrows to the left](picture:09_graph)
#
# *The whole model. Blue: values, computed from left to right. Orange: gradients, from right to left, to all weights;
# `x` and `eps` need none. Count the orange arrows that arrive at mu and at log_var: there are two at each. That is
# the heart of this lesson.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from numpy.random import default_rng

from minivae import VAE, Adam, check_gradients, fit, load_data, mean_metrics, plot
from minivae.evaluate import ledger_line
from minivae.evaluate.latents import decodings, interpolate, kl_per_latent, normal_quantiles
from minivae.plot.lessons import lesson09 as drawings
from minivae.teach import check, hint, keep, picture, progress, quoted, use_reference

# %% [markdown]
# ## Seven steps
#
# 1. **Preprocess.** An image of 8 x 8 grey values becomes $D = 64$ bits, drawn with the grey values as
# probabilities: `x` (N, D). Training images get new bits at every presentation, held-out ones are drawn once.
# 2. **Encode.** A net turns `x` into the mean and the log-variance of a Gaussian over $L$ latents: $q(z \mid x)$.
# 3. **Sample.** $z = \mu + \sigma\,\epsilon$ with $\epsilon \sim N(0, I)$ and
# $\sigma = \exp(\texttt{log\_var} / 2)$.
# 4. **Decode.** A net turns $z$ into $D$ *logits*: $s = 1 / (1 + e^{-\text{logit}})$ is the probability of a 1.
# 5. **Loss.** The negative ELBO of one image, in nats:
# $\;\text{loss} = \mathrm{KL}(q(z \mid x) \,\|\, N(0, I)) - \log p(x \mid z)$. Training minimizes its mean over a
# batch.
# 6. **Backward.** The gradient of that mean by every parameter. It is most of your work below.
# 7. **Update.** The optimizer Adam moves every weight a small step against its gradient, and it begins again with the
# next batch.
#
# Adam is the library's. It keeps, for each weight, a running mean of the gradient and one of its square, and moves by
# the first divided by the root of the second. So a step is about as long as the learning rate, whether the gradients
# are large or small. (Lesson 5 derives it. You need no more of it here.)

# %%
with picture("09_graph") as path:
    drawings.graph(path)

# %% [markdown]
# ## What you have already
#
# Encoder and decoder are the net of lesson 1, dense, ReLU, dense. Forward returns its output and the *cache*, what
# backward needs of it. Backward returns a pair: the gradient of its input, and a tuple of those of its four
# parameters.


# %%
def net_forward(x, W1, b1, W2, b2):
    h = np.maximum(x @ W1 + b1, 0)
    return h @ W2 + b2, (x, h)


def net_backward(dy, cache, W1, W2):
    x, h = cache
    da = (dy @ W2.T) * (h > 0)
    return da @ W1.T, (x.T @ da, da.sum(axis=0), h.T @ dy, dy.sum(axis=0))


def sigmoid(a):
    return 0.5 * (1 + np.tanh(0.5 * a))  # 1 / (1 + exp(-a)), which cannot overflow


# %% [markdown]
# ## The reconstruction: a log-probability from logits
#
# Write $l$ for a logit, $s = 1 / (1 + e^{-l})$ for the probability of a 1. The log-probability of the bit $x$ is
#
# $$\log p(x) = x \log s + (1 - x) \log (1 - s) .$$
#
# Computed like this it fails where the decoder is very sure: at $l = 45$ the computer rounds $s$ to exactly 1, and
# $\log(1 - s)$ is $-\infty$. So what is wanted is $\log p(x)$ as a formula in $x$ and $l$, without $s$, that can be
# computed for *every* $l$: nothing in it may overflow at $l = 800$ (the largest number has the logarithm 709.8), and
# nothing may be rounded away at $l = 45$ or $-45$.
#
# The bits are independent given $z$, so the log-probability of an image is the **sum** over its pixels.
#
# ### Exercise 9.1: `bernoulli_log_prob`
#
# **Derive** the formula, with pencil and paper. Then write it: `logits`, `x` (N, D) give `log_px_z` (N,), nats. Some of
# the logits that `check` tries are 800 and -800. If you are stuck, open the steps below one by one, or call
# `hint("9.1")`; every exercise has hints.
#
# <details><summary>Derivation, step 1: what are s and 1 - s?</summary>
#
# Multiply numerator and denominator of $s = 1 / (1 + e^{-l})$ by $e^l$:
#
# $$s = \frac{e^l}{1 + e^l}, \qquad 1 - s = \frac{1}{1 + e^l} .$$
#
# </details>
#
# <details><summary>Derivation, step 2: and their logarithms?</summary>
#
# $$\log s = l - \log(1 + e^l), \qquad \log(1 - s) = -\log(1 + e^l) .$$
#
# Put both into $\log p(x)$. The term $\log(1 + e^l)$ comes once with $x$ and once with $1 - x$ in front: how often is
# that together, and what is left besides?
#
# </details>
#
# <details><summary>Derivation, step 3: what about the overflow?</summary>
#
# Only $\log(1 + e^l) = \log(e^0 + e^l)$ is in danger. Take the larger of the two terms out of the logarithm, and what
# is left in it is 1 plus an exponential whose exponent is never positive:
#
# $$\log(e^0 + e^l) = \max(0, l) + \log(1 + e^{\,?}) .$$
#
# For $l > 0$ you have divided by $e^l$, for $l < 0$ by 1. What is the exponent in each case, and how do you write both
# as one? (`np.logaddexp(0, l)` does the same.)
#
# </details>


# %%
def bernoulli_log_prob(logits, x):
    # Exercise 9.1: log_px_z
    ### BEGIN SOLUTION
    # log p(x) = x l - log(1 + e^l), and log(1 + e^l) = max(0, l) + log(1 + e^-|l|)
    return (x * logits - np.logaddexp(0, logits)).sum(axis=-1)
    ### END SOLUTION


# %%
check("9.1", bernoulli_log_prob)

# %% [markdown]
# A decoder that knows nothing says $s = 1/2$ for every pixel, logits 0. Then an image costs $64 \log 2 = 44.36$
# nats: the **chance level**. A model whose loss is above it has learned less than nothing. If the loss is below 1, it
# was averaged over the pixels: chance is then $\log 2 = 0.69$.

# %%
print(f"chance level: {-bernoulli_log_prob(np.zeros((1, 64)), np.ones((1, 64))).item():.2f} nats")
quoted("44.36", -bernoulli_log_prob(np.zeros((1, 64)), np.ones((1, 64))).item())
quoted("0.69", np.log(2))
quoted("709.8", np.log(np.finfo("float64").max))

# %% [markdown]
# ### Its gradient
#
# What you have derived is $\log p(x) = x\,l - \log(1 + e^l)$. Differentiate it by $l$:
#
# $$\frac{d \log p(x)}{dl} = x - \frac{e^l}{1 + e^l} = x - s .$$
#
# The derivative is what the decoder got wrong, no more: 0 where it is right, never beyond 1 where it is wrong. From
# the right arrives `g` (N,), the derivative of whatever follows by each example's $\log p(x \mid z)$; each pixel of
# example $n$ gets its own $x - s$ times $g_n$.
#
# ### Exercise 9.2: `bernoulli_log_prob_backward`
#
# Return `dlogits` (N, D), the gradient of `(g * log_px_z).sum()`.


# %%
def bernoulli_log_prob_backward(g, logits, x):
    # Exercise 9.2: dlogits
    ### BEGIN SOLUTION
    return g[:, None] * (x - sigmoid(logits))
    ### END SOLUTION


# %%
check("9.2", bernoulli_log_prob_backward)

# %% [markdown]
# ## The KL: what the code costs
#
# Take one latent: $q = N(\mu, \sigma^2)$, $p = N(0, 1)$, and write $z = \mu + \sigma \epsilon$. Both log-densities
# are known, and $(z - \mu)^2 / \sigma^2 = \epsilon^2$:
#
# $$\log q(z) = -\tfrac12 (\log 2\pi + \log \sigma^2 + \epsilon^2), \qquad
#   \log p(z) = -\tfrac12 (\log 2\pi + z^2) .$$
#
# The KL is the mean of their difference over $z \sim q$. The $2\pi$ cancel. $\epsilon^2$ has the mean 1, and $z^2$
# has the mean $\mu^2 + \sigma^2$ (square $\mu + \sigma\epsilon$; the mean of $\epsilon$ is 0):
#
# $$\mathrm{KL} = E_q[\log q(z) - \log p(z)] = \tfrac12 E_q[z^2 - \log \sigma^2 - \epsilon^2]
#   = \tfrac12 (\mu^2 + \sigma^2 - \log \sigma^2 - 1) .$$
#
# It is 0 for $\mu = 0$, $\sigma = 1$, when the code says nothing about $x$, and positive otherwise ($e^v > 1 + v$
# for $v = \log \sigma^2 \ne 0$). Independent latents add up. The encoder gives `log_var` $= \log \sigma^2$, so that any
# real number is allowed and $\sigma^2 = \exp(\texttt{log\_var})$ is positive.
#
# ### Exercise 9.3: `kl_standard_normal`
#
# `mu`, `log_var` (N, L) give `kl` (N,), nats.


# %%
def kl_standard_normal(mu, log_var):
    # Exercise 9.3: kl
    ### BEGIN SOLUTION
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=-1)
    ### END SOLUTION


# %%
check("9.3", kl_standard_normal)

# %% [markdown]
# ### Its gradient
#
# With $v = \texttt{log\_var}$ one latent's KL is $\frac12 (\mu^2 + e^v - 1 - v)$. So
#
# $$\frac{d\,\mathrm{KL}}{d\mu} = \frac12 \cdot 2 \mu = \mu, \qquad \frac{d\,\mathrm{KL}}{dv} = \frac12 (e^v - 1) .$$
#
# Going down, it pulls $\mu$ to 0 like a spring, and $\sigma^2$ to 1 from both sides.
#
# ### Exercise 9.4: `kl_standard_normal_backward`
#
# Return `dmu`, `dlog_var` (N, L), the gradients of `(g * kl).sum()`; this `g` (N,) is the derivative by each `kl`.


# %%
def kl_standard_normal_backward(g, mu, log_var):
    # Exercise 9.4: dmu, dlog_var
    ### BEGIN SOLUTION
    return g[:, None] * mu, g[:, None] * 0.5 * (np.exp(log_var) - 1)
    ### END SOLUTION


# %%
check("9.4", kl_standard_normal_backward)

# %% [markdown]
# ## The loss of the whole model
#
# Steps 2 to 5. `W1, b1, W2, b2` are the encoder's parameters; its output is (N, 2 L), the first half of the columns
# `mu`, the second `log_var`. `W3, b3, W4, b4` are the decoder's. The noise `eps` (N, L) is given: all that is random
# is drawn before the step, so that the loss is a plain function of its arguments, and its gradient can be checked.
#
# ### Exercise 9.5: `vae_loss`
#
# Return `loss`, `log_px_z`, `kl`, each (N,), one number per example, no mean yet.


# %%
def vae_loss(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    # Exercise 9.5: loss, log_px_z, kl
    ### BEGIN SOLUTION
    out, _ = net_forward(x, W1, b1, W2, b2)  # encode: (N, 2 L)
    mu, log_var = np.split(out, 2, axis=-1)  # (N, L) each
    z = mu + np.exp(0.5 * log_var) * eps  # sample: (N, L)
    logits, _ = net_forward(z, W3, b3, W4, b4)  # decode: (N, D)
    log_px_z = bernoulli_log_prob(logits, x)  # (N,)
    kl = kl_standard_normal(mu, log_var)  # (N,)
    return kl - log_px_z, log_px_z, kl
    ### END SOLUTION


# %%
check("9.5", vae_loss)

# %% [markdown]
# ## The whole way back
#
# What is minimized is $\frac1N \sum_n \text{loss}_n$. Its derivative by one example's loss is $1/N$, so $g$ is an array
# (N,) filled with $1/N$. Now follow the orange arrows of the picture from the right to the left.
#
# **The two terms.** $\text{loss} = \texttt{kl} - \texttt{log\_px\_z}$: the KL gets $g$, the reconstruction gets
# $-g$. So what exercise 9.2 called `g` is $-1/N$ here.
#
# **The decoder.** `bernoulli_log_prob_backward` gives `dlogits`. The decoder's `net_backward` turns it into `dz`,
# since $z$ is its input, and the gradients of its four parameters.
#
# **The sample.** $z = \mu + \sigma \epsilon$ with $\sigma = e^{v/2}$, $v = \texttt{log\_var}$. $\epsilon$ itself is a
# number that was drawn, and needs no gradient.
#
# **Two ways meet.** $\mu$ acts on the loss through $z$ and through the KL, and so does $v$. Given are $dz$, which comes
# back from the decoder, and $d\mu_{\mathrm{KL}}$, $dv_{\mathrm{KL}}$, which `kl_standard_normal_backward` gives for
# $g$. Wanted are $d\mu$ and $dv$, all that arrives at $\mu$ and at $v$, in these three, $\epsilon$ and $\sigma$.
#
# **The encoder.** Its output was cut in two halves. The gradient of the whole is the two gradients side by side
# again, in the same order, and the encoder's `net_backward` does the rest.
#
# ### Exercise 9.6: `vae_backward`
#
# **Derive** $d\mu$ and $dv$. Then return the gradients of the **mean** loss by all eight parameters, `dW1, db1, dW2,
# db2, dW3, db3, dW4, db4`. What you need of the forward you compute again.
#
# <details><summary>Derivation, step 1: how does z move with mu, and with v?</summary>
#
# Hold everything else fixed, and differentiate $z = \mu + e^{v/2} \epsilon$:
#
# $$\frac{dz}{d\mu} = 1, \qquad \frac{dz}{dv} = \epsilon\, \frac{d e^{v/2}}{dv} .$$
#
# The chain rule gives the second: $e^{v/2}$ comes back, times a number. And $e^{v/2}$ is $\sigma$.
#
# </details>
#
# <details><summary>Derivation, step 2: what comes back on the way through z?</summary>
#
# Every latent of every example has its own $z$, $\mu$ and $v$, so nothing is summed: what comes back on this way is
# $dz$ times the slope of step 1, entry by entry.
#
# </details>
#
# <details><summary>Derivation, step 3: what is done with two ways?</summary>
#
# The loss changes by $\;dz \cdot \frac{dz}{d\mu} \cdot \delta\;$ through $z$, and by
# $\;d\mu_{\mathrm{KL}} \cdot \delta\;$ through the KL, when $\mu$ is moved by a small $\delta$. What is used twice gets
# the sum of what comes back (lesson 1). The same holds for $v$, with its own slope.
#
# </details>


# %%
def vae_backward(x, eps, W1, b1, W2, b2, W3, b3, W4, b4):
    # Exercise 9.6: all eight gradients
    ### BEGIN SOLUTION
    out, c_enc = net_forward(x, W1, b1, W2, b2)
    mu, log_var = np.split(out, 2, axis=-1)
    std = np.exp(0.5 * log_var)
    z = mu + std * eps
    logits, c_dec = net_forward(z, W3, b3, W4, b4)

    g = np.full(len(x), 1 / len(x))  # d mean / d (one example's loss)
    dlogits = bernoulli_log_prob_backward(-g, logits, x)
    dz, decoder = net_backward(dlogits, c_dec, W3, W4)
    dmu_kl, dlog_var_kl = kl_standard_normal_backward(g, mu, log_var)
    dmu = dz + dmu_kl  # two ways: dz/dmu = 1
    dlog_var = 0.5 * dz * eps * std + dlog_var_kl  # dz/dlog_var = eps std / 2
    _, encoder = net_backward(np.concatenate((dmu, dlog_var), axis=-1), c_enc, W1, W2)
    return *encoder, *decoder
    ### END SOLUTION


# %%
check("9.6", vae_backward)

# %% [markdown]
# That is a VAE, whole. At its heart are two lines: $d\mu = dz + d\mu_{\mathrm{KL}}$ and
# $dv = \tfrac12\, dz\, \epsilon\, \sigma + dv_{\mathrm{KL}}$.
#
# ## The same in minivae
#
# The library's `VAE` has the same eight arrays in `params`, each with its values `data` and its gradient `grad`. Below
# is one with **your** functions in the place of its `loss_and_grads`, so that the training loop, the optimizer and
# the laboratory can work with them. `noise["eps"]` is what was drawn for the step; labels `y` and the step's number
# `t` are handed over, too, and not used here. The test is in float64, to which `bind` converts a model.


# %%
class MyVAE(VAE):
    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        parameters = [p.data for p in self.params.values()]  # in the order W1, b1, ..., W4, b4
        loss, log_px_z, kl = vae_loss(x, noise["eps"], *parameters)
        if grads:
            for p, gradient in zip(self.params.values(), vae_backward(x, noise["eps"], *parameters)):
                p.grad[...] = gradient
        return {"loss": loss.mean(), "elbo": -loss.mean(), "log_px_z": log_px_z.mean(), "kl": kl.mean()}


def same_as_the_library(N=20):
    rng = default_rng(1)
    x = (rng.random((N, 64)) < 0.5).astype("float64")
    answers = []
    for kind in (MyVAE, VAE):
        model = kind.build((8, 8, 1), default_rng(0), hidden=(30,), latent=5).bind("float64")
        noise = model.draw_noise(default_rng(2), N)
        metrics = model.loss_and_grads(x, noise)
        answers.append((metrics["loss"], model.grad))
    (my_loss, mine), (loss, theirs) = answers
    print(f"loss: yours {my_loss:.10f}, the library's {loss:.10f}")
    print(f"largest difference of {mine.size} gradients: {np.abs(mine - theirs).max():.1e}")
    return max(abs(my_loss - loss) / loss, np.abs(mine - theirs).max())


assert same_as_the_library() < 1e-12

# %% [markdown]
# And the laboratory's test, which moves all entries of an array at once in random directions and asks the loss
# alone. The library's names, in order, are those of your W1, b1, W2, b2, W3, b3, W4, b4 (layer 1 is the ReLU):

# %%
small = MyVAE.build((8, 8, 1), default_rng(0), hidden=(8,), latent=3)
checks = check_gradients(small, load_data("digits").validation.x[:10])
print(checks)
assert checks.ok

# %% [markdown]
# ## Train it
#
# The loop is the library's `fit`: shuffle, cut into batches, draw bits and noise, call your `loss_and_grads`, let
# Adam step. It returns a line of numbers for each epoch.


# %%
def train(latent):
    model = MyVAE.build(data.shape, default_rng(0), hidden=(100,), latent=latent)
    return model, fit(model, Adam(model, lr=4e-3), data, epochs=60, batch_size=125, progress=False)


data = load_data("digits")  # 1,250 images to learn from, 250 for validation, 297 for the end: data.test() reads them
model, history = train(latent=16)
first, fourth, last = (history[epoch - 1]["validation"] for epoch in (1, 4, 60))
for epoch, line in ((1, first), (4, fourth), (60, last)):
    print(f"epoch {epoch:>2}: ELBO {line['elbo']:.1f} = reconstruction {line['log_px_z']:.1f} - KL {line['kl']:.1f}")

# %%
with picture("09_curves") as path:
    plot.learning_curves(history, path)

# %% [markdown]
# **Read the picture.** After one epoch, ten steps, the validation ELBO is -34, well above the chance level of -44.4.
# (The training curve starts lower, since it is averaged while the model learns.) At first the KL *falls*, to 0.7
# nats in epoch 4: what the codes say is not yet worth its price. Then they begin to speak: the KL rises, and every
# nat that is spent on it is more than paid back in reconstruction, since the ELBO rises, too. At the end an image
# costs 20 nats given its code, and the code costs 4.5. Training and validation stay close together: the model has
# not learned its images by heart.
#
# Now the test split, at which nobody has looked yet. The ELBO is a lower bound on $\log p(x)$, so an unseen digit
# costs this model at most 23.6 nats on average (on your machine some tenths more or less: 600 steps amplify rounding).
#
# What is that worth? A decoder without any code can say, at best, how often each pixel is 1. That costs 26.7 nats,
# so the code saves 3.1, its own price paid. The ten templates of lesson 0 do about as well as the VAE: 24.2 nats on
# the validation images, where its ELBO is -24.1. But they were made with the labels; the VAE found its code alone, from
# 1,250 images, and its ELBO is only a bound (see "More to try", 4).


# %%
def held_out_elbo(model):
    return mean_metrics(model, *data.test(), default_rng(0))["elbo"]


def without_code():
    p = data.train.x.mean(axis=0).clip(0.001, 0.999)  # (D,), how often each pixel is 1
    x = data.test().x
    return bernoulli_log_prob(np.tile(np.log(p / (1 - p)), (len(x), 1)), x).mean()


print(f"held-out ELBO: {held_out_elbo(model):.1f} nats; pixels by their frequencies: {without_code():.1f} nats")
quoted("-26.7", without_code())
quoted("3.1", held_out_elbo(model) - without_code(), within=0.6)
quoted("-24.1", last["elbo"], within=0.6)
quoted("20", -last["log_px_z"], within=1)
quoted("4.5", last["kl"], within=0.6)
quoted("-23.6", held_out_elbo(model), within=0.6)
quoted("-34", first["elbo"], within=2)
quoted("0.7", fourth["kl"], within=0.3)

# %% [markdown]
# ## New digits, and ways between old ones
#
# To generate, forget the encoder: draw $z \sim N(0, I)$ and decode it. The KL has kept the codes of real digits near
# such draws, so the decoder knows what to do with them.

# %%
with picture("09_samples") as path:
    plot.samples(model.sample(64, default_rng(1)), data.shape, path, "samples: decoded draws from the prior")


# %%
def draw_walks(path, pairs=((0, 6), (2, 3), (4, 9), (7, 1)), steps=9):
    x, y = data.validation
    starts, ends = ([np.flatnonzero(y == digit)[0] for digit in digits] for digits in zip(*pairs))
    mu, _ = model.encode(x)
    x_hat = model.decode(interpolate(mu[starts], mu[ends], steps))  # (4, steps, D)
    bands = [np.concatenate([x[[i]], walk, x[[j]]]) for i, walk, j in zip(starts, x_hat, ends)]
    tops = ["x", "x_hat", *[""] * (steps - 2), "x_hat", "x"]
    names = [f"{a} to {b}" for a, b in pairs]
    plot.walks(bands, data.shape, path, "decoded walks between the codes of two held-out digits", names, tops)


with picture("09_walks") as path:
    draw_walks(path)

# %% [markdown]
# **Read the pictures.** Many samples can be read: there are 0s, 5s, 6s, 9s. Others are blends of two digits, or a
# smear. Two things make them grey. What is drawn is `x_hat`, the probability of each bit, not bits; and the prior
# also falls between the digits, where the decoder must compromise.
#
# The walks never fall into a void. From 0 to 6 the ring opens at its upper right and the loop sinks; from 7 to 1 the
# bar on top is drawn in. (On so few pixels this is close to fading one image into the other. Try the sprites of
# lesson 10, which move.) An autoencoder without noise and KL fails here; lesson 6 shows how.
#
# ## A map of all digits
#
# The same code with two latents instead of 16. Two numbers per image can be drawn: on the right the means of the
# held-out digits, on the left what the decoder makes of a grid of $z$ in the middle of that plane. It goes from -1.7
# to 1.7 in both directions, in steps of equal probability under the prior.

# %%
flat, _ = train(latent=2)
print(f"held-out ELBO with two latents: {held_out_elbo(flat):.1f} nats")
quoted("1", held_out_elbo(model) - held_out_elbo(flat), within=0.7)


# %%
def draw_map(path, n=12):
    values = normal_quantiles(n)  # cut N(0, 1) into parts of equal probability
    quoted("1.7", values[-1])
    grid = np.stack(np.meshgrid(values, values[::-1]), axis=-1)  # (n, n, 2), the first row at the top
    mu, _ = flat.encode(data.validation.x)
    plot.latent_means(mu, data.validation.y, path, flat.decode(grid), data.shape)


with picture("09_map") as path:
    draw_map(path)

# %% [markdown]
# **Read the picture.** The model has seen no labels; the colors were added for you. Still the
# classes have their own countries: 0 below on the left, 6 above it, 4 above that, 7 at the top, 2 on the right, 3 and
# 9 below; the 1s have two, at the top right and beside the 7s. Digits that look alike are neighbors. In the middle
# classes overlap and the decoder blurs: two numbers are few. They cost about one nat against 16 latents.
#
# ## What it is not sure of
#
# The encoder does not give a point but a Gaussian. Draw several $z \sim q(z \mid x)$ for one image, decode each, and
# see what they agree on: their standard deviation, pixel by pixel, is the *spread*. Here are six validation images.


# %%
def draw_uncertainty(path):
    x, y = (part[2:] for part in data.validation)  # from the third on: among the next six is a doubtful one
    mu, log_var = flat.encode(x)
    draws = decodings(flat, x[:6], 50, default_rng(4))  # (50, 6, D), the first seven of them are drawn
    std, names = np.exp(0.5 * log_var), ["z[0]", "z[1]"]
    plot.uncertainty(x[:6], flat.reconstruct(x[:6]), draws, mu, std, y, data.shape, path, names)
    for i, spread in enumerate(draws.std(axis=0).mean(axis=-1)):
        print(f"row {i + 1}, digit {y[i]}: std of z {std[i, 0]:.2f} and {std[i, 1]:.2f}, mean spread {spread:.3f}")


with picture("09_uncertainty") as path:
    draw_uncertainty(path)

# %% [markdown]
# **Read the picture.** Row 4, a 3, is sure: all decodings are a 3, and what is left open is at its edge. Row 1 is a 6
# whose bits are hard to read: among its decodings are 6s, but also rings closed like a 0 and bars like an 8. The
# size of an ellipse is not the doubt: row 4's is the larger, but all under it decodes to a 3; row 1's lies across a
# border. The spread answers the question *what else could it have been?* An autoencoder has no such answer.
#
# ## The ledger: who pulls at a latent?
#
# Two gradients arrive at every $\mu$, you have added them yourself. That of the reconstruction moves codes apart, that
# of the KL, $\mu / N$, pulls them to 0. The library's *ledger* keeps books of both, here for 128 validation images.


# %%
def ledger():
    twin = VAE.build(data.shape, default_rng(0), hidden=(100,), latent=16)
    twin.theta[...] = model.theta  # the ledger watches the library's encoder: it is given all your weights
    line = ledger_line(twin, *data.validation, default_rng(3))
    mu, _ = model.encode(data.validation.x[:128])
    np.testing.assert_allclose(np.sqrt((mu**2).mean(axis=0)), line["mu"]["kl"], rtol=1e-3)  # the orange bars, left
    return {"epoch": 60, "ledger": line}


with picture("09_ledger") as path:
    plot.draw_ledger([ledger()], path)

kl = np.sort(kl_per_latent(model, data.validation.x))
print("KL of each latent, nats:", np.round(kl, 2))
quoted("0.75", kl[-4:].mean(), within=0.2)
quoted("0.02", kl[:3].mean(), within=0.03)

# %% [markdown]
# **Read the picture.** *Left.* A pair of bars for each latent, the busiest above. Orange is the KL's pull at $\mu$. For
# one example it is just $\mu$ (times $1/N$ in the mean), so the bar ends at the root mean square of the codes: the
# cell above asserts it. Solid blue is the part of the reconstruction's pull that goes against it. The two are nearly
# equal, the latents are in balance: the training is near its end. Light blue is the whole pull of the
# reconstruction, sideways parts included.
#
# The latents do not share the work. Four carry about 0.75 nats each, the last three about 0.02: for all images they
# have nearly the same code. A latent that falls asleep saves its price and does no harm here. When *all* do, that is
# called posterior collapse, and the model is a decoder that ignores its code.
#
# *Right.* The encoder's weights are in the same balance, since all that arrives there has come through mu and
# log_var. The decoder has no orange bars, and no solid blue, since there is nothing to pull against. Why? Look at the
# graph on top of the lesson for a path from kl to it.
#
# ## Keep it
#
# How good is this model? Its ELBO is only a bound. Lesson 13 asks for log p(x) itself, and takes your weights from
# the file that this cell writes beside the notebook.

# %%
keep("lesson_09_vae", **dict(zip("W1 b1 W2 b2 W3 b3 W4 b4".split(), (p.data for p in model.params.values()))))

# %% [markdown]
# ## More to try
#
# 1. `model.sample` shows probabilities. Draw bits from them: `x_hat > rng.random(x_hat.shape)`. Which picture looks
# more like the data, which more like digits?
# 2. Plant a bug: take `eps * std` for `0.5 * eps * std` in `vae_backward`, and train. The loss still falls. By how
# much is the ELBO worse? Would you have noticed?
# 3. Give both of your functions an argument `beta`, loss = beta kl - log_px_z, and train with 0.2 and with 2. How
# many latents fall asleep, what do samples look like? (Compare the ELBO, not the loss: that has another meaning for
# each beta.)
# 4. Estimate $\log p(x)$ of the test split with `minivae.log_evidence(model, x, 100, default_rng(0))`. How far below
# it is the ELBO, for 16 latents and for two?
# 5. Add a second hidden layer to both nets: six parameters each, so `vae_loss` and `vae_backward` take twelve. Does
# `MyVAE.build((8, 8, 1), default_rng(0), hidden=(8, 6), latent=3)` pass `check_gradients`?
#
# ## Questions
#
# <details><summary>Why is eps an argument, and not drawn inside the loss?</summary>With eps given, the loss is a
# function: called twice it gives the same number. Only then does a numeric derivative make sense, and only then does
# z depend on mu and log_var in a way that can be differentiated.</details>
#
# <details><summary>Two gradients arrive at mu. Where does each come from, and what does it want?</summary>From the
# reconstruction, through z: codes apart, so that images can be told from each other. From the KL: every code to
# 0.</details>
#
# <details><summary>Somebody averages the reconstruction over the pixels and sums the KL over the latents. What have
# they done?</summary>The reconstruction is D times too small beside the KL: they train with beta = D. With 64 pixels
# all latents collapse (try it). `python -m minivae units` lists what published code really weighs.</details>
#
# <details><summary>The decoder is certain and wrong in one pixel: logit 45, bit 0. What does it cost, and how large
# is the gradient?</summary>45 nats, and x - s = -1. From probabilities instead of logits it would have been
# infinite, or clipped and without any gradient.</details>
#
# <details><summary>Training says an ELBO of -50 nats for 8x8 bits. Is that good?</summary>It is below the chance
# level of -44.4 nats: a decoder that always says 1/2 is better.</details>
#
# ## Further reading
#
# - D. P. Kingma, M. Welling, *Auto-Encoding Variational Bayes* (2013), sections 2.3, 2.4 and 3, appendix B for the
# KL; arXiv 1312.6114.
# - D. J. Rezende, S. Mohamed, D. Wierstra, *Stochastic Backpropagation and Approximate Inference in Deep Generative
# Models* (2014): the same model, found independently; arXiv 1401.4082.
# - S. R. Bowman and others, *Generating Sentences from a Continuous Space* (2016), section 3.1: latents that fall
# asleep; arXiv 1511.06349.
# - `minivae/models/vae.py`, `loss_and_grads`: your two functions in one. `minivae/densities/`,
# `gradcheck/ledger.py`.

# %%
progress()
