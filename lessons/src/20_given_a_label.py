# %% [markdown]
# # 20. Given a label
#
# **After this lesson you can** build a VAE that is told something about x: its class, or half of it. You can separate
# class from style, finish what is half given, and learn classes from few labels and many images without any.
#
# **You will build** a condition that stands beside x and beside z, with the way back through both; a bound for images
# whose class is not known, with its gradient; and the loss of a model that sees both kinds of images.
#
# **You need** lessons 7 and 9: the bound of a model with a latent, and a VAE, whole. About 3 hours.
#
# ![Rows of digits in one style each, columns of one class each](picture:20_style)
#
# *Left, six held-out digits whose z are far apart. Their z was found, with their class given to the encoder. Then
# each was decoded ten times, with the classes 0 to 9. A row is one z, a column is one class.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from minivae import VAE, Adam, fit, load_data
from minivae.evaluate.completions import completions
from minivae.models import CVAE, M2, PlainNet
from minivae.plot.lessons import lesson20 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference

C = 10  # classes

# %% [markdown]
# ## A condition
#
# A digit has a class, y: which of the ten it is. And it has a style: slanted or upright, wide or narrow, thick or
# thin. A VAE finds both by itself and mixes them in z. If the class is known, one can say so, and leave only the rest
# to z. The model is then one of x *given* y,
#
# $$p(x \mid y) = \int p(x \mid y, z) \, p(z) \, dz ,$$
#
# and all of lesson 7 holds with "given y" everywhere. For $q(z \mid x, y)$,
#
# $$\log p(x \mid y) \ge \mathbb{E}_q[\log p(x \mid y, z)] - \text{KL}(q(z \mid x, y) \,\|\, p(z)) .$$
#
# This is a *conditional* VAE, CVAE (Sohn and others, 2015). To say it in code: the encoder gets y beside x, the
# decoder gets y beside z, and nothing else changes. A class is a name and not a size, so it goes in as a *one-hot*
# row: C numbers, all 0 but a 1 at the class.
#
# ### Exercise 20.1: `beside`
#
# `x` is (N, n), `y` (N,) has whole numbers from 0 to C - 1, and `C` says how many classes there are. Return
# (N, n + C): x, and to its right one-hot rows of y.


# %%
def beside(x, y, C):
    # Exercise 20.1: given
    ### BEGIN SOLUTION
    return np.concatenate([x, np.eye(C)[y]], axis=1)
    ### END SOLUTION


# %%
check("20.1", beside)

# %% [markdown]
# ## The way back
#
# The decoder's backward gives the gradient of *all* of its input, L columns of z and C of y. That of z goes on; that
# of y ends here, since nobody wants to change a label. From there on it is lesson 9:
#
# $$z = \mu + \text{std} \cdot \varepsilon, \qquad \text{std} = e^{\log\text{var} / 2}, \qquad
#   \text{KL} = \tfrac12 \sum_l (\mu_l^2 + e^{\log\text{var}_l} - 1 - \log\text{var}_l) .$$
#
# In the loss of a CVAE, a mean over N examples, each KL has the weight $1 / N$. Later we shall need other weights, so
# they are an argument: `weight[n]` says what one nat of the KL of example n adds to the loss.
#
# ### Exercise 20.2: `latent_backward`
#
# `dgiven` (N, L + C) comes from the decoder and is of the loss already; `weight` is (N,), `mu`, `log_var` and `eps`
# are (N, L). Return `dmu` and `dlog_var` (N, L) of the loss, from the reconstruction and from the KL.


# %%
def latent_backward(dgiven, weight, mu, log_var, eps):
    # Exercise 20.2: dmu, dlog_var
    ### BEGIN SOLUTION
    dz, std, weight = dgiven[:, : mu.shape[1]], np.exp(log_var / 2), weight[:, None]
    return dz + weight * mu, 0.5 * dz * eps * std + 0.5 * weight * (std**2 - 1)
    ### END SOLUTION


# %%
check("20.2", latent_backward)

# %% [markdown]
# ## Train it
#
# Dense networks of the library, and all between them yours. The digits are bits: 1 where the grey level is above one
# half. One step is compared with the library's, gradient by gradient; then the same step is made 700 times.


# %%
def kl_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


def cvae_step(model, x, y, eps):
    """The gradients of a step go into the model; returns the means of log p(x | y, z) and of the KL."""
    (mu, log_var), c_enc = model.encoder.forward(beside(x, y, C))
    z = mu + np.exp(log_var / 2) * eps
    out, c_dec = model.decoder.forward(beside(z, y, C))
    log_px, c_x = model.likelihood.forward(x, out)
    weight = np.full(len(x), 1 / len(x))
    model.zero_grad()
    dgiven = model.decoder.backward(model.likelihood.backward(-weight, c_x), c_dec)
    model.encoder.backward(latent_backward(dgiven, weight, mu, log_var, eps), c_enc, need_dx=False)
    return log_px.mean(), kl_standard_normal(mu, log_var).mean()


def cvae(seed):
    rng = np.random.default_rng(seed)
    return CVAE.build((8, 8, 1), rng, labels=("classes", C), hidden=(64,), latent=8).bind("float64")


def difference_from_the_library():
    rng, model = np.random.default_rng(0), cvae(0)
    x, y = data.train.x[:50].astype(float), data.train.y[:50]
    noise = model.draw_noise(rng, 50)
    metrics = model.loss_and_grads(x, noise, y)
    theirs = np.append(model.grad, [metrics["log_px_z"], metrics["kl"]])
    log_px, kl = cvae_step(model, x, y, noise["eps"])
    return np.abs(np.append(model.grad, [log_px, kl]) - theirs).max()


def train_cvae(seed, epochs=70, batch=125):
    model, rng = cvae(seed), np.random.default_rng(seed)
    optimizer, x, y = Adam(model, lr=4e-3), data.train.x.astype(float), data.train.y
    for _ in range(epochs):
        for rows in rng.permutation(len(x)).reshape(-1, batch):
            cvae_step(model, x[rows], y[rows], rng.standard_normal((batch, 8)))
            optimizer.step()
    return model


data = load_data("digits", binarize="threshold")
print(f"your step and the library's differ by {difference_from_the_library():.0e}")
assert difference_from_the_library() < 1e-12
told = [train_cvae(seed) for seed in range(3)]

# %% [markdown]
# ### Class and style


# %%
def far_apart(z, n):
    """Numbers of n rows: the longest one, then again and again that which is farthest from all that were taken."""
    taken = [(z**2).sum(axis=1).argmax()]
    while len(taken) < n:
        taken.append(((z[:, None] - z[taken]) ** 2).sum(axis=2).min(axis=1).argmax())
    return taken


def one_style_ten_classes(model, n=6):
    """n held-out digits (n, 64), and each one's z decoded with every class (n, 10, 64)."""
    x, y = data.validation.x, data.validation.y
    mu, _ = model.encode(x, y=y)
    rows = far_apart(mu, n)
    decoded = model.decode(np.repeat(mu[rows], C, axis=0), y=np.tile(np.arange(C), n))
    return x[rows], decoded.reshape(n, C, -1)


with picture("20_style") as path:
    drawings.style(path, *one_style_ten_classes(told[0]))

# %% [markdown]
# **Read the picture.** This is the picture of the beginning, by your own code. Down a column the class stays and the
# style changes; along a row the class changes and the style stays: a row that is thick is thick throughout, and a
# slanted one slanted. No label said what a style is. It is what is left of a digit when its class is known.
#
# Now in numbers, beside a VAE of the same networks which is not told y. A *judge*, a support vector machine that has
# learned all labels of the training digits, says whether 1,000 digits that were drawn for a class are of it. And how
# much does z still say about the class? Two classifiers learn it from the mean of $q(z)$ of the training digits, and
# are asked for held-out ones.


# %%
def untold(seed):
    model = VAE.build((8, 8, 1), np.random.default_rng(seed), hidden=(64,), latent=8)
    fit(model, Adam(model, lr=4e-3), data, epochs=70, batch_size=125, seed=seed, progress=False)
    return model


def measures(model, judge):
    """ELBO and KL in nats; how often y is found from z, by a line and by a curve, and by the judge as asked for."""
    train, held = data.train, data.validation
    given = (train.y, held.y) if model.conditional else (None, None)
    noise = model.draw_noise(np.random.default_rng(0), len(held.x), train=False)
    metrics = model.loss_and_grads(held.x, noise, given[1], grads=False)
    z, z_held = model.encode(train.x, y=given[0])[0], model.encode(held.x, y=given[1])[0]
    from_z = [one.fit(z, train.y).score(z_held, held.y) for one in (LogisticRegression(max_iter=5000), SVC(C=10))]
    wanted = np.arange(1000) % C
    drawn = model.sample(1000, np.random.default_rng(1), y=wanted if model.conditional else None)
    return metrics["elbo"], metrics["kl"], *from_z, judge.score(drawn > 0.5, wanted)


def compare():
    judge = SVC(C=10).fit(data.train.x, data.train.y)
    print(f"the judge is right for {judge.score(data.validation.x, data.validation.y):.0%} of held-out digits")
    print("               ELBO    KL   class from z, by a line   by a curve   class as asked for")
    found = {}
    for name, models in (("not told y", [untold(seed) for seed in range(3)]), ("told y", told)):
        found[name] = np.array([measures(model, judge) for model in models])
        for elbo, kl, by_line, by_curve, asked in found[name]:
            as_asked = f"{asked:20.0%}" if name == "told y" else ""
            print(f"{name:<11} {elbo:7.2f} {kl:5.2f} {by_line:25.0%} {by_curve:12.0%}{as_asked}")
    return found["not told y"].mean(axis=0), found["told y"].mean(axis=0)


not_told_y, told_y = compare()
quoted("-19.8", not_told_y[0], within=0.4)
quoted("-17.0", told_y[0], within=0.4)
quoted("5.9", not_told_y[1], within=0.4)
quoted("3.1", told_y[1], within=0.4)
quoted("2.30", np.log(10))
quoted("0.8", not_told_y[2], within=0.06)
quoted("0.14", told_y[2], within=0.08)
quoted("0.9", not_told_y[3], within=0.06)
quoted("0.6", told_y[3], within=0.12)
assert told_y[4] > 0.93
assert told_y[0] - np.log(10) > not_told_y[0]

# %% [markdown]
# From the z of the VAE a linear classifier finds the class of some 80 % of the digits, from that of the CVAE of some
# 14 %, where one of ten would be chance. A support vector machine, which may draw curves, finds some 90 %
# and some 60 %: a rest of the class is left. Nothing in the loss forbids that. But each nat in z costs a nat, and
# what is known already brings nothing. So the KL is 3.1 in the place of 5.9 nats.
#
# The two bounds must not be compared as they are: -17.0 is of $\log p(x \mid y)$, and -19.8 of $\log p(x)$. Whoever
# is told y has been told $\log 10 = 2.30$ nats: $\log p(x, y) = \log p(x \mid y) - 2.30$ if all classes are as
# likely. Even that, some -19.3 of image *and* class, is more than the VAE reaches for the image alone. A class is a
# good latent.
#
# ## A class that is not known
#
# Labels cost time and money; images are cheap. Let most y be missing. For each class one can compute the bound that
# it would have. Write
#
# $$b_y = \mathbb{E}_{q(z \mid x, y)}[\log p(x \mid y, z)] + \log p(y) - \text{KL}(q(z \mid x, y) \,\|\, p(z))
#   \le \log p(x, y) .$$
#
# But which one counts? If y is not known it is a latent, like z, only that it has C values. So there is one more
# encoder, a *classifier*: a network that gives C logits of x, whose softmax is $q(y \mid x)$.
#
# *Given* are, for one x, the C bounds $b_y$ and $q(y \mid x)$. *Wanted* is the lower bound of $\log p(x)$ that lesson 7
# gives with y as the latent. It is made of both, and holds for every q.
#
# ### Exercise 20.3: `class_bound`
#
# Derive it. Then write it: `logits` (N, C) are those of q, `bounds` (N, C) the $b_y$ of N examples. Return (N,). (If
# a q is nearly 0, so is its part; here no q is so small that its logarithm makes trouble.)
#
# <details><summary>Derivation, step 1: which bound do you know?</summary>
#
# Lesson 7, with any latent $h$: $\log p(x) \ge \mathbb{E}_{q(h)}[\log p(x, h) - \log q(h)]$. Take y for $h$. An
# average over something that has C values is a sum.
#
# </details>
#
# <details><summary>Derivation, step 2: what about log p(x, y)?</summary>
#
# Nobody knows it, but in what you have it stands with a factor that is never negative. What happens to a sum if each
# $\log p(x, y)$ is replaced by something that is smaller?
#
# </details>
#
# <details><summary>Derivation, step 3: where is the entropy?</summary>
#
# $-\sum_y q \log q$ is the entropy of q, $H(q)$. It is a part of the answer, and 0 where q is sure. The other part is
# an average of the bounds.
#
# </details>


# %%
def class_bound(logits, bounds):
    # Exercise 20.3: bound
    ### BEGIN SOLUTION
    # -U(x) = sum_y q(y|x) (b_y - log q(y|x))
    log_q = logits - logits.max(axis=1, keepdims=True)
    log_q = log_q - np.log(np.exp(log_q).sum(axis=1, keepdims=True))
    return (np.exp(log_q) * (bounds - log_q)).sum(axis=1)
    ### END SOLUTION


# %%
check("20.3", class_bound)

# %% [markdown]
# The paper of this model, M2 (Kingma and others, 2014), calls the negative of it $U(x)$, U for *unlabeled*.
#
# **Which q is best?** Let $Z = \sum_y e^{b_y}$ and $r(y) = e^{b_y} / Z$, a softmax of the bounds. Put
# $b_y = \log r(y) + \log Z$ into your bound. Since all q together are 1,
#
# $$-U(x) = \log Z - \sum_y q(y) \log \frac{q(y)}{r(y)} = \log Z - \text{KL}(q \,\|\, r) .$$
#
# So it is largest where $q = r$: a class should be believed in proportion to $e^{b_y}$, that is, to how well it
# explains x. *A generative model teaches a classifier*, without any label.


# %%
def two_classes(b=(-20.0, -21.5)):
    """q(0) from 0 to 1, the bound there, its largest value, and r(0)."""
    q = np.linspace(0.001, 0.999, 999)
    logits, bounds = np.stack([np.log(q), np.log(1 - q)], axis=1), np.tile(b, (999, 1))
    values, top, r = class_bound(logits, bounds), np.logaddexp(*b), 1 / (1 + np.exp(b[1] - b[0]))
    assert abs(values.max() - top) < 1e-5
    assert abs(q[values.argmax()] - r) < 1e-3
    quoted("0.82", r)
    quoted("0.20", top - b[0])
    return q, values, top, r, b


with picture("20_bound") as path:
    drawings.bound(path, *two_classes())

# %% [markdown]
# **Read the picture.** Two classes, whose bounds are -20 and -21.5 nats. At the borders q is sure of one class, and
# the bound is that class's. Near the best q it is higher than both, by up to 0.20 nats: since x may have come from
# either class, its probability is a sum. The best q is 0.82 for the first class.
#
# ### Its gradient
#
# *Wanted* are the gradients of the sum of these bounds: in every $b_y$, and in every logit of q.
#
# ### Exercise 20.4: `class_bound_backward`
#
# Derive both. Then write them: `dlogits` and `dbounds`, (N, C) each.
#
# <details><summary>Derivation, step 1: how does one q move with one logit?</summary>
#
# $q_y = e^{l_y} / S$ with $S = \sum_c e^{l_c}$. By the rule of the quotient its derivative in $l_c$ is
# $q_y - q_y q_c$ if $y = c$, and $-q_y q_c$ else.
#
# </details>
#
# <details><summary>Derivation, step 2: and log q?</summary>
#
# In the product $q_y (b_y - \log q_y)$ the logit is in both factors. The second one brings
# $-\sum_y q_y \, \partial \log q_y$. But $q \, \partial \log q = \partial q$, and the sum of all q does not move.
# What is that part then?
#
# </details>
#
# <details><summary>Derivation, step 3: what is left?</summary>
#
# Write $v_y = b_y - \log q_y$, multiply it with the derivatives of step 1 and add over y. One term is there for
# $y = c$ only. The other is there for all y, with the factor $q_c$ in common, and the rest of it is a quantity that
# you have computed before.
#
# </details>


# %%
def class_bound_backward(logits, bounds):
    # Exercise 20.4: dlogits, dbounds
    ### BEGIN SOLUTION
    # dl_c = q_c (v_c - sum_y q_y v_y), v = b - log q;   db_y = q_y
    log_q = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    q, v = np.exp(log_q), bounds - log_q
    return q * (v - (q * v).sum(axis=1, keepdims=True)), q
    ### END SOLUTION


# %%
check("20.4", class_bound_backward)

# %% [markdown]
# A class whose $v$ is above the average gets a larger logit. And the networks of z learn from all classes at once,
# from each as much as q believes in it.
#
# ## Few labels, many images
#
# In a batch of N rows some have a label. For those y is known, and $b_y$ of that class is the bound of
# $\log p(x, y)$. In it the classifier does not appear at all. It should learn from labels, too; so the loss gets one
# more part, with a weight $\alpha$:
#
# $$\text{loss} = -\frac1N \Big( \sum_{\text{labels}} b_{y_n} + \sum_{\text{others}} (-U(x_n)) \Big)
#   + \frac{\alpha}{M} \sum_{\text{labels}} -\log q(y_n \mid x_n) ,$$
#
# where M is the number of rows with a label.
#
# ### Exercise 20.5: `m2_loss`
#
# `bounds` and `logits` are (N, C), `y` (N,) has classes, and -1 where none is known; `alpha` is a number. At least one
# row has a label. Return the loss, a number.


# %%
def m2_loss(bounds, logits, y, alpha):
    # Exercise 20.5: loss
    ### BEGIN SOLUTION
    known = y >= 0
    each = class_bound(logits, bounds)
    each[known] = bounds[known, y[known]]
    log_q = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -each.mean() - alpha * log_q[known, y[known]].mean()
    ### END SOLUTION


# %%
check("20.5", m2_loss)

# %% [markdown]
# For its gradient one thing is new. $-\log q_y = -l_y + \log \sum_c e^{l_c}$, and the derivative of the second part
# in $l_c$ is $e^{l_c} / \sum = q_c$. So the slope of $-\log q_y$ is $q_c$, less 1 for $c = y$.
#
# ### Exercise 20.6: `m2_backward`
#
# Return `dlogits` and `dbounds` (N, C) of the loss.


# %%
def m2_backward(bounds, logits, y, alpha):
    # Exercise 20.6: dlogits, dbounds
    ### BEGIN SOLUTION
    known = y >= 0
    dlogits, dbounds = (-a / len(y) for a in class_bound_backward(logits, bounds))
    one_hot = np.eye(bounds.shape[1])[y[known]]
    dbounds[known] = -one_hot / len(y)
    q = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    dlogits[known] = alpha * (q[known] - one_hot) / known.sum()
    return dlogits, dbounds
    ### END SOLUTION


# %%
check("20.6", m2_backward)

# %% [markdown]
# ## The same in minivae
#
# Here is a whole step of M2 with your functions. Every image is decoded once for each class: C times the work of a
# CVAE. Mind the weights of the KL: $b_y$ holds minus the KL of class y, so what a nat of it adds to the loss is
# `-dbounds`. (The encoder of the library's M2 takes x alone and gives $\mu$ and log_var for all C classes, since all
# are needed. And its one-hot rows have `ONE`, which is 10, in the place of the 1: a larger input learns faster.)


# %%
from minivae.layers import ONE


def m2_step(model, x, y, eps, alpha):
    """The gradients of a step go into the model; returns the loss."""
    N, L = eps.shape
    logits, c_cls = model.classifier.forward(x)
    heads, c_enc = model.encoder.forward(x)  # mu, log_var: (C, N, L) each
    mu, log_var = (a.reshape(C * N, L) for a in heads)
    eps = np.tile(eps, (C, 1))
    z = mu + np.exp(log_var / 2) * eps
    given = beside(z, np.repeat(np.arange(C), N), C)
    given[:, L:] *= ONE
    out, c_dec = model.decoder.forward(given)
    log_px, c_x = model.likelihood.forward(np.tile(x, (C, 1)), out)  # (C N,)
    bounds = (log_px - np.log(C) - kl_standard_normal(mu, log_var)).reshape(C, N).T
    dlogits, dbounds = m2_backward(bounds, logits, y, alpha)
    db = dbounds.T.reshape(-1)  # (C N,)
    model.zero_grad()
    dgiven = model.decoder.backward(model.likelihood.backward(db, c_x), c_dec)
    dheads = latent_backward(dgiven, -db, mu, log_var, eps)
    model.encoder.backward(tuple(a.reshape(C, N, L) for a in dheads), c_enc, need_dx=False)
    model.classifier.backward(dlogits, c_cls, need_dx=False)
    return m2_loss(bounds, logits, y, alpha)


def m2(seed, **more):
    rng = np.random.default_rng(seed)
    return M2.build((8, 8, 1), rng, labels=("classes", C), hidden=(64,), latent=8, alpha=1.0, **more)


def difference_in_m2():
    rng, model = np.random.default_rng(0), m2(0).bind("float64")
    model.theta += 0.1 * rng.standard_normal(model.theta.size)
    x, y = data.train.x[:40].astype(float), np.where(np.arange(40) < 12, data.train.y[:40], -1)
    noise = model.draw_noise(rng, 40, train=False)
    loss = model.loss_and_grads(x, noise, y)["loss"]
    theirs = model.grad.copy()
    mine = m2_step(model, x, y, noise["eps"], 1.0)
    return max(abs(mine - loss), np.abs(model.grad - theirs).max())


print(f"your step of M2 and the library's differ by {difference_in_m2():.0e}")
assert difference_in_m2() < 1e-11

# %% [markdown]
# ## A hundred labels
#
# Of the 1,250 training digits a hundred keep their labels, ten of each class, drawn at random. M2 learns from all
# images and these labels. Beside it learns the same classifier from the hundred alone. Five draws of the labels, each
# with its own initial weights. (In the first four epochs M2's classifier learns from labels alone, while the rest
# learns from all. Settings were chosen by the validation digits; the errors here are of the 297 test digits, which
# had no part in that.)


# %%
def error_of(seed, labels_only):
    """Percent of the test digits that q(y | x) has wrong, after learning from 100 labels."""
    few = load_data("digits", binarize="threshold", labelled=100, label_seed=seed)
    model, test = m2(seed, labels_only=labels_only, labels_first=4), few.test()
    fit(model, Adam(model, lr=3e-3), few, epochs=30, batch_size=125, seed=seed, progress=False)
    return 100 * np.mean(model.classifier(test.x).argmax(axis=1) != test.y)


def hundred_labels(draws=5):
    """{way: errors (draws,)}, and the error of the judge, which has all labels."""
    ways = {"100 labels alone": True, "M2": False}
    errors = {way: np.array([error_of(seed, alone) for seed in range(draws)]) for way, alone in ways.items()}
    for way, found in errors.items():
        print(f"{way:<17}", *(f"{error:5.1f}" for error in found),
              f"  mean {found.mean():.1f} %, standard deviation {found.std(ddof=1):.1f}")  # fmt: skip
    test = data.test()
    judged = 100 * (1 - SVC(C=10).fit(data.train.x, data.train.y).score(test.x, test.y))
    print(f"a support vector machine that learns from all 1,250 labels: {judged:.1f} %")
    return errors, judged


errors, judged = hundred_labels()
gains = errors["100 labels alone"] - errors["M2"]
assert gains.min() > 0
quoted("24", errors["100 labels alone"].mean(), within=1.5)
quoted("20", errors["M2"].mean(), within=1.5)
quoted("4.5", gains.mean(), within=2)
quoted("10", judged, within=1)
with picture("20_labels") as path:
    drawings.labels(path, errors, judged)

# %% [markdown]
# **Read the picture.** With M2 some 20 % of the test digits are wrong, with the same labels alone some 24 %. It helps
# in each of the five draws, by some 4.5 points on average. Who has all 1,250 labels is wrong for some 10 %. The 1,150
# images without a label have told M2 which digits look alike, and the hundred labels say what these groups are
# called.

# %% [markdown]
# <!-- only with solutions -->
# On MNIST, with 50,000 images and a hundred labels, M2 comes from 24.4 to 14.7 % (`figures/variants.md`).

# %% [markdown]
# ## Finishing half a digit
#
# A condition need not be a class. Let y be the left half of a digit, 32 bits, and x the right half. Nothing changes
# but what stands beside x and z: no one-hot rows, but the bits themselves. Why would one want a VAE for that, and not
# a net that predicts x from y? Since the right half is *open*. A net gives one probability to each pixel, and treats
# them as independent given y. But if it is a 3 or a 9 that begins like this, then *all* pixels on the right are those
# of a 3, or all are those of a 9. That is what z is for.
#
# The prior may know y as well: the half that is given says which styles are likely. So let $p(z \mid y)$ be a
# Gaussian whose mean and variance a network makes of y (`prior="learned"`). Its KL is that of lesson 7, between two
# Gaussians.
#
# The net has an exact $\log p(x \mid y)$. The CVAE has a bound, which is *below* its own: the comparison is unfair,
# to the CVAE.


# %%
def trained(quadrants, which, seed):
    """A model of the rest of a digit, given 1, 2 or 3 quadrants, with its data; and nats of a validation digit."""
    parts = load_data("digits", binarize="threshold", quadrants=quadrants)
    labels, rng = ("rows", parts.train.y.shape[1]), np.random.default_rng(seed)
    if which == "net":
        model = PlainNet.build(parts.shape, rng, labels=labels, hidden=(64,))
    else:
        model = CVAE.build(parts.shape, rng, labels=labels, hidden=(64,), latent=8, prior=which)
    epochs = 30 if which == "net" else 40
    last = fit(model, Adam(model, lr=3e-3), parts, epochs=epochs, batch_size=125, seed=seed, progress=False)[-1]
    return model, parts, last["validation"]["log_px" if which == "net" else "elbo"]


def table(seeds=2):
    """{quadrants: {which: nats (seeds,)}}, and the models of the left half, of the first seed."""
    found, models = {}, {}
    print("given                      net        CVAE, p(z | y)")
    for quadrants, given in ((1, "1 quadrant"), (2, "the left half"), (3, "3 quadrants")):
        runs = {which: [trained(quadrants, which, seed) for seed in range(seeds)] for which in ("net", "learned")}
        found[quadrants] = {which: np.array([nats for *_, nats in run]) for which, run in runs.items()}
        models[quadrants] = [run[0][:2] for run in runs.values()]
        print(f"{given:<14}" + "".join(f"{values.mean():12.2f} +- {np.ptp(values) / 2:.2f}"
                                       for values in found[quadrants].values()))  # fmt: skip
    return found, models[2]


nats, of_half = table()
gain = {quadrants: (row["learned"] - row["net"]).mean() for quadrants, row in nats.items()}
assert all(row["net"].max() < row["learned"].min() for row in nats.values())
quoted("1.6", gain[1], within=0.4)
quoted("1.0", gain[2], within=0.4)
quoted("0.3", gain[3], within=0.25)


# %%
def finished(n=6, S=6):
    """Held-out halves that leave most open, (n, S + 3, 64): given, the net's mean, S draws of the CVAE, truth."""
    (net, parts), (model, _) = of_half
    x, y = parts.validation.x, parts.validation.y
    whole = completions(model, parts.protocol, x, y, 20, np.random.default_rng(0))  # (N, 22, 64)
    most = np.argsort(-whole[:, 1:-1].var(axis=1).sum(axis=1))[:n]
    mean = net.sample(len(x), np.random.default_rng(0), y=y)
    of_net = parts.protocol.whole(mean, y)[most]
    unsure = [(p * (1 - p)).mean() for p in (mean, model.sample(len(x), np.random.default_rng(0), y=y))]
    assert unsure[1] < 0.85 * unsure[0]  # the mean variance of a pixel, by the net and given a z
    drawn = {"net": net, "CVAE": model}
    bits = {name: one.sample(len(x), np.random.default_rng(1), y=y, draw=np.random.default_rng(2))
            for name, one in drawn.items()} | {"truth": x}  # fmt: skip
    seen = parts.protocol.whole(parts.train.x, parts.train.y)
    off = {name: np.mean([(seen != row).sum(axis=1).min() for row in parts.protocol.whole(right, y)])
           for name, right in bits.items()}  # fmt: skip
    for name, pixels in off.items():
        print(f"{name:<6} {pixels:.1f} pixels of a whole digit differ from the nearest training digit")
    return np.concatenate([whole[most, :1], of_net[:, None], whole[most, 1 : 1 + S], whole[most, -1:]], axis=1), off


rows, pixels = finished()
assert pixels["truth"] < pixels["CVAE"] < pixels["net"]
quoted("5.1", pixels["net"], within=0.5)
quoted("4.6", pixels["CVAE"], within=0.5)
with picture("20_halves") as path:
    drawings.halves(path, rows)

# %% [markdown]
# **Read the picture.** Six held-out halves, those whose completions differ most. The net shows grey where it does not
# know. A z of the CVAE is surer, of one digit, and another z is surer of another. If one draws bits, those of the net
# do not fit each other: 5.1 pixels of the whole digit differ from the nearest training digit. Those of the CVAE fit
# better, 4.6, since z ties them together. In nats a CVAE is better by 1.6 if one quadrant is given, 1.0 for a half,
# and 0.3 for three quadrants. The less is given the more is open, and the more z is worth.
#
# ## More to try
#
# 1. Decode a z with a condition that is half 3 and half 8: 0.5 in both columns. What comes out, and is it an x that
#    the model was trained on?
# 2. Give y to the decoder only, not to the encoder. What happens to the bound, and to the classes along a row of the
#    first picture?
# 3. M2 with 20 labels, and with 400. From where on does it help no more?
# 4. Classify with the best q, the softmax of the bounds $b_y$, and not with the classifier. Which of the two is wrong
#    less often?
# 5. Set alpha to 0 in M2. The classes then have no names, but do they still find groups? Count for each class of q
#    which digits are in it.
# 6. Write `class_bound` for $K$ samples of z: the mean of which quantity has to be taken, and under which logarithm?
#
# ## Questions
#
# <details><summary>Why one-hot rows, and not the number of the class?</summary>Numbers have an order and distances:
# an 8 would be four times a 2. A one-hot row gives each class a weight of its own in the first layer.</details>
#
# <details><summary>Why does the z of a CVAE say less about the class?</summary>A nat of KL costs a nat. What the
# decoder is told anyway does not raise log p(x | y, z) any more, so it does not pay.</details>
#
# <details><summary>May the ELBO of a CVAE be compared with that of a VAE?</summary>Not as it is. One bounds
# log p(x | y), the other log p(x). Add log p(y), then it bounds log p(x, y), which is at most log p(x).</details>
#
# <details><summary>What would happen in M2 without the entropy?</summary>The average of b_y under q is largest if q
# puts all on the best class: the classifier would be sure of everything, early and often wrongly.</details>
#
# <details><summary>Why are classes summed out, and z is not?</summary>A class has ten values, so the average is a sum
# of ten terms, exact and without noise. The z are real numbers: their average is an integral.</details>
#
# ## Further reading
#
# - K. Sohn, H. Lee, X. Yan, *Learning Structured Output Representation using Deep Conditional Generative Models*
#   (2015): conditional VAEs, a prior that knows y, and quadrants of digits.
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling, *Semi-Supervised Learning with Deep Generative Models*
#   (2014), arXiv 1406.5298: M1 and M2, equations 6 to 9.
# - L. Maaloe and others, *Auxiliary Deep Generative Models* (2016), arXiv 1602.05473: where M2 went next.
# - A. Oliver and others, *Realistic Evaluation of Deep Semi-Supervised Learning Algorithms* (2018), arXiv 1804.09170:
#   how such comparisons go wrong.
# - `minivae/models/cvae.py`, `m2.py`, `net.py`, `minivae/layers/condition.py`, `minivae/data/quadrants.py`.

# %%
progress()
