# %% [markdown]
# # 12. The bug zoo
#
# **After this lesson you can** test a model where no gradient check can help: when its gradient is right, but its loss
# is not the one that was meant. You can say how far an average may be off by chance, and which check sees which
# mistake.
#
# **You will build** four checks that see what no gradient check can see, two *laws* and two *known answers*, and with
# them find six bugs that were planted into minivae. All six are from published VAEs.
#
# **You need** the gradient check of lesson 2, the KL of lesson 7 and the VAE of lesson 9. From statistics: mean,
# variance, and that a mean of many independent numbers is nearly normal. About 2 hours.
#
# ![Seven small panels: the logged loss over 20 epochs of programs A to F and of right code](picture:12_curves)
#
# *Seven programs were trained on the same digits. The last one is right, each of the others has a bug. How many would
# you have noticed?*

# %%
import math
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae import VAE, Adam, check_gradients, load_data
from minivae.data import batches
from minivae.densities import (
    bernoulli_log_prob,
    gaussian_log_prob,
    kl_standard_normal,
    reparameterize,
    standard_normal_log_prob,
)
from minivae.laboratory.detectors import DETECTORS, TITLES, model_and_data
from minivae.laboratory.zoo import ZOO
from minivae.metrics import mean_metrics
from minivae.plot import draw_matrix
from minivae.plot.lessons import lesson12 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference
from minivae.teach.exercises.lesson12 import BUGS, bug, reveal

# %% [markdown]
# ## Seven trainings
#
# `with bug("A"):` changes a line or two of minivae, and changes them back at the end; `bug(None)` changes nothing. A
# program logs what *it* takes for its loss. What its model is worth is said afterward, by the right code.


# %%
def training(letter, epochs=20):
    data, rng, logged = load_data("digits"), np.random.default_rng(0), []
    with bug(letter):
        model = VAE.build(data.shape, rng, hidden=(64,), latent=4)
        optimizer = Adam(model, lr=2e-3)
        for _ in range(epochs):
            losses = []
            for rows in batches(len(data.train.x), 128, rng):
                x = data.present(data.train.x[rows], rng)
                losses.append(model.loss_and_grads(x, model.draw_noise(rng, len(x)))["loss"])
                optimizer.step()
            logged.append(float(np.mean(losses)))
    return logged, -float(mean_metrics(model, *data.validation, np.random.default_rng(1))["elbo"])


trainings = {letter: training(letter) for letter in (*BUGS, None)}
with picture("12_curves") as path:
    drawings.curves(path, {letter or "right code": logged for letter, (logged, _) in trainings.items()})


def logged_and_true():
    for letter, (logged, true) in trainings.items():
        name, first, last = letter or "right", logged[0], logged[-1]
        print(f"{name:>5}: logs {first:7.1f} nats in the first epoch, {last:7.1f} in the last; is worth {true:.1f}")
    for letter, last, true in ((None, "25.1", "25.3"), ("A", "24.0", "25.7")):
        quoted(last, trainings[letter][0][-1], within=0.1)  # float32: on another machine the last digit differs
        quoted(true, trainings[letter][1], within=0.1)
    assert trainings["B"] == trainings["F"] == trainings[None]


logged_and_true()

# %% [markdown]
# **Read the picture.** D alone has a curve that one would look at twice: its loss falls and climbs again. The other
# five fall and level off, as they should. Those of B and F are that of right code, number by number: nothing in this
# training goes where they are wrong.
#
# The one to fear is A. It logs 24.0 nats after 20 epochs, one nat *better* than right code with its 25.1; you would
# publish it. What its model is worth, by the right loss on held-out digits, is 25.7, and that of right code 25.3. So a
# better loss proves nothing until you know that it is the loss.
#
# ## Four kinds of checks
#
# A program computes a function $f(\theta)$ and a gradient $g(\theta)$. What can you ask?
#
# | check | it asks | it costs |
# |---|---|---|
# | loss curve | is $f$ finite, not below 0, and does it fall? | nothing, you have it |
# | gradient | is $g$ the derivative of $f$? | a few evaluations of $f$ |
# | law | does what must hold *for every* mu, log_var, x hold? | many random draws |
# | known answer | does $f$ give the number that I know without it? | one evaluation |
#
# The second one looks strong, and within its question it is. But a right gradient $g$ of a wrong $f$ passes it, every
# time. Nothing that compares a program with itself knows what the program was meant to be. Laws and known answers bring
# that knowledge from outside: from mathematics.
#
# ## When does a mean differ from its expectation?
#
# A law says that an expectation has a known value: $E[s] = e$. You have $n$ independent draws $s_1, \dots, s_n$, with
# mean $\bar s$. It will not be exactly $e$. How far may it be off?
#
# Let one draw have the variance $\sigma^2$. We do not know $\sigma$, but the standard deviation of the draws is close
# to it. Wanted is the difference $\bar s - e$ in a unit that is the same for every law: the standard deviation of
# $\bar s$ itself, which is called its *standard error*. So what you need is $\mathrm{Var}[\bar s]$, from $\sigma$ and
# $n$.
#
# This number, the *z-score*, is nearly a standard normal number if the law holds. Beyond 4 either way it is by chance
# once in 16,000 times: then believe that the law is broken. Its sign says on which side: it is negative where
# $\bar s$ is below $e$. (It has nothing to do with the latent z.)
#
# ### Exercise 12.1: `z_score`
#
# **Derive** the standard error of $\bar s$. Then write the z-score: `samples` is an array of any shape, of which all
# numbers count; `expected` is $e$. If you are stuck, open the steps below one by one, or call `hint("12.1")`; every
# exercise has hints.
#
# <details><summary>Derivation, step 1: which two rules about variances?</summary>
#
# The variances of independent numbers add up. And a factor comes out squared: $\mathrm{Var}[c\,s] = c^2\,
# \mathrm{Var}[s]$.
#
# </details>
#
# <details><summary>Derivation, step 2: what is the variance of the mean?</summary>
#
# The mean is a sum of $n$ independent draws, times a factor:
#
# $$\mathrm{Var}[\bar s] = \mathrm{Var}\Big[\frac1n \sum_{i=1}^n s_i\Big] = \frac{1}{n^2} \sum_{i=1}^n
#   \mathrm{Var}[s_i] .$$
#
# All $n$ terms of the sum are $\sigma^2$. The standard error is the root of what you get.
#
# </details>


# %%
def z_score(samples, expected):
    # Exercise 12.1: z_score
    ### BEGIN SOLUTION
    # Var[mean] = n sigma^2 / n^2, so the standard error is sigma / sqrt(n)
    return (samples.mean() - expected) / (samples.std() / math.sqrt(samples.size))
    ### END SOLUTION


# %%
check("12.1", z_score)

# %% [markdown]
# The mean of $n$ numbers spreads by $\sigma / \sqrt n$: for a tenth of the spread you need a hundred times as many
# draws.
#
# ## A law of the sampler
#
# The sampler is to draw $z$ with mean mu and variance $\exp(\text{log\_var})$. Every latent of every example has
# another mu and log_var; to throw all of them into one heap, undo both:
#
# $$u = \frac{z - \mu}{\text{std}}, \qquad \text{std} = e^{\text{log\_var} / 2}, \qquad E[u^2] = \mathrm{Var}[u] = 1 .$$
#
# ### Exercise 12.2: `variance_law`
#
# `z` (K, N, L) are K draws for each of N examples, `mu` and `log_var` (N, L). Return the z-score of this law.


# %%
def variance_law(z, mu, log_var):
    # Exercise 12.2: variance_law
    ### BEGIN SOLUTION
    u = (z - mu) / np.exp(0.5 * log_var)
    return z_score(u * u, 1)
    ### END SOLUTION


# %%
check("12.2", variance_law)

# %% [markdown]
# ### Can it fail?
#
# A check that never fails checks nothing. How many draws does it need, to see a variance that is 1 % too large?
#
# The spread of $u^2$ follows from $E[u^4]$. For the normal density $\varphi$ we have $\varphi'(u) = -u\,\varphi(u)$, so
# by parts $E[u^4] = \int u^3 \cdot u \varphi\, du = \int 3 u^2 \varphi\, du = 3$. Hence
#
# $$\mathrm{Var}[u^2] = E[u^4] - E[u^2]^2 = 3 - 1 = 2, \qquad \text{standard error } \sqrt{2 / n} .$$
#
# An error of 0.01 is to be 8 standard errors, so that even an unlucky draw leaves more than 4:
#
# $$0.01 = 8 \sqrt{2 / n} \quad\Longrightarrow\quad n = 2 \cdot 800^2 = 1{,}280{,}000 .$$


# %%
def power(wrong, K, N=64, L=4):
    """The z-score for a sampler whose variance is `wrong` times what it should be."""
    rng = np.random.default_rng(0)
    mu, log_var = rng.standard_normal((2, N, L))
    return variance_law(mu + wrong**0.5 * np.exp(0.5 * log_var) * rng.standard_normal((K, N, L)), mu, log_var)


for K in (50, 500, 5000):
    print(f"{64 * 4 * K:>9,} draws: right {power(1.0, K):5.1f}, variance 1 % too large {power(1.01, K):5.1f}")
quoted("1280000", 64 * 4 * 5000)
quoted("16", 1 / math.erfc(4 / math.sqrt(2)) / 1000)  # thousand: a normal number beyond 4 either way is once in so many
assert abs(power(1.0, 5000)) < 4 < abs(power(1.01, 5000))
assert abs(power(1.01, 50)) < 4

# %% [markdown]
# With 12,800 draws the error hides in the noise; with 1,280,000 it cannot. Before you trust a law, plant the smallest
# error that you want to see.
#
# ## A law of the KL
#
# The KL compares two densities, $q(z|x)$ from which $z$ is drawn, and $p(z)$:
#
# $$KL(q \,\|\, p) = \int q(z|x) \log \frac{q(z|x)}{p(z)}\, dz .$$
#
# The program charges the formula of lesson 7 for it. Three pieces of code, the sampler, two densities and the formula,
# were written apart, and one law can bind them together. Given are, for the draws $z_{kn} \sim q(z|x_n)$ of example
# $n$, the numbers $\log q(z_{kn} | x_n)$ and $\log p(z_{kn})$, and $KL_n$, what the program charges. Wanted is a number
# $s_{kn}$, made from these three, whose expectation over the draws is 0 if all three pieces are right.
#
# ### Exercise 12.3: `kl_law`
#
# **Derive** $s_{kn}$. Then write the law: `log_qz_x` and `log_pz` are (K, N), `kl` is (N,). Return the z-score of all
# K N numbers together; it is positive where the densities say more than the program charges. The densities come as
# arguments, since they are what is on trial.
#
# <details><summary>Derivation, step 1: what kind of an integral is the KL?</summary>
#
# An integral $\int q(z|x)\, f(z)\, dz$ with a density in it is an expectation, $E_{z \sim q}[f(z)]$. What is $f$ here?
#
# </details>
#
# <details><summary>Derivation, step 2: which of the given numbers is f?</summary>
#
# The logarithm of a quotient is a difference:
#
# $$KL_n = E_{z \sim q}\big[\log q(z|x_n) - \log p(z)\big] .$$
#
# And $KL_n$ does not depend on the draw: it is its own expectation, and can be taken to the other side, into the
# bracket.
#
# </details>


# %%
def kl_law(log_qz_x, log_pz, kl):
    # Exercise 12.3: kl_law
    ### BEGIN SOLUTION
    # s_kn = log q(z_kn | x_n) - log p(z_kn) - KL_n
    return z_score(log_qz_x - log_pz - kl, 0)
    ### END SOLUTION


# %%
check("12.3", kl_law)

# %% [markdown]
# ## Known answers: what does not change
#
# Some answers are known though no one can compute them by heart. The loss is a mean over the examples. Take the batch
# twice, one below the other: the same examples, the same mean,
#
# $$\frac{1}{2N} \Big(\sum_{n=1}^{N} \text{loss}_n + \sum_{n=1}^{N} \text{loss}_n\Big) = \frac1N \sum_{n=1}^{N}
#   \text{loss}_n, \qquad \frac{\text{loss of the batch twice}}{\text{loss of the batch}} = 1 .$$
#
# A sum gives 2, a mean in one part and a sum in another something between. One thing is needed: the loss of an example
# depends on its noise eps, so a copy must meet the noise of its original.
#
# ### Exercise 12.4: `batch_twice`
#
# `loss(x, eps)` is a function that returns a number, `x` is (N, D), `eps` (N, L). Return the ratio.


# %%
def batch_twice(loss, x, eps):
    # Exercise 12.4: batch_twice
    ### BEGIN SOLUTION
    return loss(np.tile(x, (2, 1)), np.tile(eps, (2, 1))) / loss(x, eps)
    ### END SOLUTION


# %%
check("12.4", batch_twice)

# %% [markdown]
# ## Known answers: chance
#
# And some are known to the last digit. A decoder that knows nothing has the logits 0: each bit is 1 with probability
# $\tfrac12$. Whatever the bits are,
#
# $$-\log p(x | z) = -\sum_{d=1}^{D} \log \tfrac12 = D \ln 2 \text{ nats},$$
#
# 543.43 nats for 784 pixels. A Bernoulli VAE on such images starts near there, or somewhat above. One that logs 0.7 at
# its first step does not count nats per example.
#
# ### Exercise 12.5: `chance_level`
#
# `log_prob(logits, x=bits)` takes two arrays (1, D) and gives log p(x | z) (1,). Return what D bits of your choice cost
# at logits 0, divided by D ln 2, as a number; `.sum()` makes one of an array (1,).


# %%
def chance_level(log_prob, D):
    # Exercise 12.5: chance_level
    ### BEGIN SOLUTION
    return -log_prob(np.zeros((1, D)), x=np.ones((1, D))).sum() / (D * math.log(2))
    ### END SOLUTION


# %%
check("12.5", chance_level)

# %%
quoted("543.43", 784 * math.log(2))

# %% [markdown]
# ## The hunt
#
# Now all checks on all programs. The gradient check is that of lesson 2, here the library's, on a VAE so small that it
# takes no time. It is made at two places, since a gradient may be right in one and wrong in another: at an ordinary
# log_var, and where the encoder's last bias moves log_var to about -12, a standard deviation of 0.0025.


# %%
def gradient_error(shift):
    """The largest relative error of a gradient, in a small VAE whose log_var are moved by `shift`."""
    rng = np.random.default_rng(0)
    model, x = model_and_data(rng)
    model.encoder.layers[-2].b.data[model.L :] += shift  # the encoder ends in mu, log_var
    return max(check.error for check in check_gradients(model, x, rng).values())


def measure(letter):
    """What your checks say of one program."""
    rng = np.random.default_rng(0)
    mu, log_var = rng.standard_normal((64, 4)), 0.5 * rng.standard_normal((64, 4)) - 1
    with bug(letter):
        z = reparameterize(mu, log_var, eps=rng.standard_normal((1000, 64, 4)))
        log_qz_x, log_pz = gaussian_log_prob(z, mu, log_var), standard_normal_log_prob(z)
        model, x = model_and_data(rng)
        noise = model.draw_noise(rng, len(x)) | {"eps": rng.standard_normal((len(x), model.L))}

        def loss(x, eps):
            return model.loss_and_grads(x, noise | {"eps": eps}, grads=False)["loss"]

        return {
            "loss, first epoch": trainings[letter][0][0],
            "loss, last epoch": trainings[letter][0][-1],
            "gradient, log_var near 0": gradient_error(0),
            "gradient, log_var near -12": gradient_error(-12),
            "law of the variance": variance_law(z, mu, log_var),
            "law of the KL": kl_law(log_qz_x, log_pz, kl_standard_normal(mu, log_var).sum(axis=-1)),
            "the batch twice": batch_twice(loss, x, noise["eps"]),
            "784 bits by chance": chance_level(bernoulli_log_prob, 784),
        }


def show(measured):
    print(f"{'':<27}" + "".join(f"{letter or 'right':>10}" for letter in measured))
    for name in measured[None]:
        print(f"{name:<27}" + "".join(f"{row[name]:10.4g}" for row in measured.values()))


measured = {letter: measure(letter) for letter in trainings}
show(measured)
quoted("0.0025", math.exp(0.5 * -12))

# %% [markdown]
# ### Exercise 12.6: what sees it?
#
# For each program, name the check that sees its bug: `"loss curve"`, `"gradient"`, `"law"` or `"known answer"`. Where
# several do, the first in this order counts; it costs least. A loss curve says no more than the table above: that it is
# not finite, falls below 0, or does not fall.
#
# And before you go on, write down for each what you think it is. Which lines of a VAE can give such numbers?

# %%
# Exercise 12.6: bug_a, bug_b, bug_c, bug_d, bug_e, bug_f
### BEGIN SOLUTION
bug_a, bug_b, bug_c = "law", "gradient", "known answer"
bug_d, bug_e, bug_f = "loss curve", "known answer", "law"
### END SOLUTION

# %%
check("12.6", bug_a=bug_a, bug_b=bug_b, bug_c=bug_c, bug_d=bug_d, bug_e=bug_e, bug_f=bug_f)

# %% [markdown]
# Here they are, with the projects that had them (`-` is minivae, `+` the same mistake in it):

# %%
hunted = dict(zip(BUGS, (bug_a, bug_b, bug_c, bug_d, bug_e, bug_f), strict=True))
for letter in hunted:
    reveal(letter)

# %% [markdown]
# - **A** takes the variance for the standard deviation, and its backward does so too. So the gradient is right, of
#   another function: the KL is charged for a $q$ from which nothing is drawn. The law of the variance is off by 440
#   standard errors, downward, since here $e^{\text{log\_var}}$ is mostly below $e^{\text{log\_var}/2}$.
# - **B** clamps log_var in the forward only. Between -4 and 4 nothing is wrong, and only there were your laws tried. A
#   check sees the places where it is made.
# - **C** averages over the pixels and sums over the latents: the KL weighs D times as much as it should, which costs
#   2.4 nats here. The first number that it logged, 1.4 where chance is $64 \ln 2 = 44.4$, had said so.
# - **D** gives the encoder dz where dlog_var belongs. Its loss ends where it began, near chance.
# - **E** sums over the batch. Adam divides the gradient by its own size and trains as if nothing were; SGD with the
#   same rate would take steps 128 times as long.
# - **F** leaves $\ln 2\pi$ out of the Gaussian density. A VAE of bits trains without that line; but every log p(x)
#   that is estimated with $\log q(z|x)$ is off by $\tfrac{L}{2} \ln 2\pi$, 3.68 nats for four latents.
#
# ## The matrix
#
# Your verdicts as a picture, drawn by the library, with the nats of the trainings beside them:


# %%
def verdicts(row):
    """Which kinds of checks find something, by the letters that the library uses."""
    first, last = row["loss, first epoch"], row["loss, last epoch"]
    return {
        "L": not 0 <= last <= 0.9 * first,
        "G": max(row["gradient, log_var near 0"], row["gradient, log_var near -12"]) > 1e-7,
        "W": max(abs(row["law of the variance"]), abs(row["law of the KL"])) > 4,
        "U": max(abs(row["the batch twice"] - 1), abs(row["784 bits by chance"] - 1)) > 1e-9,
    }


def draw_verdicts(path):
    names = BUGS | {None: "right code"}
    found = {names[letter]: verdicts(row) for letter, row in measured.items()}
    prices = {names[letter]: (logged[-1], true) for letter, (logged, true) in trainings.items()}
    draw_matrix(found, prices, path, TITLES, DETECTORS)
    words = dict(zip("LGWU", ("loss curve", "gradient", "law", "known answer"), strict=True))
    for letter, word in hunted.items():
        assert words["".join(kind for kind, seen in found[BUGS[letter]].items() if seen)[0]] == word
    assert not any(found["right code"].values())
    assert [sum(row[kind] for row in found.values()) for kind in "LGWU"] == [1, 2, 2, 2]


with picture("12_matrix") as path:
    draw_verdicts(path)
quoted("-440", measured["A"]["law of the variance"], within=1)
quoted("2.4", trainings["C"][1] - trainings[None][1], within=0.2)
quoted("1.4", trainings["C"][0][0])
quoted("44.4", 64 * math.log(2))
quoted("3.68", 4 / 2 * math.log(2 * math.pi))

# %% [markdown]
# **Read the picture.** No column has more than two squares: each kind of check alone would have let four of the six
# pass or more. The last row is as important as the others. Right code passes everything, so a square means something.
#
# ## The same in minivae
#
# The library's laws are yours, and some more. This is what they say of program A:

# %%
from minivae.truth.laws import averaged, check_laws


def laws_of_a():
    rng = np.random.default_rng(0)
    with bug("A"):
        return check_laws(*model_and_data(rng), rng)


print(laws_of_a())
samples = np.random.default_rng(1).standard_normal(100_000)
np.testing.assert_allclose(abs(z_score(samples, 0.01)), averaged(samples, 0.01).error, rtol=1e-4)

# %% [markdown]
# The whole zoo has 24 bugs; `python -m minivae zoo --out zoo.png` plants all of them and draws the full matrix, in
# about a minute. It says what yours says: the loss curve sees one of them, gradient checks see five, laws twelve, known
# answers sixteen. Fourteen are seen by one kind only, so none of the last three can be spared. C and E have a square
# under *law* there as well: the library also adds up $p(x|z)$ over all $x$, which must give 1 and for C does not, and
# it takes the KL for its law from what the step logs, which for E is a sum. F has one under *known answer*: where the
# prior is a Gaussian, the mean of $\log q(z|x) - \log p(z)$ over $\varepsilon = 1$ and $-1$ is the KL exactly.

# %%
for letter, count in {"L": "1", "G": "5", "W": "12", "U": "16"}.items():
    quoted(count, sum(letter in mutant.caught_by for mutant in ZOO))
quoted("24", len(ZOO))
quoted("14", sum(len(mutant.caught_by) == 1 for mutant in ZOO))

# %% [markdown]
# ## More to try
#
# 1. B once more: move `log_var` in `measure` to about -12. What do your two laws say now, and why with those signs?
# 2. Write `pixels_twice(log_prob, x, logits)`, log p of every pixel twice over by log p. What must it be, and for which
#    program is it not?
# 3. A law of the likelihood: add up exp(log p(x | z)) over all four x of two bits. Which programs fail?
# 4. Train E with `minivae.optim.SGD` at batch sizes 16, 64 and 256 with one learning rate; then right code.
# 5. Plant one of your own: `planted(Mutant(name, pitfall, title, seen_in, caught_by, edits))` of
#    `minivae/laboratory/zoo.py`, a factor 1.001 where it hurts. How small can it be and still be seen?
# 6. Take a VAE that you find on the net and try the five checks of this lesson on it. Each needs a few lines.
#
# ## Questions
#
# <details><summary>Why does program A pass every gradient check?</summary>Its backward is the derivative of its
# forward. The check compares the two with each other, and both make the same mistake.</details>
#
# <details><summary>Why standard errors, and not "within 5 %"?</summary>5 % may be far too strict for a thousand draws
# of something that spreads a lot, and far too loose for a million. A z-score means the same always.</details>
#
# <details><summary>All your checks pass. What do you still not know?</summary>Whether they can fail. Plant a bug for
# each and see it caught; and the places where you did not look, like log_var below -4, you still do not know.</details>
#
# <details><summary>Why is the chance level known before any training?</summary>At logits 0 every bit costs ln 2,
# whatever it is. No data, no weights and no noise enter.</details>
#
# <details><summary>Two runs of a paper differ by 1 nat, and the lower loss is in the abstract. What do you
# ask?</summary>Whether both losses are the same quantity: constants, sums or means, sampler, beta, split, number of
# samples. Program A is more than one nat better and is worse.</details>
#
# ## Further reading
#
# - J. Geweke, *Getting it right: joint distribution tests of posterior simulators*, Journal of the American Statistical
#   Association 99 (2004): z-scores that find mistakes in samplers.
# - R. Grosse, D. Duvenaud, *Testing MCMC code*, arXiv 1412.5218 (2014): conditional probabilities that must agree as
#   unit tests, and Geweke's test, in practice.
# - T. Y. Chen, S. C. Cheung, S. M. Yiu, *Metamorphic testing*, technical report HKUST-CS98-01 (1998): how to test where
#   the answer is not known, by what must not change.
# - R. DeMillo, R. Lipton, F. Sayward, *Hints on test data selection*, Computer 11 (1978): plant mistakes to test tests.
# - `minivae/laboratory/zoo.py`, `detectors.py`, `minivae/truth/laws.py`, `known_answers.py`: the zoo, and who sees
#   what.

# %%
progress()
