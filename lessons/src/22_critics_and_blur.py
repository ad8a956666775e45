# %% [markdown]
# # 22. Critics and blur
#
# **After this lesson you can** say why a VAE blurs, and what a blur is worth in nats. You can train two networks
# against each other without mixing up their gradients, and compare six models on one page: by how sharp their images
# are, and by how probable they make images that they have not seen.
#
# **You will build** the best answer of a decoder, a measure of sharpness, a critic with its loss and both its
# gradients, and one step of two players.
#
# **You need** the dense net of lesson 1, the KL of lesson 7, the VAE of lesson 9. About 3 hours.
#
# ![Rows of digits by six models, from blurred to grainy; and their sharpness against log p(x)](picture:22_page)
#
# *Left: new digits from six models that were trained on the same images, and at the top real ones. Right: the same
# models, three trainings each. To the right is sharper, to the top is more probable. You will draw this page at the
# end; first come the reasons.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from numpy.random import default_rng
from scipy.optimize import minimize

from minivae import Adam, fit, load_data, plot
from minivae import evaluate as library
from minivae.layers import Dense, LeakyReLU, Network
from minivae.likelihoods import GaussianFixed
from minivae.models import MODELS
from minivae.plot.lessons import lesson22 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference


def softplus(a):
    return np.logaddexp(0, a)  # log(1 + e^a), which cannot overflow


def sigmoid(a):
    return 0.5 * (1 + np.tanh(0.5 * a))  # 1 / (1 + e^-a), which cannot overflow


# %% [markdown]
# ## Why a decoder blurs
#
# A decoder gets $z$ and answers with one image $\hat x(z)$. But $z$ was drawn from $q(z \mid x)$, a cloud, and clouds
# of different images overlap. So at one $z$ the decoder is asked for several images, and has one answer for all of
# them.
#
# *Given*: $K$ images $x_1, \dots, x_K$, which come equally often. Image $x_k$ has the cloud $q(z \mid x_k)$, a
# Gaussian with the mean $\mu_k$ and the logarithm of the variance $\text{log\_var}_k$, for each latent by itself.
# *Wanted*: the answer $\hat x(z)$, for any $z$, that makes the expected squared error smallest,
#
# $$\frac1K \sum_k \int q(z \mid x_k) \, |x_k - \hat x(z)|^2 \, dz .$$
#
# The decoder is free: its answer at one $z$ does not bind it at another.
#
# ### Exercise 22.1: `best_decoder`
#
# **Derive** the best answer. Then write it: `z` (M, L) are the places that are asked for, `mu` and `log_var` (K, L)
# the clouds, `x` (K, D) the images. Return `x_hat` (M, D).
#
# <details><summary>Derivation, step 1: what does the answer at one z have to do with?</summary>
#
# The integral is a sum over places, and $\hat x(z)$ is in the term of its own place only. So make the term of each
# $z$ as small as possible, by itself:
#
# $$\sum_k q(z \mid x_k) \, |x_k - \hat x|^2 .$$
#
# At a fixed $z$ the $q(z \mid x_k)$ are plain numbers, one for each image.
#
# </details>
#
# <details><summary>Derivation, step 2: where is it smallest?</summary>
#
# Its derivative by $\hat x$ is 0 there:
#
# $$\sum_k q(z \mid x_k) \cdot 2 \, (\hat x - x_k) = 0 .$$
#
# Solve for $\hat x$, which is the same in every term.
#
# </details>
#
# <details><summary>Derivation, step 3: how is it computed?</summary>
#
# The density of independent latents is a product, its logarithm a sum over the latents:
#
# $$\log q(z \mid x_k) = -\tfrac12 \sum_l \Big( \log 2\pi + \text{log\_var}_{kl}
#   + \frac{(z_l - \mu_{kl})^2}{e^{\text{log\_var}_{kl}}} \Big) .$$
#
# What is the same for all $k$ has no influence on the answer. Look at your solution to see why.
#
# </details>


# %%
def best_decoder(z, mu, log_var, x):
    # Exercise 22.1: x_hat
    ### BEGIN SOLUTION
    # x_hat(z) = sum_k w_k x_k with w_k = q(z | x_k) / sum_j q(z | x_j): the mean of x, given z
    log_q = -0.5 * (log_var + (z[:, None] - mu) ** 2 / np.exp(log_var)).sum(axis=-1)  # (M, K)
    q = np.exp(log_q - log_q.max(axis=1, keepdims=True))
    return q / q.sum(axis=1, keepdims=True) @ x
    ### END SOLUTION


# %%
check("22.1", best_decoder)

# %% [markdown]
# By Bayes' rule $q(z \mid x_k) / \sum_j q(z \mid x_j)$ is the probability that this $z$ came from image $k$. So you
# have found the sentence that this lesson is about:
#
# > The best decoder answers with $\mathbb{E}[x \mid z]$, **the mean of all images that could have led to this $z$**,
# > each as probable as it is there.
#
# It is not a weakness of squares. A Bernoulli decoder says the probability $m$ that a pixel is 1. If the pixel is 1 in
# a share $a$ of the cases, then the mean log-likelihood is $a \log m + (1 - a) \log (1 - m)$. Its derivative,
# $a / m - (1 - a) / (1 - m)$, is 0 at $m = a$: the mean again.
#
# ## Sharpness, as a number
#
# How sharp is an image? At each pixel take the *Laplacian*: the sum of its four neighbors less four times the pixel,
#
# $$\ell_{ij} = x_{i-1,j} + x_{i+1,j} + x_{i,j-1} + x_{i,j+1} - 4 x_{ij} .$$
#
# It is 0 where brightness is even or rises steadily, and large at edges. Beyond an edge of the image the edge goes on:
# a missing neighbor is as bright as the pixel itself. The variance of $\ell$ over the pixels of an image is our measure
# of its sharpness.
#
# ### Exercise 22.2: `sharpness`
#
# `images` (N, h, w) give `sharp` (N,).


# %%
def sharpness(images):
    # Exercise 22.2: sharpness
    ### BEGIN SOLUTION
    p = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    neighbors = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:]
    return (neighbors - 4 * images).var(axis=(1, 2))
    ### END SOLUTION


# %%
check("22.2", sharpness)

# %% [markdown]
# Eight images of a bar at eight places, with clouds along one latent, from narrow to wide:


# %%
def eight_bars(stds=(0.05, 0.2, 0.4)):
    """The best answers along z for each width of the clouds: a list of (len(z), 8, 8)."""
    x = np.tile(np.eye(8)[:, None], (1, 8, 1)).reshape(8, 64)
    mu, z = np.linspace(-1.75, 1.75, 8)[:, None], np.linspace(-1.75, 1.75, 15)[:, None]
    bands = [best_decoder(z, mu, np.full((8, 1), 2 * np.log(std)), x).reshape(-1, 8, 8) for std in stds]
    at_images = [sharpness(band[::2]).mean() / sharpness(x.reshape(-1, 8, 8)).mean() for band in bands]
    print("sharpness of the answers at the centers of the clouds:", *(f"{s:.2f}" for s in at_images))
    for text, value in zip(("1.00", "0.76", "0.07"), at_images):
        quoted(text, value)
    return bands, z[:, 0], stds


with picture("22_blur") as path:
    drawings.blurred(path, *eight_bars())

# %% [markdown]
# **Read the picture.** In the first row the clouds are so narrow that a $z$ belongs to one image, and the answers are
# sharp; halfway between two images there are two bars, each half as bright. With the widest clouds each $z$ could have
# come from several images, and the answer is their mean: a sharpness of 0.07, where that of the images is 1. The
# decoder is perfect here. It is the code that does not say enough.
#
# ## What a blur is worth
#
# Why, then, does the encoder not make its clouds narrow? Because narrow clouds cost KL. Take two images at the distance
# $d$, and a Gaussian decoder of the standard deviation $s$, which charges $|x - \hat x|^2 / (2 s^2)$ nats.
#
# - *One answer for both.* The mean is $d / 2$ away from either, and that costs $(d/2)^2 / (2 s^2) = d^2 / (8 s^2)$
#   nats. The KL is 0, since $z$ says nothing.
# - *Two answers*, one for each. No error, but $z$ has to say which image it is, one of two, and that costs at least
#   $\ln 2$ nats of KL.
#
# Between the two there is everything that a cloud at $\pm \mu$ with a variance $v$ can do. When does it pay to say a
# little? Let $s = 1$. With $\mu$ small, image 1 has at $z$ the weight $\sigma(2 \mu z / v) \approx \tfrac12 + \mu z /
# (2 v)$, where $\sigma(a) = 1 / (1 + e^{-a})$. Its error is $d$ times the weight of the other image; under its own
# cloud $z$ has the mean $\mu$, and $z^2$ the mean $v$, up to $\mu^2$. So the mean squared error is
#
# $$d^2 \, \mathbb{E}\Big[ \Big( \tfrac12 - \frac{\mu z}{2 v} \Big)^2 \Big]
#   \approx d^2 \Big( \tfrac14 - \frac{\mu^2}{2 v} + \frac{\mu^2}{4 v} \Big) = \frac{d^2}{4} - \frac{d^2 \mu^2}{4 v} .$$
#
# Half of it is charged, and the KL adds $\tfrac12 (\mu^2 + v - 1 - \log v)$. At $v = 1$ everything with $\mu$ in it is
# $\mu^2 (\tfrac12 - \tfrac18 d^2)$, which is below 0, a gain, only if $d > 2$. Is that the whole truth? Your decoder
# and a search for the best $\mu$ and $v$ will tell.


# %%
def two_images(d, mu, v, points=40):
    """(nats, distance of the two mean answers) with clouds N(+-mu, v) and the best decoder; s = 1."""
    eps, weights = np.polynomial.hermite_e.hermegauss(points)  # means under N(0, 1)
    clouds, log_var = np.array([[mu], [-mu]]), np.full((2, 1), np.log(v))
    x_hat = best_decoder((mu + v**0.5 * eps)[:, None], clouds, log_var, np.array([[d / 2], [-d / 2]]))[:, 0]
    weights = weights / weights.sum()
    error = weights @ (d / 2 - x_hat) ** 2
    return error / 2 + 0.5 * (mu**2 + v - 1 - np.log(v)), 2 * weights @ x_hat


def best_of_two(d):
    """The cheapest clouds: nats, and the share of the difference that is left."""
    found = minimize(lambda cloud: two_images(d, cloud[0], np.exp(cloud[1]))[0], (0.8, -0.5), method="Nelder-Mead",
                     options={"xatol": 1e-6, "fatol": 1e-10})  # fmt: skip
    nats, apart = two_images(d, found.x[0], np.exp(found.x[1]))
    return nats, apart / d


def priced():
    distances = np.linspace(0.25, 5, 20)
    nats, kept = np.array([best_of_two(d) for d in distances]).T
    one = distances**2 / 8
    assert np.allclose(nats[distances < 2], one[distances < 2], atol=1e-7)  # one answer is the best
    assert np.all(abs(kept[distances < 2]) < 1e-3)
    assert np.all(kept[distances > 2] > 0.2)
    assert nats[-1] > np.log(2)
    quoted("0.69", np.log(2))
    quoted("0.36", (2 * 0.3) ** 2)
    quoted("0.77", best_of_two(3)[1])
    costs = {"one answer for both": one, "ln 2": 0 * one + np.log(2), "the best clouds": nats}
    return distances, costs, kept


with picture("22_price") as path:
    drawings.price(path, *priced())

# %% [markdown]
# **Read the picture.** Up to $d = 2 s$ the best VAE does not tell the two images apart at all: nothing is left of their
# difference. Beyond that it begins to, and at $d = 3 s$ it keeps 77 %. (It pays more than $\ln 2 = 0.69$ nats in the
# end, since two Gaussian clouds do not fill $N(0, 1)$.)
#
# So blur is a decision. The decoder of the models below has $s = 0.3$: two digits that differ by less than $(2 s)^2 =
# 0.36$ in the sum of their squared grey values are one digit to it, if this were all that it has to say. And with beta
# times the KL, everything in this picture happens at $\sqrt\beta$ times the distance: larger beta, more blur.
#
# What would a sharp model need? One of three things: more in the code (a smaller $s$, more latents; but then the KL is
# large, and draws from the prior fall between the clouds), a likelihood that says more than a mean, or another judge.
#
# ## A critic
#
# A *critic* looks at an image and says how sure it is that the image comes from the data and was not made. It answers
# with *odds* $o(x)$, any number: above 0 for data, below 0 for made. (These are log-odds, logits: the probability of
# data is $\sigma(o)$.) It learns by the logistic loss, as any classifier: for data $x_n$ and samples $x_{g,m}$
#
# $$\text{loss\_critic} = -\frac{1}{2 N} \sum_{n=1}^N \log \sigma(o(x_n))
#   - \frac{1}{2 M} \sum_{m=1}^M \log \sigma(-o(x_{g,m})) .$$
#
# Computed like this it breaks: at $o = -800$ the probability is 0 in every float, and its logarithm $-\infty$. From
# the odds themselves nothing breaks:
#
# $$-\log \sigma(o) = \log (1 + e^{-o}) = \text{softplus}(-o), \qquad
#   \frac{d}{da} \, \text{softplus}(a) = \frac{e^a}{1 + e^a} = \sigma(a) .$$
#
# A critic that does not look answers with 0 and pays $\log 2 = 0.69$ nats.
#
# ### Exercise 22.3: `critic_loss`
#
# `odds` (N, 1) are those of data, `odds_g` (M, 1) those of samples. Return `loss` and its gradients `dodds` and
# `dodds_g`. `softplus` and `sigmoid` are defined above.


# %%
def critic_loss(odds, odds_g):
    # Exercise 22.3: loss, dodds, dodds_g
    ### BEGIN SOLUTION
    loss = 0.5 * (softplus(-odds).mean() + softplus(odds_g).mean())
    return loss, -sigmoid(-odds) / (2 * len(odds)), sigmoid(odds_g) / (2 * len(odds_g))
    ### END SOLUTION


# %%
check("22.3", critic_loss)

# %% [markdown]
# ### What does the best critic say?
#
# Let $x$ be one of finitely many values. Data take the value $x$ with probability $p(x)$, samples with probability
# $p_g(x)$. Of all that the critic sees a share $\pi$ is data, the rest, $1 - \pi$, is made; above, $\pi$ was a half.
#
# *Given*: $p$, $p_g$, $\pi$, and the loss
#
# $$\sum_x \Big( \pi \, p(x) \, \text{softplus}(-o(x)) + (1 - \pi) \, p_g(x) \, \text{softplus}(o(x)) \Big) .$$
#
# *Wanted*: the odds $o(x)$ that make it smallest, and how small it is then. The critic is free: each $x$ has its own
# odds.
#
# ### Exercise 22.4: `best_odds`
#
# **Derive** the odds. Then write them: `p` and `p_g` (M,), no entry of which is 0, and `share`, the number $\pi$.
# Return `odds` (M,) and `loss`, a number.
#
# <details><summary>Derivation, step 1: what is the derivative at one x?</summary>
#
# The odds at $x$ are in two terms. The slope of softplus is $\sigma$, and the minus inside comes out as a factor:
#
# $$-\pi \, p(x) \, \sigma(-o) + (1 - \pi) \, p_g(x) \, \sigma(o) .$$
#
# </details>
#
# <details><summary>Derivation, step 2: what is the quotient of the two sigmas?</summary>
#
# $\sigma(o) = e^o / (1 + e^o)$, and $\sigma(-o) = 1 / (1 + e^o)$. They have the same denominator. Set the derivative
# to 0, bring the sigmas to one side and everything else to the other.
#
# </details>


# %%
def best_odds(p, p_g, share):
    # Exercise 22.4: odds, loss
    ### BEGIN SOLUTION
    # sigma(o) / sigma(-o) = e^o = share p / ((1 - share) p_g)
    odds = np.log(share * p / ((1 - share) * p_g))
    return odds, (share * p * softplus(-odds) + (1 - share) * p_g * softplus(odds)).sum()
    ### END SOLUTION


# %%
check("22.4", best_odds)

# %% [markdown]
# So a critic that only sorts images into two heaps learns a *ratio of densities*, though it knows neither. This is why
# it can replace a likelihood: where nobody can write down $p_g(x)$, a critic can still say by how much it is wrong
# at $x$. And where the samples are like the data, all odds are 0, and the loss is that of a critic that does not look.
#
# ## Two gradients of one critic
#
# Two networks play. The *generator* makes $x_g$ of noise $z$. The critic lowers `loss_critic`. The generator lowers
#
# $$\text{loss} = -\frac1N \sum_n \log \sigma(o(x_{g,n})) = \frac1N \sum_n \text{softplus}(-o(x_{g,n})) :$$
#
# it wants its samples to be taken for data. Its slope in the odds is $-\sigma(-o) / N$, by the same rule as before.
# (One could let it *raise* the critic's loss, $\log \sigma(-o)$. It would want the same, but with the slope
# $-\sigma(o)$. At the beginning the critic is sure, $o = -10$ say, and then that slope is $0.00005$: no way to learn.
# With $-\sigma(-o)$ it is nearly $-1$.)
#
# So the critic is needed for two gradients. That in its **parameters**, from its own loss: so it learns to judge. And
# that in its **input**, from the other player's loss: so the generator learns what to change in an image.
#
# Both players are nets of two layers, with $\text{leaky}(a) = a$ above 0 and $0.2 a$ below, so that a slope is left on
# both sides:


# %%
def leaky(a):
    return np.where(a > 0, a, 0.2 * a)


def net(x, W1, b1, W2, b2):
    return leaky(x @ W1 + b1) @ W2 + b2


quoted("0.00005", sigmoid(np.array(-10.0)))

# %% [markdown]
# ### Exercise 22.5: `net_backward`
#
# `dy` (N, n_out) is the gradient of what `net` returned. Return `dx, dW1, db1, dW2, db2`: lesson 1, with another
# activation, and with the gradient of the input as well.


# %%
def net_backward(dy, x, W1, b1, W2, b2):
    # Exercise 22.5: dx, dW1, db1, dW2, db2
    ### BEGIN SOLUTION
    a = x @ W1 + b1
    da = (dy @ W2.T) * np.where(a > 0, 1, 0.2)
    return da @ W1.T, x.T @ da, da.sum(axis=0), leaky(a).T @ dy, dy.sum(axis=0)
    ### END SOLUTION


# %%
check("22.5", net_backward)

# %% [markdown]
# ## Both players in one step
#
# | loss | trains | goes through, without training it |
# |---|---|---|
# | `loss`, of the generator | generator | critic, back to $x_g$ |
# | `loss_critic` | critic | nothing: it stops at $x_g$ |
#
# **Each parameter gets the gradient of its own player's loss, and nothing else; all of them at the same parameters.**
# First compute both gradients, then move both.
#
# ### Exercise 22.6: `both_players`
#
# The generator has the parameters V1, c1, V2, c2 and makes $x_g$ = `net(z, V1, c1, V2, c2)`, the critic has W1, b1, W2,
# b2. `x` (N, D) are data, `z` (N, L) noise. Return `loss, loss_critic`, then the gradients of the generator's four
# parameters, then those of the critic's four, each in the order of the arguments.


# %%
def both_players(x, z, V1, c1, V2, c2, W1, b1, W2, b2):
    # Exercise 22.6: loss, loss_critic, dV1, dc1, dV2, dc2, dW1, db1, dW2, db2
    ### BEGIN SOLUTION
    critic = W1, b1, W2, b2
    x_g = net(z, V1, c1, V2, c2)
    odds, odds_g = net(x, *critic), net(x_g, *critic)
    loss, (loss_critic, dodds, dodds_g) = softplus(-odds_g).mean(), critic_loss(odds, odds_g)
    dx_g, *_ = net_backward(-sigmoid(-odds_g) / len(x), x_g, *critic)  # the critic's parameters: not from this loss
    _, *generator = net_backward(dx_g, z, V1, c1, V2, c2)
    _, *of_data = net_backward(dodds, x, *critic)
    _, *of_made = net_backward(dodds_g, x_g, *critic)  # dx_g: not from this loss
    return loss, loss_critic, *generator, *(a + b for a, b in zip(of_data, of_made))
    ### END SOLUTION


# %%
check("22.6", both_players)

# %% [markdown]
# The library's GAN takes this step in one `loss_and_grads`. The same arrays in both:


# %%
def same_as_the_library():
    rng = default_rng(0)
    generator, critic = (Network(Dense(n, 7, rng), LeakyReLU(0.2), Dense(7, m, rng)) for n, m in ((3, 5), (5, 1)))
    model = MODELS["gan"](generator, critic, GaussianFixed()).bind("float64")
    x, noise = rng.standard_normal((20, 5)), model.draw_noise(rng, 20)
    metrics = model.loss_and_grads(x, noise)
    params = list(model.params.values())
    found = both_players(x, model.prior.draw(noise["prior"]), *(p.data for p in params))
    assert np.allclose(found[:2], [metrics["loss"], metrics["loss_critic"]], rtol=0, atol=1e-12)
    return max(np.abs(mine - p.grad).max() for mine, p in zip(found[2:], params, strict=True))


print(f"largest difference between your gradients and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12

# %% [markdown]
# ## Train it, and then break it
#
# Data with two peaks, at -1.5 and 1.5. A decoder with one answer would give the mean, 0, where there are no data at
# all. First a critic alone, against samples from $N(0, 1)$; the true odds are known. Then both players. And then both
# once more with the most natural of all mistakes: *one loss for both*. Whoever adds up `loss + loss_critic` and sends
# one gradient to all parameters, as with every other sum of losses, has made it.


# %%
def two_peaks(rng, n):
    return rng.choice([-1.5, 1.5], (n, 1)) + 0.3 * rng.standard_normal((n, 1))


def new_players(rng, hidden=32):
    players = []
    for n, m in ((1, hidden), (hidden, 1)) * 2:
        players += [rng.standard_normal((n, m)) * (2 / n) ** 0.5, 0.5 * rng.standard_normal(m) * (m > 1)]
    return players


def critic_only(x, z, *players):
    """The same step with samples from N(0, 1): the generator is left out."""
    critic = players[4:]
    _, dodds, dodds_g = critic_loss(net(x, *critic), net(z, *critic))
    grads = (a + b for a, b in zip(net_backward(dodds, x, *critic)[1:], net_backward(dodds_g, z, *critic)[1:]))
    return 0, 0, *(0 * p for p in players[:4]), *grads


def one_loss_for_both(x, z, *players):
    """Every parameter gets the gradient of loss + loss_critic: a mistake."""
    generator, critic = players[:4], players[4:]
    x_g = net(z, *generator)
    odds, odds_g = net(x, *critic), net(x_g, *critic)
    loss_critic, dodds, dodds_g = critic_loss(odds, odds_g)
    dx_g, *of_made = net_backward(dodds_g - sigmoid(-odds_g) / len(x), x_g, *critic)
    _, *of_data = net_backward(dodds, x, *critic)
    _, *of_z = net_backward(dx_g, z, *generator)
    return softplus(-odds_g).mean(), loss_critic, *of_z, *(a + b for a, b in zip(of_data, of_made))


def play(step, seed, steps=1200, rate=2e-3):
    """(players, the two losses, means over the last 200 steps): Adam of lesson 5, all parameters at once."""
    rng, logged = default_rng(seed), []
    players = new_players(rng)
    m, v = ([np.zeros_like(p) for p in players] for _ in range(2))
    for t in range(1, steps + 1):
        loss, loss_critic, *grads = step(two_peaks(rng, 128), rng.standard_normal((128, 1)), *players)
        logged.append((loss, loss_critic))
        for i, g in enumerate(grads):
            m[i] = 0.5 * m[i] + 0.5 * g
            v[i] = 0.999 * v[i] + 0.001 * g**2
            players[i] = players[i] - rate * m[i] / (1 - 0.5**t) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
    return players, np.mean(logged[-200:], axis=0)


def from_data(samples, rng):
    """How far samples (n, 1) have to be moved, on the average, to lie as data do."""
    return np.abs(np.sort(samples, axis=0) - np.sort(two_peaks(rng, len(samples)), axis=0)).mean()


def played():
    x = np.linspace(-2.6, 2.6, 105)[:, None]
    p = sum(np.exp(-0.5 * ((x - peak) / 0.3) ** 2) for peak in (-1.5, 1.5)) / (2 * 0.3)
    true = best_odds(p, np.exp(-0.5 * x**2), 0.5)[0]
    learned = net(x, *play(critic_only, seed=0, rate=1e-2)[0][4:])
    print("loss and loss_critic at the end, and how far samples are from data")
    bins, shown, rng = np.linspace(-3, 3, 41), {}, default_rng(9)
    data = np.histogram(two_peaks(rng, 20_000), bins)[0] / 20_000
    for name, step in (("each its own loss", both_players), ("one loss for both", one_loss_for_both)):
        for seed in range(3):
            players, (loss, loss_critic) = play(step, seed)
            x_g = net(rng.standard_normal((20_000, 1)), *players[:4])
            far = from_data(x_g, rng)
            print(f"{name}, seed {seed}:  {loss:.3f}  {loss_critic:.3f}   {far:.2f}")
            if step is both_players:
                assert far < 0.6
                quoted("0.68", loss_critic, within=0.02)
            else:
                assert far > 1.2
                quoted("0.405", loss, within=0.01)
                quoted("0.549", loss_critic, within=0.01)
            shown.setdefault(name, (data, np.histogram(x_g, bins)[0] / 20_000))
    return x[:, 0], true, learned[:, 0], bins, shown


with picture("22_players") as path:
    drawings.critic(path, *played())
quoted("0.405", np.log(1.5))
quoted("0.549", 0.5 * np.log(3))

# %% [markdown]
# **Read the picture.** On the left the critic has come near $\log p(x) / p_g(x)$ where it has seen examples of both
# kinds. Around 0 it has seen no data, and is less sure than it could be. In the middle the generator has found both
# peaks, and the critic pays 0.68 nats, hardly less than one that does not look.
#
# On the right both players share one loss. It is far lower: 0.405 and 0.549, in all three seeds. *Both* numbers look
# better than those of the right game, and every sample is at one place where no data are. The two have become partners:
# the sum for a sample, $\text{softplus}(-o) + \tfrac12 \text{softplus}(o)$, is smallest where $\sigma(-o) = \tfrac12
# \sigma(o)$, at $e^o = 2$. It is then $\log 1.5 = 0.405$ and $\tfrac12 \log 3 = 0.549$, and the critic pays nothing
# else if the generator keeps away from the data. So it does. No loss curve shows this mistake, and no gradient check
# of the sum. What does: a check of each loss on *its own* parameters. `check("22.6", ...)` has made it, and the library
# makes it of every model with two players.
#
# ## Six models on one page
#
# Now digits, 8 x 8 grey pixels, and six models of the library. All have two latents, one hidden layer of 128, and
# $z \sim N(0, I)$.
#
# | model | reconstruction is judged by | the code is drawn to the prior by |
# |---|---|---|
# | VAE | pixels, $s = 0.3$ | the KL |
# | VAE, beta 4 | pixels, $s = 0.3$ | 4 times the KL |
# | IWAE | pixels, $s = 0.3$ | the KL; 5 draws of both inside the logarithm |
# | AAE | pixels, $s = 0.3$ | a critic of codes |
# | VAE-GAN | features of a critic, in whose eyes $x$ and $\hat x$ should be alike; and its odds | the KL |
# | GAN | nothing: there is no encoder | nothing: only $z \sim N(0, I)$ is ever decoded |
#
# In an *adversarial autoencoder* (AAE) the critic sees codes instead of images: draws from the prior are its data, and
# the encoder is the generator. In a *VAE-GAN* the critic judges images, and its hidden layer is the measure by which
# a reconstruction is compared with the original: a stroke that is moved by a pixel is far away in pixels; for a critic
# it need not be.
#
# ### One ruler for all
#
# A GAN has no likelihood, an AAE no bound. But each of the six is a decoder and a prior, and so it becomes a density if
# we say what noise is around an image: $p(x) = \int N(x; \hat x(z), s^2 I) \, p(z) \, dz$. With two latents this
# integral is a sum over a grid, exact enough, and the same for everybody. The noise $s$ is chosen for each model on the
# training images, so that nobody is judged by another one's $s$.


# %%
RUNS = {
    "VAE": ("vae", {"std": 0.3}, 4e-3, 60),
    "VAE, beta 4": ("vae", {"std": 0.3, "beta": 4.0}, 4e-3, 60),
    "IWAE": ("iwae", {"std": 0.3, "samples": 5}, 4e-3, 35),
    "AAE": ("aae", {"std": 0.3, "gamma": 10.0}, 4e-3, 35),
    "VAE-GAN": ("vaegan", {"likelihood": "bernoulli", "gamma": 0.005, "feature_std": 0.1, "critic": [64]}, 2e-3, 40),
    "GAN": ("gan", {"likelihood": "bernoulli", "critic": [64]}, 5e-4, 80),
}  # fmt: skip


def trained(name, data, seed):
    """A model; a Bernoulli here only means that x_hat is a sigmoid, between 0 and 1."""
    kind, options, rate, epochs = RUNS[name]
    options = {"likelihood": "gaussian-fixed"} | options
    model = MODELS[kind].build(data.shape, default_rng(seed), hidden=(128,), latent=2, **options)
    fit(model, Adam(model, lr=rate), data, epochs=epochs, batch_size=128, seed=seed, progress=False)
    return model


def log_evidence(model, x, s, side=41):
    """The mean of log p(x) for each noise in `s`, by a grid of 41 x 41 values of z."""
    axis = np.linspace(-4, 4, side)
    z = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    log_pz = -0.5 * (z**2).sum(axis=1)
    log_pz -= np.log(np.exp(log_pz).sum())  # of a cell: they add up to 1
    x_hat, x = model.decode(z.astype("float32")).astype("float64"), x.astype("float64")
    far = (x**2).sum(axis=1)[:, None] + (x_hat**2).sum(axis=1) - 2 * x @ x_hat.T  # (N, cells)
    terms = (log_pz - far / (2 * s_i**2) - x.shape[1] * np.log(s_i * np.sqrt(2 * np.pi)) for s_i in s)
    return [np.mean(t.max(axis=1) + np.log(np.exp(t - t.max(axis=1, keepdims=True)).sum(axis=1))) for t in terms]


def as_images(x):
    return x.reshape(-1, 8, 8).clip(0, 1)


def measured(model, data):
    """Sharpness of samples and of reconstructions (NaN without an encoder), and nats: with held-out digits."""
    held_out, noises = data.validation.x, (0.18, 0.2, 0.22, 0.25, 0.3)
    real = sharpness(as_images(held_out)).mean()
    best = noises[int(np.argmax(log_evidence(model, data.train.x[:200], noises)))]
    samples = sharpness(as_images(model.sample(1000, default_rng(1)))).mean() / real
    again = sharpness(as_images(model.reconstruct(held_out))).mean() / real if hasattr(model, "encoder") else np.nan
    return samples, again, log_evidence(model, held_out, [best])[0]


def six_models():
    """{name: its numbers (three seeds, 3)}, and rows of images: samples and reconstructions of seed 0."""
    data = load_data("digits", binarize="none", likelihood="gaussian-fixed")
    held_out = data.validation.x
    found, samples, again = {}, {"digits": as_images(held_out[:10])}, {"digits": as_images(held_out[:10])}
    for name in RUNS:
        models = [trained(name, data, seed) for seed in range(3)]
        found[name] = np.array([measured(model, data) for model in models])
        samples[name] = as_images(models[0].sample(10, default_rng(3)))
        if hasattr(models[0], "encoder"):
            again[name] = as_images(models[0].reconstruct(held_out[:10]))
    return found, samples, again


found, samples, again = six_models()


def table():
    print("means of three seeds, in brackets the smallest and the largest")
    print("              sharpness: samples     reconstructions      log p(x), nats")
    for name, numbers in found.items():
        columns = (f"{a.mean():6.2f} [{a.min():.2f}, {a.max():.2f}]" for a in numbers.T if a[0] == a[0])
        print(f"{name:<12}", *(f"{column:>21}" for column in columns))


table()


# %%
def draw_page(path):
    drawings.page(path, samples, {name: (numbers[:, 0], numbers[:, 2]) for name, numbers in found.items()})


with picture("22_page") as path:
    draw_page(path)


# %%
def draw_reconstructions(path):
    bands = [images.reshape(-1, 64) for images in again.values()]
    plot.walks(bands, (8, 8, 1), path, "held-out digits, and what is left of them", list(again))


def claims():
    samples, again, nats = (dict(zip(found, np.mean(list(found.values()), axis=1)[:, i])) for i in range(3))
    pixels = "VAE", "VAE, beta 4", "IWAE", "AAE"
    assert max(found[name][:, 1].max() for name in pixels) < found["VAE-GAN"][:, 1].min()  # in every seed
    assert again["VAE, beta 4"] < again["VAE"]
    assert samples["GAN"] > samples["VAE-GAN"] > 1 > samples["VAE, beta 4"]
    assert min(nats[name] for name in pixels) > nats["VAE-GAN"] + 2 > nats["GAN"] + 3
    assert nats["VAE-GAN"] < 0
    assert all(abs(again[name] - again["VAE"]) < 0.15 for name in ("IWAE", "AAE"))
    assert max(np.ptp(found[name][:, 2]) for name in ("VAE", "IWAE", "AAE")) > 1
    quoted("0.4", again["VAE"], within=0.06)
    quoted("0.8", again["VAE-GAN"], within=0.15)
    quoted("1.7", samples["GAN"], within=0.35)
    quoted("-12", nats["GAN"], within=2.5)
    quoted("5", nats["VAE"], within=2.5)


with picture("22_reconstructions") as path:
    draw_reconstructions(path)
claims()

# %% [markdown]
# **Read the pictures.** Two numbers cannot say how a digit was written, so whoever is judged by pixels answers with a
# mean: reconstructions of the VAE have a sharpness of about 0.4, less with beta 4, and those of IWAE and AAE are about
# the same. The VAE-GAN has about 0.8, twice as much, and in every seed more than any of the four. Its strokes are
# crisper, and they are *not those of the original*: it had to choose, and chose something that a critic takes for a
# digit.
#
# What does that cost? The mean of $\log p(x)$ is about 5 nats for the VAE, below 0 for the VAE-GAN, and about -12 for
# the GAN. A likelihood punishes a crisp stroke in a wrong place twice, where it is and where it should be; a grey one
# in between it punishes less. A critic sees at once that no digit is grey. **The two judges want different things, and
# on this page nobody has both.**
#
# Do not take sharpness for quality. The GAN has 1.7, where the digits themselves have 1: a part of it is grain, as you
# can see. And the *samples* of the VAE are sharper than its reconstructions, in one seed more than in another: some
# draws from the prior fall between the clouds, where the decoder was never asked, and what it says there is ragged.
# As for VAE, IWAE and AAE, seeds of one model differ by nats as well. Which of the three is best, three seeds do not
# say.
#
# ## The same in minivae
#
# Your measure is the library's. The VAE-GAN's losses are three, each with its own parameters, and its gradient check
# is made for each loss on its own slices of the flat vector:

# %%
from minivae import check_gradients
from minivae.models.examples import small


def in_the_library():
    images = default_rng(0).random((5, 8, 8))
    assert np.allclose(sharpness(images), library.sharpness(images[..., None]), rtol=1e-5)
    model, x, _ = small("vaegan", default_rng(0))
    for loss, parts in model.objectives.items():
        print(f"{loss:<13} trains {', '.join(parts)}")
    worst = max(check.error for check in check_gradients(model, x, default_rng(1)).values())
    print(f"largest error of a gradient: {worst:.1e}")
    assert worst < 1e-7


in_the_library()

# %% [markdown]
# <!-- only with solutions -->
# `figures/blur.md` has this page at full size, clothes of 28 x 28 pixels and more models, with the Frechet distance
# between samples and data. There the VAE-GAN is the sharpest but for noise, and nearest to the data; the page shows as
# well where its sharpness is grain.

# %% [markdown]
# ## More to try
#
# 1. Let the generator raise the critic's loss, slope $-\sigma(o) / N$, in `both_players`. How much slower is it if the
#    critic has been trained for 500 steps before?
# 2. Give `play` a generator of which only `loss_critic` leaks in, and one of which only `loss` leaks into the critic.
#    What do the losses say now? Compute them first, as above.
# 3. Vary `gamma` of the VAE-GAN from 0.001 to 0.05. Draw its path through the page.
# 4. Train the VAE with `std` 0.1, 0.3 and 1. Which prediction of the picture with two images do you find again?
# 5. `--likelihood logistic-mixture` or a VQ-VAE are ways out of blur without a critic. Try one.
#
# ## Questions
#
# <details><summary>Why does a VAE blur?</summary>Clouds of different images overlap, and at one z the best answer is
# the mean of all images that could have led there. That the clouds overlap is a decision, too: narrow ones cost
# KL.</details>
#
# <details><summary>Does a Bernoulli likelihood help?</summary>No. Its best answer is the mean as well. What helps is a
# likelihood that says more than a mean, or a code that says more.</details>
#
# <details><summary>What does a critic learn that only sorts into two heaps?</summary>The logarithm of the ratio of the
# two densities, plus that of their shares. A sum of losses over examples is enough to learn it.</details>
#
# <details><summary>Both losses have fallen far below what you expected. Good?</summary>In a game both cannot win. If
# both losses fall, look whether a gradient goes to the wrong player.</details>
#
# <details><summary>A model is sharp. Is it good?</summary>Noise is sharp, and so are copies of training images. Look at
# the samples, at a distance to held-out data, at copies, and at the likelihood where there is one.</details>
#
# ## Further reading
#
# - I. Goodfellow et al., *Generative adversarial nets*, arXiv 1406.2661 (2014): the game, and the best critic.
# - A. Larsen et al., *Autoencoding beyond pixels using a learned similarity metric*, arXiv 1512.09300 (2016): VAE-GAN.
# - A. Makhzani et al., *Adversarial autoencoders*, arXiv 1511.05644 (2016).
# - L. Theis, A. van den Oord, M. Bethge, *A note on the evaluation of generative models*, arXiv 1511.01844 (2016): why
#   good samples and a good likelihood are two things.
# - S. Mohamed, B. Lakshminarayanan, *Learning in implicit generative models*, arXiv 1610.03483 (2016): critics as
#   estimates of ratios.
# - `minivae/models/gan.py`, `aae.py`, `vaegan.py`, `minivae/evaluate/samples.py`.

# %%
progress()
