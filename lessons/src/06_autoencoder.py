# %% [markdown]
# # 6. From autoencoder to VAE
#
# **After this lesson you can** say what a VAE has that an autoencoder lacks, and show it with a measurement: you can
# find the holes in a space of codes, and count how many samples fall into them.
#
# **You will build** an autoencoder, a net that squeezes an image through two numbers and draws it again, and you
# will try to make new digits with it. It fails, and you will see and measure why: its code space has holes. Then you
# meet the two ideas that close them, and with them the VAE.
#
# **You need** the dense net of lesson 1, Adam of lesson 5 (a few lines, given here for those who left it out), and from
# elsewhere the singular value decomposition and what a covariance is. About 2 hours.
#
# ![Two maps of code spaces with dots for the digits and dark places where nothing like a digit is decoded: many between
# and around the codes of the autoencoder, few for the VAE](picture:06_holes)
#
# *Each dot is an image of a digit, where an encoder puts it; the color is its class. Dark places are codes from
# which the decoder makes something that is far from every digit. On the left an autoencoder, on the right a VAE. You
# will draw this map at the end.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from numpy.random import default_rng

from minivae import VAE, Adam, fit, load_data, plot
from minivae.evaluate.latents import normal_quantiles
from minivae.layers import Dense, Network, ReLU, Sigmoid, dense_decoder, dense_encoder
from minivae.likelihoods import GaussianFixed
from minivae.plot.lessons import lesson06 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## The task: two numbers per image
#
# The data are images of handwritten digits, 8 x 8 grey values from 0 to 1: rows of $D = 64$ numbers. An *encoder*
# turns each image $x$ into a *code* $z$ of only $L = 2$ numbers, a *decoder* makes $\hat x$ of the code, and both
# should waste as little as possible:
#
# $$\text{loss} = \frac1N \sum_n \sum_d (\hat x_{nd} - x_{nd})^2 .$$


# %%
def load_digits():
    """Grey values (N, 64): 1,250 to learn from, 250 held out, with their classes."""
    data = load_data("digits", likelihood="gaussian-fixed")
    return data, data.train.x.astype("float64"), data.validation.x.astype("float64")


def squared_error(x_hat, x):
    """Summed over the pixels, averaged over the images."""
    return ((x_hat - x) ** 2).sum() / len(x)


data, train_x, held_out = load_digits()

# %% [markdown]
# ## The best straight lines can do: PCA
#
# Before a net, ask what is possible *linearly*: codes are projections of $x - m$ on $L$ orthonormal directions
# $v_1, ..., v_L$, and the decoder puts them together again,
#
# $$z_l = v_l^\top (x - m), \qquad \hat x = m + \sum_l z_l v_l .$$
#
# For given directions the best $m$ is the mean image, since a mean minimizes mean squared distances. What do the
# directions cost? $x - m$ has a part inside their plane, which is kept, and one orthogonal to it, which is lost.
# By Pythagoras, averaged over the images,
#
# $$\text{loss} = \underbrace{\frac1N \sum_n |x_n - m|^2}_{\text{total variance}}
#   - \underbrace{\sum_l \frac1N \sum_n z_{nl}^2}_{\text{variance that is kept}} .$$
#
# So keep as much variance as possible. The singular value decomposition writes the centered data as a product,
# $x - m = U S V$, with orthonormal columns in $U$, orthonormal rows $e_1, e_2, ...$ in $V$, and a diagonal matrix
# $S$ between them, whose numbers $S_1 \ge S_2 \ge \dots$ are not negative. The variance along a direction $v$ is then
#
# $$\frac1N |(x - m) v|^2 = \frac1N |U S V v|^2 = \sum_i \lambda_i (e_i^\top v)^2, \qquad \lambda_i = S_i^2 / N .$$
#
# Summed over $L$ directions each $\lambda_i$ has the weight $c_i = \sum_l (e_i^\top v_l)^2$. No weight is above 1
# (it is the squared length of $e_i$'s projection on the plane), and together they are at most $L$ (each $v_l$ has
# length 1). The best use of $L$ units of weight is to give 1 to each of the $L$ largest $\lambda_i$: take the first
# $L$ rows of $V$. What is lost is the rest, exactly:
#
# $$\text{loss} = \sum_{i > L} \lambda_i .$$
#
# ### Exercise 6.1: `pca`
#
# `x` (N, D) with more rows than columns and the number `L` give `x_hat` (N, D) and all `variances`
# $\lambda_1, ..., \lambda_D$, the largest first. `np.linalg.svd` does the work.


# %%
def pca(x, L):
    # Exercise 6.1: x_hat, variances
    ### BEGIN SOLUTION
    mean = x.mean(axis=0)
    U, S, V = np.linalg.svd(x - mean, full_matrices=False)
    z = (x - mean) @ V[:L].T  # codes (N, L)
    return mean + z @ V[:L], S**2 / len(x)
    ### END SOLUTION


# %%
check("6.1", pca)

# %% [markdown]
# An exact answer to compare with: the error that is measured must be the sum of the variances that were thrown away.


# %%
def linear_answer(L=2):
    x_hat, variances = pca(train_x, L)
    print(f"no code at all: {variances.sum():.2f}   {L} numbers, linear: {squared_error(x_hat, train_x):.2f}")
    np.testing.assert_allclose(squared_error(x_hat, train_x), variances[L:].sum(), rtol=1e-10)
    quoted("4.68", variances.sum())
    quoted("3.38", variances[L:].sum())
    return x_hat


linear_x_hat = linear_answer()

# %% [markdown]
# Two numbers, used linearly, save little: 4.68 falls to 3.38. What does not lie in a plane, a plane cannot hold. So
# bend it.
#
# ## The autoencoder
#
# Encoder and decoder are now nets of lesson 1, dense, ReLU, dense. Forward returns the output and what backward
# needs.


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
# The code is the encoder's output as it is: any number is allowed. Grey values lie between 0 and 1, so the decoder's
# output goes through a sigmoid:
#
# $$z = \text{net}(x;\, W_1, b_1, W_2, b_2), \qquad \hat x = s(\text{net}(z;\, W_3, b_3, W_4, b_4)),
#   \qquad s(a) = \frac{1}{1 + e^{-a}} .$$
#
# ### Exercise 6.2: `autoencoder`
#
# Return the codes `z` (N, L) and `x_hat` (N, D).


# %%
def autoencoder(x, W1, b1, W2, b2, W3, b3, W4, b4):
    # Exercise 6.2: z, x_hat
    ### BEGIN SOLUTION
    z, _ = net_forward(x, W1, b1, W2, b2)
    logits, _ = net_forward(z, W3, b3, W4, b4)
    return z, sigmoid(logits)
    ### END SOLUTION


# %%
check("6.2", autoencoder)

# %% [markdown]
# ### Backward through both
#
# The loss is the one from above, and the eight parameters are what it is a function of: $x$ is data, as input and as
# target, and needs no gradient. Most of the way back exists already: `net_backward` turns the gradient of a net's
# output into those of its four parameters and of its input. What is new lies between the loss and the decoder's output,
# the `logits`.
#
# *Given*: $\hat x = s(\text{logits})$, entry by entry, with $s(a) = 1 / (1 + e^{-a})$. *Wanted*: the gradient of the
# loss by the logits, made of $\hat x$ and $x$ only.
#
# ### Exercise 6.3: `autoencoder_backward`
#
# Derive `dlogits`. Then return the gradients of the loss by all eight parameters. Compute the forward again for the
# caches.
#
# <details><summary>Derivation, step 1: how does the loss change with one pixel?</summary>
#
# In the loss each $\hat x_{nd}$ is in one square only. As in lesson 1,
#
# $$d\hat x_{nd} = \frac{2}{N} (\hat x_{nd} - x_{nd}) .$$
#
# </details>
#
# <details><summary>Derivation, step 2: what is the slope of the sigmoid?</summary>
#
# $s(a) = (1 + e^{-a})^{-1}$ is a power of a bracket. The derivative of the power is $-(1 + e^{-a})^{-2}$, that of the
# bracket is $-e^{-a}$:
#
# $$\frac{ds}{da} = \frac{e^{-a}}{(1 + e^{-a})^2} = \frac{1}{1 + e^{-a}} \cdot \frac{e^{-a}}{1 + e^{-a}} .$$
#
# </details>
#
# <details><summary>Derivation, step 3: can it be computed from the output alone?</summary>
#
# The first of the two fractions is $s$. The second is what $s$ lacks to 1:
#
# $$\frac{e^{-a}}{1 + e^{-a}} = \frac{1 + e^{-a}}{1 + e^{-a}} - \frac{1}{1 + e^{-a}} .$$
#
# With $\hat x$ for $s$ that is the slope. Multiply it, entry by entry, with the gradient of step 1.
#
# </details>
#
# <details><summary>Derivation, step 4: how does it go on to the encoder?</summary>
#
# `net_backward` of the decoder gives its four gradients and `dz`, the gradient of its input. That input, $z$, is the
# encoder's output, as it is. So `dz` is the `dy` of the encoder's `net_backward`.
#
# </details>


# %%
def autoencoder_backward(x, W1, b1, W2, b2, W3, b3, W4, b4):
    # Exercise 6.3: all eight gradients
    ### BEGIN SOLUTION
    # dlogits = 2 / N (x_hat - x) x_hat (1 - x_hat)
    z, c_enc = net_forward(x, W1, b1, W2, b2)
    logits, c_dec = net_forward(z, W3, b3, W4, b4)
    x_hat = sigmoid(logits)
    dx_hat = 2 * (x_hat - x) / len(x)
    dlogits = dx_hat * x_hat * (1 - x_hat)
    dz, decoder = net_backward(dlogits, c_dec, W3, W4)
    _, encoder = net_backward(dz, c_enc, W1, W2)
    return *encoder, *decoder
    ### END SOLUTION


# %%
check("6.3", autoencoder_backward)

# %% [markdown]
# ## The same in minivae
#
# In the library an autoencoder is one chain of seven layers, with the same eight arrays:


# %%
def same_as_the_library():
    rng = default_rng(1)
    layers = Dense(64, 30, rng), ReLU(), Dense(30, 2, rng), Dense(2, 30, rng), ReLU(), Dense(30, 64, rng), Sigmoid()
    net = Network(*layers).bind("float64")
    params = net.named(type(layers[0].W)).values()
    x = train_x[:20]
    x_hat, cache = net.forward(x)
    net.backward(2 * (x_hat - x) / len(x), cache)
    mine = autoencoder_backward(x, *(p.data for p in params))
    return max(np.abs(g - p.grad).max() for g, p in zip(mine, params))


print(f"largest difference between your gradients and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12

# %% [markdown]
# ## Train it
#
# A hidden layer of 100 units on both sides, Adam, 1,200 steps of 125 images. (Adam is gradient descent in which each
# number is moved by the mean of its recent gradients, `m`, divided by the root of the mean of their squares, `v`, so
# that all move at about the same speed. Lesson 5 derives it.)


# %%
def new_parameters(L, hidden=100):
    rng, parameters = default_rng(0), []
    for n, m in ((64, hidden), (hidden, L), (L, hidden), (hidden, 64)):
        parameters += [rng.standard_normal((n, m)) * (2 / n) ** 0.5, np.zeros(m)]
    return parameters


def train_autoencoder(L, steps=1200, rate=3e-3):
    rng, parameters = default_rng(1), new_parameters(L)
    m, v = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    for t in range(1, steps + 1):
        gradients = autoencoder_backward(train_x[rng.integers(len(train_x), size=125)], *parameters)
        for i, g in enumerate(gradients):  # Adam, lesson 5
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g**2
            parameters[i] -= rate * m[i] / (1 - 0.9**t) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
    return parameters


def encode(x, parameters):
    return autoencoder(x, *parameters)[0]


def decode(z, parameters):
    return sigmoid(net_forward(z, *parameters[4:])[0])


flat = train_autoencoder(L=2)
for name, x in (("training", train_x), ("held-out", held_out)):
    print(f"{name} images: squared error {squared_error(autoencoder(x, *flat)[1], x):.2f}")


# %%
def draw_reconstructions(path):
    bands = [train_x[:12], linear_x_hat[:12].clip(0, 1), autoencoder(train_x[:12], *flat)[1]]
    names = ["x", "PCA", "autoencoder"]
    plot.walks(bands, data.shape, path, "images, and what is left of them after two numbers", names)


with picture("06_reconstructions") as path:
    draw_reconstructions(path)
quoted("2.2", squared_error(autoencoder(train_x, *flat)[1], train_x), within=0.3)  # 1,200 steps amplify rounding

# %% [markdown]
# **Read the picture.** PCA blends: two numbers suffice to say "more of this blend, less of that". The autoencoder
# has an error of 2.2 against PCA's 3.38, and from the same two numbers it draws 0, 3, 4, 6 and 9 that can be read.
# The 2 it has lost. It looks as if we had a machine that turns two numbers into a digit. Do we?
#
# ## Sampling from it
#
# To make a *new* digit, choose a code and decode it. But which codes are there? We only know those of the training
# images. The simplest description of such a cloud of points is a Gaussian: their mean $m$ and their covariance
#
# $$\Sigma = \frac1N \sum_n (z_n - m)(z_n - m)^\top .$$
#
# How does one draw from it? What one has is $\varepsilon \sim N(0, I)$: numbers that are independent, each with mean
# 0 and variance 1, so that $\varepsilon \varepsilon^\top$ has the mean $I$. Any linear function of it,
#
# $$z = m + C \varepsilon ,$$
#
# is Gaussian again, with a mean and a covariance that depend on $m$ and $C$. (Remember this line. In the VAE it becomes
# $z = \mu + \sigma \varepsilon$, for each image by itself.)
#
# *Given*: `np.linalg.cholesky(A)` returns the *Cholesky factor* of a matrix $A$ such as a covariance: the lower
# triangular matrix $T$ with $T T^\top = A$. *Wanted*: the condition that $C$ must meet so that $z$ has the covariance
# $\Sigma$, and a $C$ that meets it.
#
# ### Exercise 6.4: `sample_like`
#
# Derive which $C$ to take; of several that are right, take the one that is a Cholesky factor. Then write it: codes `z`
# (N, L) and noise `eps` (n, L) give `samples` (n, L) from the Gaussian that fits `z`. Watch out: codes and noise are
# rows here, not columns as in the formula.
#
# <details><summary>Derivation, step 1: what is the mean of z?</summary>
#
# $\varepsilon$ has the mean 0, and so has $C \varepsilon$. So the mean of $z$ is $m$, whatever $C$ is, and
# $z - m = C \varepsilon$.
#
# </details>
#
# <details><summary>Derivation, step 2: and its covariance?</summary>
#
# The covariance is the mean of $(z - m)(z - m)^\top$. Put in $z - m$:
#
# $$(C \varepsilon)(C \varepsilon)^\top = C \, \varepsilon \varepsilon^\top C^\top .$$
#
# $C$ is fixed. What is the mean of the part in the middle? Then compare with $\Sigma$, and with what
# `np.linalg.cholesky` gives.
#
# </details>
#
# <details><summary>Derivation, step 3: what happens to columns that are written as rows?</summary>
#
# A column $C \varepsilon$, laid down, is the row $(C \varepsilon)^\top = \varepsilon^\top C^\top$. So the rows of
# `eps` are multiplied from the right, all of them in one product.
#
# </details>


# %%
def sample_like(z, eps):
    # Exercise 6.4: samples
    ### BEGIN SOLUTION
    # C C^T = Sigma, so C is its Cholesky factor; for rows: m + eps C^T
    mean = z.mean(axis=0)
    covariance = (z - mean).T @ (z - mean) / len(z)  # (L, L)
    return mean + eps @ np.linalg.cholesky(covariance).T
    ### END SOLUTION


# %%
check("6.4", sample_like)


# %%
def draw_map(path, n=12):
    z = encode(train_x, flat)
    values = normal_quantiles(n)  # cut N(0, 1) into parts of equal probability
    grid = z.mean(axis=0) + z.std(axis=0) * np.stack(np.meshgrid(values, values[::-1]), axis=-1)  # (n, n, 2)
    x_hat = decode(grid.reshape(-1, 2), flat).reshape(n, n, -1)
    plot.latent_means(z, data.train.y, path, x_hat, data.shape)


with picture("06_map") as path:
    draw_map(path)

# %% [markdown]
# **Read the picture.** On the right, the codes (the drawing calls them `mu`). Nothing has told the encoder where to put
# them, as long as the decoder can tell them apart. They form a fan that begins near the origin, with strips of their
# own for most digits, and empty land around and between. On the left, what the decoder makes of a grid over that land.
# Where there are codes, there are digits. Below on the left, where there are none, it draws glaring dots. Between the
# strips are forms that are no digit either. No gradient has ever asked the decoder for anything at such a place: it is
# a **hole**. Sampling walks into it.
#
# ## Measure it
#
# Looking is not enough: is it worse than what a digit may look like? For each decoded image take its distance to the
# **nearest** training image, $\min_j |a_i - b_j|$. A digit that was never seen has such a distance, too, since
# nobody writes a digit twice. That is the scale: what is farther from all training images than 95 % of the held-out
# digits we call *nothing like a digit*.
#
# For $n$ images and $m$ training images of $D$ pixels, an array of all differences (n, m, D) would be huge. Multiply
# out the square instead; only (n, m) is needed, and the work is one product of matrices:
#
# $$|a_i - b_j|^2 = |a_i|^2 + |b_j|^2 - 2\, a_i^\top b_j .$$
#
# Its price: where $a_i = b_j$, large terms cancel, and rounding may leave something like $-10^{-14}$, which has no
# root.
#
# ### Exercise 6.5: `nearest_distance`
#
# `a` (n, D), `b` (m, D) give the distance of each row of `a` to the nearest row of `b`, `distances` (n,). No loops,
# no array of three axes.


# %%
def nearest_distance(a, b):
    # Exercise 6.5: distances
    ### BEGIN SOLUTION
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T  # (n, m)
    return np.sqrt(np.maximum(squares, 0).min(axis=1))
    ### END SOLUTION


# %%
check("6.5", nearest_distance)


# %%
limit = np.quantile(nearest_distance(held_out, train_x), 0.95)
print(f"95 % of the held-out digits are nearer than {limit:.2f} to a training image")
quoted("1.49", limit)


def share_of_nothing(x_hat):
    """Of images x_hat (n, D): the share that is farther from all training images than that."""
    return (nearest_distance(x_hat, train_x) > limit).mean()


def share_of_samples(parameters, n=1000):
    z = encode(train_x, parameters)
    eps = default_rng(2).standard_normal((n, z.shape[1]))
    return share_of_nothing(decode(sample_like(z, eps), parameters))


deep = train_autoencoder(L=16)
for name, parameters in (("2", flat), ("16", deep)):
    error = squared_error(autoencoder(train_x, *parameters)[1], train_x)
    share = share_of_samples(parameters)
    print(f"{name:>2} numbers: squared error {error:.2f}, nothing like a digit: {share:.1%} of samples")
quoted("4", 100 * share_of_samples(flat), within=3)
quoted("56", 100 * share_of_samples(deep), within=10)
quoted("0.35", squared_error(autoencoder(train_x, *deep)[1], train_x), within=0.1)

# %% [markdown]
# Of the held-out digits 5 % are that far away, by definition. With two numbers 4 % of the samples are; where
# everything is blurred, little is far from everything. But two numbers also draw badly. With 16 numbers the
# autoencoder is good, its squared error falls to 0.35, and now more than half of its samples, 56 %, are nothing like
# a digit. In 16 dimensions there is much more room between the codes than in two, and a Gaussian that fits them is
# mostly room.
#
# So the better autoencoder is the worse one to sample from. It was never asked to be sampled from.
#
# ## Two ideas
#
# **Codes become clouds.** Let the encoder give, for each image, not a point but a Gaussian: a mean $\mu$ and a
# standard deviation $\sigma$ for each latent. The decoder gets a draw from it, a new one at every step,
#
# $$z = \mu + \sigma\,\varepsilon, \qquad \varepsilon \sim N(0, I) .$$
#
# Now it is not enough that the point $\mu$ decodes to $x$. Its whole surroundings must, as far as the cloud reaches.
# Where there is a cloud there is no hole.
#
# **A price keeps them together.** The encoder can evade: make $\sigma$ tiny, or move the clouds far apart, and the
# autoencoder is back. So both get a price, the *Kullback-Leibler divergence* of the cloud from $N(0, I)$,
#
# $$\mathrm{KL} = \tfrac12 \sum_l (\mu_l^2 + \sigma_l^2 - 1 - \log \sigma_l^2) .$$
#
# It is 0 for $\mu = 0$, $\sigma = 1$, and grows when $\mu$ moves away or $\sigma$ shrinks. Clouds that must be near
# 0 and wide have to share the place: together they fill $N(0, I)$. And that is what we will draw from. No Gaussian
# has to be fitted afterwards: the codes were made to fit one.
#
# That is the variational autoencoder:
#
# $$\text{loss} = \frac{1}{2 \cdot 0.3^2} |\hat x - x|^2 + \mathrm{KL} .$$
#
# The factor says what an error of a pixel is worth: 0.3 is a standard deviation, that of the pixels around $\hat x$
# (the first term is minus the logarithm of that Gaussian, up to a constant). Lesson 7 derives why it is this sum and
# no other, lesson 8 how a gradient goes through a draw, and in lesson 9 you write all of it. Here we take the
# library's, with the same widths, steps and learning rate as above.


# %%
def train_vae(L, std=0.3):
    rng = default_rng(0)
    encoder = dense_encoder(64, (100,), L, rng=rng)  # ends in 2 L numbers: mu and log sigma^2
    decoder = Network(*dense_decoder(L, (100,), 64, rng=rng).layers, Sigmoid())
    model = VAE(encoder, decoder, GaussianFixed(std))
    fit(model, Adam(model, lr=3e-3), data, epochs=120, batch_size=125, progress=False)
    return model


flat_vae, deep_vae = train_vae(L=2), train_vae(L=16)


# %%
def clouds(n=150):
    """Codes of the autoencoder; mu and std of the VAE; classes."""
    mu, log_var = flat_vae.encode(train_x[:n])
    return encode(train_x[:n], flat), mu, np.exp(0.5 * log_var), data.train.y[:n]


with picture("06_clouds") as path:
    drawings.clouds(path, *clouds())

# %% [markdown]
# **Read the picture.** The same 150 images. On the left points, anywhere. On the right each ellipse is one standard
# deviation of a cloud; clouds of the same digit overlap, and all lie in and around the dashed circles, which are one
# and two standard deviations of $N(0, I)$.
#
# ## The same measurement


# %%
def share_of_vae_samples(model, n=1000):
    """z from N(0, I), decoded."""
    return share_of_nothing(model.decode(default_rng(2).standard_normal((n, model.L))).astype("float64"))


def vae_error(model):
    return squared_error(model.reconstruct(train_x), train_x)


for model in (flat_vae, deep_vae):
    share = share_of_vae_samples(model)
    print(f"{model.L:>2} latents: squared error {vae_error(model):.2f}, nothing like a digit: {share:.1%} of samples")
six = train_autoencoder(L=6)
error = squared_error(autoencoder(train_x, *six)[1], train_x)
print(
    f"autoencoder, 6 numbers: squared error {error:.2f}, nothing like a digit: {share_of_samples(six):.1%} of samples"
)
quoted(
    "1", 100 * share_of_vae_samples(flat_vae), within=3
)  # all of these have random starts and many steps behind them
quoted("10", 100 * share_of_vae_samples(deep_vae), within=5)
quoted("0.9", vae_error(deep_vae), within=0.2)
quoted("0.9", error, within=0.2)
quoted("19", 100 * share_of_samples(six), within=8)


# %%
def draw_samples(path, n=14):
    eps = default_rng(3).standard_normal((2 * n, 16))
    x_hat = decode(sample_like(encode(train_x, deep), eps), deep)
    x_vae = deep_vae.decode(eps)
    bands, names = [x_hat[:n], x_hat[n:], x_vae[:n], x_vae[n:]], ["autoencoder", "", "VAE", ""]
    plot.walks(bands, data.shape, path, "samples: decoded draws of 16 numbers", names)


with picture("06_samples") as path:
    draw_samples(path)

# %% [markdown]
# **Read the numbers.** With 16 latents, 10 % of the VAE's samples are nothing like a digit; of the autoencoder's it
# was 56 %. (5 % would be perfect: that many held-out digits are as far away.) With two latents it is 1 % against 4
# %. That difference is small, and with other initial weights both numbers move by a few percent: two numbers leave
# little room for holes.
#
# It is not for nothing. The squared error of the VAE with 16 latents is 0.9, that of the autoencoder was 0.35: the
# clouds overlap, so the decoder must blur, and what is blurred is near to more. Is that all? Compare at equal error:
# an autoencoder with 6 numbers has 0.9, too, and 19 % of its samples are nothing like a digit. So the larger part of
# the gain comes from saying less about each image; the filled code space halves what is left. Nor are all samples of
# the VAE good: in the picture many are smears between two digits.
#
# Last, the map from the beginning: both code spaces, and how far from any training digit each of their points
# decodes.


# %%
def map_of(codes, decoder, n=60):
    """Two and a half standard deviations of the codes around their mean: the codes, two sides, distances (n, n)."""
    sides = [np.linspace(-2.5, 2.5, n) * codes[:, i].std() + codes[:, i].mean() for i in (0, 1)]
    rows = [np.stack([sides[0], np.full(n, value)], axis=1) for value in sides[1]]
    return codes, sides, np.array([nearest_distance(decoder(row), train_x) for row in rows])


def both_maps():
    z, (mu, _) = encode(train_x, flat), flat_vae.encode(train_x)
    return {
        "autoencoder": map_of(z, lambda z: decode(z, flat)),
        "VAE": map_of(mu, lambda z: flat_vae.decode(z).astype("float64")),
    }


with picture("06_holes") as path:
    drawings.holes(path, both_maps(), data.train.y, limit)

# %% [markdown]
# **Read the picture.** Dark is far from every digit; the black line is the limit. The autoencoder has a large hole
# on the left, where no code ever was, another in the lower right corner, and a small one where the strips of its fan
# meet, close to many codes. In the VAE's map the codes lie around the middle, and nearly everything between them
# decodes to something near a digit. Grey seams are left where one digit turns into another: a continuous decoder must
# cross over somewhere. The VAE does not abolish the borders, it leaves no empty land.
#
# ## More to try
#
# 1. Train both with `default_rng(5)` for the initial weights and draw the map again. What stays, what changes?
# 2. Sample from the autoencoder otherwise: take the code of a training image and add a little noise,
# `z + 0.3 * eps`. How many of these are nothing like a digit? In what sense are they new?
# 3. Only the first idea: set `beta=0` in `VAE(...)`, noise without a price. What does the encoder do with its $\mu$
# and $\sigma$? (Print the standard deviation of `mu` and the mean of `std`.)
# 4. `train_vae(16, std=0.1)`, 0.2, 0.4: draw squared error against the share of nothing. Where would you stop?
# 5. Fit a Gaussian to the codes *of each class* and sample from these ten. Does that close the holes? What did you
# need to know that the VAE did not?
#
# ## Questions
#
# <details><summary>Why is the error of PCA exactly the sum of the discarded variances?</summary>What is lost is the
# part of x - m that is orthogonal to the kept directions. Along each discarded direction its mean square is the
# variance there, and by Pythagoras these add up.</details>
#
# <details><summary>The autoencoder is trained without any random numbers in its loss. Why does that make
# holes?</summary>Its decoder is only ever asked at the codes of the training images. What it does elsewhere changes
# no loss, so nothing teaches it.</details>
#
# <details><summary>Why does the slope of the sigmoid make learning slow where the decoder is very wrong and very
# sure?</summary>There x_hat is near 0 or 1, so x_hat (1 - x_hat) is near 0 and nearly no gradient passes. Lesson 9
# uses a loss in which this factor cancels.</details>
#
# <details><summary>What would a VAE's encoder do without the KL?</summary>Make sigma tiny or move the clouds far
# apart, so that the noise disturbs no one. Then it is an autoencoder again.</details>
#
# <details><summary>And with the KL only?</summary>Put every image at mu = 0, sigma = 1, where the KL is 0: the code
# says nothing about the image. The reconstruction is what pulls against it.</details>
#
# ## Further reading
#
# - G. Hinton, R. Salakhutdinov, *Reducing the Dimensionality of Data with Neural Networks*, Science 313 (2006):
# autoencoders against PCA.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), section 2.12 for PCA, chapter 14 for
# autoencoders.
# - D. P. Kingma, M. Welling, *An Introduction to Variational Autoencoders* (2019), chapters 1 and 2; arXiv
# 1906.02691.
# - `minivae/layers/combine.py`, `Sequential`: the chain of seven layers. `minivae/models/vae.py`: what comes next.

# %%
progress()
