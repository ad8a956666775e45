# %% [markdown]
# # 16. Posteriors that bend
#
# **After this lesson you can** say how many nats a VAE loses because its posterior is a Gaussian, and how many
# because one encoder serves all examples. And you can make a posterior that bends: a *normalizing flow*, with its log
# determinant and its gradient by hand.
#
# **You will build** a planar flow with its way back, and fit it to four densities that no Gaussian fits. Then the
# masks of an autoregressive network, and one step of the flow that is made of it.
#
# **You need** lessons 7, 8 and 9. From linear algebra: eigenvectors, and that a determinant is the factor by which a
# map changes volumes, and the product of the eigenvalues. About 3 hours.
#
# ![Contours of one bent posterior, and draws of four q: two Gaussians miss it, two flows cover it](picture:16_bend)
#
# *Blue: what the two latents of one decoder are like, given x. Orange: draws of four q, and how many nats the ELBO of
# each stays below log p(x). The first Gaussian comes from an encoder, the second is the best Gaussian found for
# this x. Then the same with a flow behind the Gaussian.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae import Adam
from minivae.evaluate import best_heads
from minivae.flows import IAF, Planar
from minivae.laboratory.energies import EDGE, ENERGIES, partition, square_of
from minivae.models.flow import FlowVAE
from minivae.models.iaf import IAFVAE
from minivae.models.iwae import IWAE
from minivae.params import Module, Param
from minivae.plot.lessons import lesson16 as drawings
from minivae.schedules import cosine
from minivae.teach import check, hint, picture, progress, quoted, use_reference
from minivae.truth.quadrature import elbo_over_noise, log_evidence_by_quadrature, log_joint

# %% [markdown]
# ## Two reasons for a gap
#
# Lesson 7: $\log p(x) - \text{ELBO} = \text{KL}(q(z|x) \,\|\, p(z|x))$. In a VAE this gap is not 0, for two reasons.
#
# 1. **The family.** $q$ is a Gaussian with independent latents. If the posterior is no such Gaussian, then even the
# best one, $q^*$, has a gap. This is the *family gap*.
# 2. **The encoder.** $q^*$ is the best Gaussian for one $x$ alone. An encoder is one function for all $x$: it gives a
# $q$ that is a compromise. What it loses against $q^*$ is the *amortization gap*.
#
# $$\log p(x) - L(q) = \underbrace{\log p(x) - L(q^*)}_{\text{family gap}}
#   + \underbrace{L(q^*) - L(q)}_{\text{amortization gap}}, \qquad L = \text{ELBO} .$$
#
# At the end of this lesson you measure both. First we make families that are larger than the Gaussians.
#
# ## A density that is moved
#
# Draw $z_0$ from a Gaussian $q_0$ and send it through a function: $z = f(z_0)$. What is the density of $z$? Take a
# small box around $z_0$ with volume $V$. It is hit with the probability $q_0(z_0) V$. $f$ takes it to a small,
# slanted box around $z$, whose volume is $V$ times $|\det J|$, where $J_{ij} = \partial z_i / \partial z_{0,j}$ is
# the Jacobian of $f$. If $f$ can be undone, then nothing else comes there, and both boxes have the same probability:
#
# $$q(z) \, |\det J| \, V = q_0(z_0) \, V \quad\Longrightarrow\quad \log q(z) = \log q_0(z_0) - \log |\det J| .$$
#
# We write `log_det` for $\log |\det J|$. Several functions may follow each other: the volume changes by each of them,
# so their log_dets add up. A function that can be undone and whose log_det is cheap is called a *flow*. For $L$
# latents a general determinant takes some $L^3$ operations, for each example and each sample. The art is to find
# functions which need less.
#
# ## A planar flow
#
# $$z' = z + v \tanh(w \cdot z + b)$$
#
# with two vectors $v$, $w$ and a number $b$. (We write $w \cdot z$ for the sum $\sum_l w_l z_l$.) All $z$ on a plane
# $w \cdot z = \text{const}$ are moved by the same amount along $v$.
#
# *Given*: this map, where all rows have their own $v$, $w$ and $b$, since in a VAE each example has its own flow. The
# derivative of $\tanh$ is $1 - \tanh^2$. *Wanted*: $z'$, and $\log |\det J|$ by a formula without a matrix, which
# takes some $L$ operations.
#
# ### Exercise 16.1: `planar`
#
# **Derive** the determinant. Then write the flow: `z`, `v`, `w` are (N, L), `b` is (N,). Return `z_new` (N, L) and
# `log_det` (N,). If you are stuck, open the steps below one by one, or call `hint("16.1")`; every exercise has hints.
#
# <details><summary>Derivation, step 1: what is the Jacobian?</summary>
#
# Let $a = w \cdot z + b$ and let $s$ be the slope of $\tanh$ at $a$. Then
#
# $$J_{ij} = \frac{\partial z'_i}{\partial z_j} = \delta_{ij} + s \, v_i w_j ,$$
#
# where $\delta_{ij}$ is 1 for $i = j$, else 0. As a matrix, $J = I + s \, v w^T$.
#
# </details>
#
# <details><summary>Derivation, step 2: which vectors does J leave as they are?</summary>
#
# $J y = y + s \, v \, (w \cdot y)$. So all $y$ with $w \cdot y = 0$ stay. There are $L - 1$ independent ones: as many
# eigenvalues are 1.
#
# </details>
#
# <details><summary>Derivation, step 3: and the last eigenvalue?</summary>
#
# Look at $y = v$. $J v$ is a multiple of $v$; which one? It is the eigenvalue that is left, and the determinant is
# the product of all. (If $w \cdot v = 0$, then $v$ is among the vectors of step 2. The formula holds there as well: a
# determinant does not jump.) It may be below 0, and the volume is its absolute value.
#
# </details>


# %%
def planar(z, v, w, b):
    # Exercise 16.1: z_new, log_det
    ### BEGIN SOLUTION
    # J = I + s v w', its eigenvalues are 1, .. 1, 1 + s w v
    h = np.tanh((w * z).sum(axis=-1) + b)
    return z + h[:, None] * v, np.log(np.abs(1 + (1 - h * h) * (w * v).sum(axis=-1)))
    ### END SOLUTION


# %%
check("16.1", planar)

# %% [markdown]
# ## When can it be undone?
#
# The formula for the density needs an $f$ that can be undone: no two $z$ may come to the same place. With any $v$ and
# $w$ a planar flow does not keep to that. Let $k = w \cdot v$.
#
# *Given*: the slope of $\tanh$ takes all values above 0 up to 1, and 1 only at 0. *Wanted*, first, is the smallest
# number $k_0$ such that the flow can be undone for all $k > k_0$, whatever $b$ is.
#
# Secondly, we want to train, and gradients know no bounds: a vector $u$ may be anything. So the flow takes another
# vector in its place, $v = u + c \, w$. Its part along $w$ is such that $k$ stays above $k_0$:
#
# $$w \cdot v = m(w \cdot u), \qquad m(a) = \text{softplus}(a + r) + k_0,
#   \qquad \text{softplus}(a) = \log(1 + e^a) > 0 ,$$
#
# where the number $r$ is such that $m(0) = 0$: then $u = 0$ gives $v = 0$, a flow that moves nothing. *Wanted* are
# $r$ and $c$, and with them $v$.
#
# ### Exercise 16.2: `invertible`
#
# **Derive** $k_0$, $r$ and $c$. Then write the function: `u`, `w` (N, L), return `v` (N, L). `np.logaddexp(0, a)` is
# the softplus of a.
#
# <details><summary>Derivation, step 1: one number is enough</summary>
#
# Multiply the flow with $w$, and call $t = w \cdot z$ and $t' = w \cdot z'$:
#
# $$t' = t + k \tanh(t + b) .$$
#
# If $t$ can be found from $t'$, then $z = z' - v \tanh(t + b)$ is known as well. If not, two $z$ come to one place.
#
# </details>
#
# <details><summary>Derivation, step 2: when does t' say what t was?</summary>
#
# $t'$ goes from $-\infty$ to $\infty$, as $t$ does. So it must rise everywhere: its slope, $1 + k$ times that of
# $\tanh$, may not become negative. The slope of $\tanh$ is between 0 and 1. For a $k$ above 0 there is nothing to
# fear. How far below 0 may $k$ be?
#
# </details>
#
# <details><summary>Derivation, step 3: r and c</summary>
#
# $m(0) = \log(1 + e^r) + k_0 = 0$; solve for $r$. And $w \cdot v = w \cdot (u + c \, w) = w \cdot u + c \, w \cdot w$
# is to be $m(w \cdot u)$; solve for $c$.
#
# </details>


# %%
def invertible(u, w):
    # Exercise 16.2: v
    ### BEGIN SOLUTION
    # k_0 = -1, r = log(e - 1), c = (m(w u) - w u) / (w w)
    wu = (w * u).sum(axis=-1)
    m = np.logaddexp(0, wu + np.log(np.e - 1)) - 1
    return u + ((m - wu) / (w * w).sum(axis=-1))[:, None] * w
    ### END SOLUTION


# %%
check("16.2", invertible)

# %% [markdown]
# Is the log_det right, and is the determinant above 0 for whatever `invertible` gives? Here it is computed from the
# whole matrix $J$, of numeric derivatives, for 50 flows of six latents.


# %%
def jacobian(f, z, step=1e-5):
    """The Jacobian (L, L) of f at one z (L,), by differences; f takes and gives rows."""
    moves = step * np.eye(len(z))
    return (f(z + moves) - f(z - moves)).T / (2 * step)


def planar_against_numeric(L=6):
    rng, worst, lowest = np.random.default_rng(0), 0.0, np.inf
    for _ in range(50):
        z, u, w, b = *rng.standard_normal((3, L)), rng.standard_normal()
        v = invertible(u[None], w[None])

        def f(z, v=v, w=w, b=b):
            return planar(z, v, w[None], b)[0]

        sign, numeric = np.linalg.slogdet(jacobian(f, z))
        assert sign > 0
        worst = max(worst, abs(numeric - planar(z[None], v, w[None], b)[1][0]))
        lowest = min(lowest, (v * w).sum())
    print(f"50 flows: largest difference to the numeric log det {worst:.1e} nats; smallest w v {lowest:.4f}")
    assert worst < 1e-6
    assert lowest > -1


planar_against_numeric()


def one_planar_flow():
    """Rows and columns of points before and after, log_det, and w z' along w for three values of w v."""
    side = np.linspace(-2.6, 2.6, 41)
    before = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    w, b = np.array([[1.6, 0.8]]), np.zeros(1)
    after, log_det = planar(before, np.array([[-0.3, 2.2]]), w, b)
    t = np.linspace(-3, 3, 200)
    lines = {k: t + k * np.tanh(t) for k in (1.0, -1.0, -2.5)}
    assert np.all(np.diff(lines[-1.0]) > 0)
    assert np.any(np.diff(lines[-2.5]) < 0)
    return before, after, log_det, t, lines


with picture("16_planar") as path:
    drawings.planar(path, *one_planar_flow())

# %% [markdown]
# **Read the picture.** Left and in the middle: a planar flow shears and stretches. Where it stretches, log det is
# above 0 (red), and the density falls. Far from the plane $w \cdot z + b = 0$ the tanh is flat: there all is moved
# alike, and log det is near 0. Right: with $w \cdot v = -1$ the line still rises everywhere, though at one point its
# slope is 0. With $-2.5$ it falls in the middle: three $z$ come to one place. So your $k_0$ is $-1$.
#
# ## The way back
#
# A flow is trained like a layer: from above come `dz_out`, the gradient in $z'$, and `dlog_det`, that in log_det.
# Write the forward in steps, and give each step its way back; $dq$ is the gradient in $q$.
#
# | forward | back |
# |---|---|
# | $a = w \cdot z + b$ | $da$ goes to $z$ times $w$, to $w$ times $z$, and to $b$ |
# | $h = \tanh a$ | $da = s \, dh$ |
# | $s = 1 - h^2$ | $ds$ goes to $h$ times $-2 h$ |
# | $k = w \cdot v$ | $dk$ goes to $v$ times $w$, and to $w$ times $v$ |
# | $D = 1 + s k$ | $ds = k \, dD$, $dk = s \, dD$ |
# | log_det $= \log \lvert D \rvert$ | $dD = \text{dlog\_det} / D$ |
# | $z' = z + h v$ | $dz'$ goes to $z$; to $v$ times $h$; to $h$ as $v \cdot dz'$ |
#
# Go through it from the last row to the first, and add up what comes to the same place. Note that $h$ gets two parts:
# it is in $z'$ and, by $s$, in the determinant.
#
# ### Exercise 16.3: `planar_backward`
#
# `dz_out` (N, L), `dlog_det` (N,), and the arguments of the forward. Return `dz`, `dv`, `dw` (N, L) and `db` (N,).


# %%
def planar_backward(dz_out, dlog_det, z, v, w, b):
    # Exercise 16.3: dz, dv, dw, db
    ### BEGIN SOLUTION
    h = np.tanh((w * z).sum(axis=-1) + b)
    s, k = 1 - h * h, (w * v).sum(axis=-1)
    dD = dlog_det / (1 + s * k)
    da = s * ((dz_out * v).sum(axis=-1) - 2 * h * k * dD)
    dk = (s * dD)[:, None]
    return dz_out + da[:, None] * w, h[:, None] * dz_out + dk * w, da[:, None] * z + dk * v, da
    ### END SOLUTION


# %%
check("16.3", planar_backward)

# %% [markdown]
# From $v$ it goes back to $u$ and $w$. In $v = u + c \, w$ with $c = (m(w \cdot u) - w \cdot u) / (w \cdot w)$: $u$
# gets $dv$, $w$ gets $c \, dv$, and $c$ gets $dc = w \cdot dv$. The slope of softplus is the sigmoid, so $w \cdot u$
# gets $dc \, (\text{sigmoid}(w \cdot u + r) - 1) / (w \cdot w)$, and passes it on to $u$ times $w$ and to $w$ times
# $u$. At last $w \cdot w$ stands below: its gradient is $-c \, dc / (w \cdot w)$, which goes to $w$ times $2 w$.


# %%
def invertible_backward(dv, u, w):
    """du, dw (N, L)."""
    wu, ww = (w * u).sum(axis=-1), (w * w).sum(axis=-1)
    c = ((invertible(u, w) - u) * w).sum(axis=-1) / ww
    dc = (dv * w).sum(axis=-1)
    dwu = (dc * (1 / (1 + np.exp(-wu - np.log(np.e - 1))) - 1) / ww)[:, None]
    return dv + dwu * w, c[:, None] * dv + dwu * u - (2 * dc * c / ww)[:, None] * w


# %% [markdown]
# ## Fit a density that is known but for a factor
#
# Let $p(z) = e^{-U(z)} / Z$, where the *energy* $U$ is a formula and $Z$ is the integral of $e^{-U}$, in general
# unknown. This is just what a VAE has: $U(z) = -\log p(x, z)$, and $Z = p(x)$. A flow $z = f(z_0)$ is to come as near
# as it can:
#
# $$\text{KL}(q \,\|\, p) = \mathbb{E}_q[\log q(z) - \log p(z)]
#   = \underbrace{\mathbb{E}_q[\log q(z) + U(z)]}_{F} + \log Z .$$
#
# $F$ is called the *free energy*. It is -ELBO, and it needs no $Z$. Put in what $\log q(z)$ is, and average over $N$
# draws $z_0$ from $q_0 = N(0, I)$. The draws do not depend on the flow, so this is the reparameterization of lesson
# 8.
#
# ### Exercise 16.4: `free_energy`
#
# `log_q0` and `log_det` are (N,), `U` is (N,), the energies of the $z = f(z_0)$, and `slope` (N, L) the gradient of
# $U$ there. Return `F`, a number, and its gradients `dz` (N, L) and `dlog_det` (N,): what your `planar_backward`
# takes.


# %%
def free_energy(log_q0, log_det, U, slope):
    # Exercise 16.4: F, dz, dlog_det
    ### BEGIN SOLUTION
    n = len(U)
    return (log_q0 - log_det + U).mean(), slope / n, np.full(n, -1 / n)
    ### END SOLUTION


# %%
check("16.4", free_energy)

# %% [markdown]
# Now all of your functions together, for T flows one after another and four densities at once. Since every row has
# its own $u$, $w$ and $b$, the four are fitted in one array: a quarter of the rows belongs to each. The energies are
# those of Rezende and Mohamed: two moons, a wave, a wave that splits, and a fork.

# %%
DENSITIES = list(ENERGIES.values())


class Flows(Module):
    """T planar flows for each of four densities: u, w (2 numbers each) and b."""

    def __init__(self, T, rng):
        self.values = Param(0.1 * rng.standard_normal((T, 4, 5)))  # near 0: at the start they move next to nothing

    def forward(self, z):
        """z (4 n, 2), n rows for each density -> z, log_det, and what backward needs."""
        total, steps = 0, []
        for values in np.repeat(self.values.data, len(z) // 4, axis=1):  # (4 n, 5)
            u, w, b = values[:, :2], values[:, 2:4], values[:, 4]
            v = invertible(u, w)
            steps.append((z, u, v, w, b))
            z, log_det = planar(z, v, w, b)
            total = total + log_det
        return z, total, steps

    def backward(self, dz, dlog_det, steps):
        for i, (z, u, v, w, b) in reversed(list(enumerate(steps))):
            dz, dv, dw, db = planar_backward(dz, dlog_det, z, v, w, b)
            du, dw_of_v = invertible_backward(dv, u, w)
            rows = np.concatenate([du, dw + dw_of_v, db[:, None]], axis=1)
            self.values.grad[i] += rows.reshape(4, -1, 5).sum(axis=1)  # n rows had the same values


def log_standard_normal(z):
    return -0.5 * (z**2).sum(axis=-1) - 0.5 * z.shape[-1] * np.log(2 * np.pi)


def energies(z):
    """U and its slope of z (4 n, 2), each quarter by its own energy."""
    found = [energy(quarter) for energy, quarter in zip(DENSITIES, np.split(z, 4))]
    return [np.concatenate(parts) for parts in zip(*found)]


def fit(T, steps=700, n=64):
    rng = np.random.default_rng(0)
    flows = Flows(T, rng).bind("float64")
    optimizer = Adam(flows, lr=cosine(0.05, steps))
    for t in range(steps):
        weight = min(1, 0.01 + 2 * t / steps)  # at first U counts little, so that q does not settle in one mode
        z0 = rng.standard_normal((4 * n, 2))
        z, log_det, cache = flows.forward(z0)
        U, slope = energies(z)
        _, dz, dlog_det = free_energy(log_standard_normal(z0), log_det, weight * U, weight * slope)
        flows.zero_grad()
        flows.backward(dz, dlog_det, cache)
        optimizer.step()
    return flows


# %% [markdown]
# **How good is a fit?** In two dimensions integrals are sums over a fine grid. $\log Z$ is one over $z$. And $F =
# \int q_0(z_0) \, (\log q_0(z_0) - \text{log\_det} + U(f(z_0))) \, dz_0$ is one over $z_0$: nobody has to undo the
# flow. Their sum is the KL to the true, normalized density. For the picture the same grid is drawn where it has gone,
# in the color of its density.


# %%
def divergences(flows, n=160, edge=6.5):
    """KL(q || p) of the four densities, in nats."""
    z0, area = square_of(n, edge)
    z0 = np.tile(z0.reshape(-1, 2), (4, 1))
    z, log_det, _ = flows.forward(z0)
    log_q0 = log_standard_normal(z0)
    terms = area * np.exp(log_q0) * (log_q0 - log_det + energies(z)[0])
    return terms.reshape(4, -1).sum(axis=1) + [np.log(partition(energy)) for energy in DENSITIES]


def drawn(flows, kl, n=100):
    """For each density the grid where it has gone, its density there, and the KL."""
    z0, _ = square_of(n)
    z, log_det, _ = flows.forward(np.tile(z0.reshape(-1, 2), (4, 1)))
    log_q = log_standard_normal(np.tile(z0.reshape(-1, 2), (4, 1))) - log_det
    return list(zip(z.reshape(4, n, n, 2), np.exp(log_q).reshape(4, n, n), kl))


def fits():
    z, _ = square_of(300)
    true = {name: np.exp(-energy(z)[0]) / partition(energy) for name, energy in ENERGIES.items()}
    fitted = {T: fit(T) for T in (1, 4, 16)}
    kls = {T: divergences(flows) for T, flows in fitted.items()}
    for T, kl in kls.items():
        print(f"{T:2} flows: KL", *(f"{name} {nats:.2f}," for name, nats in zip(ENERGIES, kl)), f"mean {kl.mean():.2f}")
    assert kls[1].mean() > kls[4].mean() > kls[16].mean()
    quoted("1.5", kls[1].mean(), within=0.4)  # rounding decides where a training ends
    quoted("0.6", kls[4].mean(), within=0.2)
    quoted("0.2", kls[16].mean(), within=0.13)
    return EDGE, true, {T: drawn(flows, kls[T]) for T, flows in fitted.items()}


with picture("16_energies") as path:
    drawings.energies(path, *fits())

# %% [markdown]
# **Read the picture.** One flow stretches or squeezes the Gaussian along one direction; the KL is some 1.5 nats on
# average. Four flows are at about 0.6 nats, and 16 at some 0.2: they follow the wave. What they still miss are faint
# branches and the space between: the two moons come from one Gaussian, and a flow cannot tear it, so a band stays
# between them, however faint. This is one training for each T, from one seed; another one ends in another place.
#
# ## All latents at once
#
# A planar flow moves all along one $v$. With 40 latents many of them are needed. An *autoregressive* flow gives each
# latent its own step. Put the latents in some order. Then
#
# $$z'_i = g_i \, z_i + (1 - g_i) \, m_i, \qquad g_i = \text{sigmoid}(s_i + 2) ,$$
#
# where $m_i$ and $s_i$ are any functions of the latents *before* $i$ in the order, and of nothing else. (The 2 makes
# $g$ near 0.9 at the start: so the flow begins near the identity.) Given $z'$ one can go back: the first latent has a
# constant $m$ and $g$, so it can be found; then the second, and so on.
#
# All $m$ and $s$ come from one network with one hidden layer, $H$ units. Its weights are multiplied by masks of 0 and
# 1, so that no output can know what it must not (*MADE*). Let `rank[i]` be the place of latent $i$ in the order, 0
# for the first. Each unit $j$ is given a number `hidden[j]`: it may see the `hidden[j]` latents that come first, and
# no others. The outputs $m_i$ and $s_i$ may use each unit that knows only latents before $i$.
#
# ### Exercise 16.5: `masks`
#
# `rank` (L,) and `hidden` (H,) are whole numbers. Return `mask_in` (L, H), 1 where unit j may see latent i, and
# `mask_out` (H, L), 1 where the outputs of latent i may use unit j. As many are to be 1 as may be.


# %%
def masks(rank, hidden):
    # Exercise 16.5: mask_in, mask_out
    ### BEGIN SOLUTION
    return (rank[:, None] < hidden) * 1.0, (hidden[:, None] <= rank) * 1.0
    ### END SOLUTION


# %%
check("16.5", masks)

# %% [markdown]
# A way from latent $i$ to an output of latent $l$ leads over some unit $j$. It is open only if $\text{rank}_i <
# \text{hidden}_j \le \text{rank}_l$, so $i$ comes before $l$, whatever the weights are.
#
# **The log det.** Sort rows and columns of the Jacobian by the order. Then $\partial z'_i / \partial z_l = 0$ for
# every $l$ after $i$: all above the diagonal is 0. The determinant of such a triangular matrix is the product of its
# diagonal: expand it along the first row, in which only the first entry is left, and go on with the rest. What stands
# on this diagonal you know best after the exercise.
#
# ### Exercise 16.6: `autoregressive_step`
#
# `z`, `m`, `s` are (N, L). Return `z_new` (N, L) and `log_det` (N,).


# %%
def autoregressive_step(z, m, s):
    # Exercise 16.6: z_new, log_det
    ### BEGIN SOLUTION
    # m_i and g_i do not contain z_i, so dz'_i / dz_i = g_i
    g = 1 / (1 + np.exp(-s - 2))
    return g * z + (1 - g) * m, np.log(g).sum(axis=-1)
    ### END SOLUTION


# %%
check("16.6", autoregressive_step)

# %% [markdown]
# Six latents in the order z4, z1, z6, z3, z5, z2, twelve hidden units, and weights drawn at random:

# %%
ORDER = np.array([3, 0, 5, 2, 4, 1])


def network(rng, H=12):
    """A function z (N, 6) -> m, s (N, 6), and its masks."""
    rank, hidden = np.argsort(ORDER), np.arange(H) % 6
    mask_in, mask_out = masks(rank, hidden)
    W1, W2 = rng.standard_normal((6, H)), rng.standard_normal((2, H, 6))
    b1, b2 = rng.standard_normal(H), rng.standard_normal((2, 6))

    def m_and_s(z):
        h = np.tanh(z @ (W1 * mask_in) + b1)
        return h @ (W2[0] * mask_out) + b2[0], h @ (W2[1] * mask_out) + b2[1]

    return m_and_s, mask_in, mask_out


def go_back(z_new, m_and_s):
    """z from z', one latent after another: after i passes the first i are right."""
    z = np.zeros_like(z_new)
    for _ in ORDER:
        m, s = m_and_s(z)
        g = 1 / (1 + np.exp(-s - 2))
        z = (z_new - (1 - g) * m) / g
    return z


def autoregressive():
    rng = np.random.default_rng(0)
    m_and_s, mask_in, mask_out = network(rng)
    z = rng.standard_normal(6)
    J = jacobian(lambda z: autoregressive_step(z, *m_and_s(z))[0], z)
    z_new, log_det = autoregressive_step(z[None], *m_and_s(z[None]))
    numeric = np.linalg.slogdet(J)[1]
    print(f"log det: yours {log_det[0]:.6f}, of the numeric Jacobian {numeric:.6f} nats")
    assert abs(log_det[0] - numeric) < 1e-6
    assert np.abs(np.triu(J[np.ix_(ORDER, ORDER)], 1)).max() < 1e-9
    assert np.allclose(go_back(z_new, m_and_s), z, atol=1e-9)
    return mask_in, mask_out, ORDER, J


with picture("16_masks") as path:
    drawings.masks(path, *autoregressive())

# %% [markdown]
# **Read the picture.** The third panel is `mask_in @ mask_out`: by how many units each latent reaches each output.
# z4, the first, reaches all others, and z2, the last, none. On the diagonal are zeros. The fourth panel is the
# Jacobian of the step, sorted: below its diagonal is what the network does, and its diagonal is g.
#
# Drawing from this flow takes one pass of the network, and log q comes with it: just what a posterior needs. To go
# back takes as many passes as there are latents. An autoregressive model of data is made the other way around: it is
# quick to give the density of an x, and slow to draw one. Hence the name *inverse* autoregressive flow, IAF.
#
# ## The gap in two parts
#
# Now back to the beginning. To see both parts of the gap we need $\log p(x)$, and the best $q$ of each family. So
# take a model in which both can be had: two latents, and one pixel $x$. The decoder is a network of 32 tanh units
# with weights drawn at random, which stays as it is; $p(x|z)$ has a standard deviation of 0.2. One number says little
# about two: the posterior lies along the lines on which the decoder is constant, and they bend. Only encoders are
# trained, with the ELBO, on draws of $x$ from the model. Four families share the decoder and the size of the encoder:
# a Gaussian, one with 2 and one with 8 planar flows behind it, whose parameters are outputs of the encoder, and one
# with 2 steps of IAF.
#
# Three numbers for each $x$, none of them from samples:
#
# - $\log p(x)$ by quadrature, a sum over a grid of $z$.
# - $L(q)$ of the encoder's $q$: $z$ is a function of $\varepsilon \sim N(0, I)$, so it is a sum over a grid of
# $\varepsilon$.
# - $L(q^*)$, in the same way. `best_heads` begins with what the encoder says for $x$, and lets Adam change it *for
# this x alone*: mu, log_var, and what the flows get. (The masked networks of IAF serve all $x$; they stay.)

# %%
FAMILIES = {
    "Gaussian": (IWAE, {}),
    "2 planar flows": (FlowVAE, {"flows": 2}),
    "8 planar flows": (FlowVAE, {"flows": 8}),
    "2 steps of IAF": (IAFVAE, {"flows": 2, "flow_width": 16, "context": 8}),
}
STD = 0.2  # of p(x | z)


def built(name, seed):
    """A model of this family: its encoder from `seed`, its decoder the same in all."""
    model_class, options = FAMILIES[name]
    model = model_class.build((1,), np.random.default_rng([1, seed]), hidden=(32,), latent=2, activation="tanh",
                              likelihood="gaussian-fixed", std=STD, samples=1, **options).bind("float64")  # fmt: skip
    rng = np.random.default_rng(0)
    for param_name, param in model.params.items():
        if param_name.startswith("decoder"):
            scale = 1.2 if "layers.0" in param_name else 1.2 / np.sqrt(32)
            param.data[...] = scale * rng.standard_normal(param.data.shape)
    return model


def draws_of_x(model, rng, n):
    return model.decoder(rng.standard_normal((n, 2))) + STD * rng.standard_normal((n, 1))


def trained(name, seed=0, steps=1000, n=64):
    model, rng = built(name, seed), np.random.default_rng([2, seed])
    optimizer = Adam(model, lr=cosine(5e-3, steps), rates={"decoder": 0.0})
    for _ in range(steps):
        model.loss_and_grads(draws_of_x(model, rng, n), model.draw_noise(rng, n))
        optimizer.step()
    return model


def log_evidence(x):
    """log p(x) of the decoder, which all models share: a sum over a grid of z, x (N, 1) -> (N,)."""
    z, area = square_of(320, 6.5)
    x_hat = models["Gaussian"].decoder(z.reshape(-1, 2))[:, 0]
    p_x_z = np.exp(-0.5 * ((x - x_hat) / STD) ** 2) / (STD * np.sqrt(2 * np.pi))  # (N, nodes)
    return np.log((p_x_z * np.exp(log_standard_normal(z)).ravel() * area).sum(axis=1))


def two_bounds(model, x):
    """L(q*) and L(q), (N,) each."""
    best = best_heads(model, x, np.random.default_rng(3))
    return [elbo_over_noise(model, x, heads, tolerance=1e-4) for heads in (best, None)]


models = {name: trained(name) for name in FAMILIES}

# %% [markdown]
# First the table, means over 20 draws of $x$:


# %%
def mean_gaps(model, x):
    """Family gap and amortization gap of this model, means over x."""
    log_px = log_evidence(x)
    best, encoder = two_bounds(model, x)
    assert np.all(log_px > best)
    assert np.all(best > encoder - 0.02)  # where Adam ends it is not quite the best
    return (log_px - best).mean(), (best - encoder).mean()


def gap_table():
    """{family: (family gap, amortization gap)}."""
    x = draws_of_x(models["Gaussian"], np.random.default_rng(4), 20)
    means = {name: mean_gaps(model, x) for name, model in models.items()}
    print("                 family gap  amortization gap, nats")
    for name, (family, amortization) in means.items():
        print(f"{name:<16} {family:10.3f} {amortization:17.3f}")
    by_library = log_evidence_by_quadrature(models["Gaussian"], x[:2])
    assert np.allclose(log_evidence(x[:2]), by_library, rtol=0, atol=1e-5)
    print("Gaussian and 2 planar flows from two other seeds:")
    for seed in (1, 2):
        gaussian, flow = (mean_gaps(trained(name, seed), x) for name in ("Gaussian", "2 planar flows"))
        print("  family gap {:.2f} and {:.2f}, amortization gap {:.2f} and {:.2f}".format(
            *(part for parts in zip(gaussian, flow) for part in parts)))  # fmt: skip
        assert flow[0] < 0.4 * gaussian[0]
    quoted("0.9", means["Gaussian"][0], within=0.12)
    quoted("0.2", means["Gaussian"][1], within=0.1)
    quoted("0.1", means["2 planar flows"][0], within=0.06)
    quoted("0.03", means["8 planar flows"][0], within=0.02)
    quoted("0.05", means["8 planar flows"][1], within=0.03)
    assert means["8 planar flows"][1] < means["Gaussian"][1]
    return means


means = gap_table()


# %%
def over_x():
    """log p(x) and both bounds of two families, for x from where nearly all draws are."""
    x = np.linspace(-2.2, 0.8, 31)[:, None]
    bounds = {name: two_bounds(models[name], x) for name in ("Gaussian", "8 planar flows")}
    best, encoder = bounds["Gaussian"]
    assert (best - encoder)[0] > 2 * np.median(best - encoder)
    return x[:, 0], log_evidence(x), bounds, means


with picture("16_gaps") as path:
    drawings.gaps(path, *over_x())


def one_posterior(x=-1.0):
    """p(z | x) on a grid with two levels, draws of four q, and their gaps."""
    x, rng = np.array([[x]]), np.random.default_rng(5)
    axis = np.linspace(-3.5, 3.5, 161)
    z = np.stack(np.meshgrid(axis, axis), axis=-1)
    log_pxz = log_joint(models["Gaussian"], x[0], z.reshape(-1, 2)).sum(axis=0)  # log p(x | z) + log p(z)
    density = np.exp(log_pxz - log_evidence(x)).reshape(161, 161)
    eps, draws, gaps = rng.standard_normal((500, 1, 2)), {}, {}
    for name in ("Gaussian", "8 planar flows"):
        model = models[name]
        best = best_heads(model, x, np.random.default_rng(3))
        for how, heads in ((f"encoder, {name}", model.encoder(x)), (f"best, {name}", best)):
            draws[how] = model.posterior.forward(heads, eps)[0][0][:, 0]
            gaps[how] = (log_evidence(x) - elbo_over_noise(model, x, heads, tolerance=1e-4))[0]
    return (axis, axis), density, [0.05 * density.max(), 0.4 * density.max()], draws, gaps


with picture("16_bend") as path:
    drawings.bend(path, *one_posterior())

# %% [markdown]
# **Read the picture.** Left: the Gaussian. The upper line is $\log p(x)$, the lower one the ELBO of the encoder, and
# the line between is the ELBO of $q^*$. Most of what the Gaussian misses is its family: some 0.9 nats on average, and
# about 0.2 more are the encoder's. Behind two planar flows the family gap is about 0.1, behind eight 0.03. The
# amortization gap falls as well, to some 0.05 with eight flows: the encoder no longer has to choose
# which part of the posterior to cover. In this model the family counts most; on images Cremer et al. (2018) found that
# it is often the encoder.
#
# At the left end of the first panel the orange part is suddenly wide. There Adam leaves the place where the encoder
# was, and finds a better Gaussian along another part of the posterior. A little to the right it stays. So $q^*$ is
# the best that a descent from the encoder's $q$ finds, and true family gaps may be smaller. The picture at the top of
# this lesson is the posterior at $x = -1$. The best Gaussian covers one end of it:
# the KL of q from p is large where q lies and p does not, so it gives up the rest.
#
# When the decoder is trained as well, it can raise the ELBO in two ways: by a larger $\log p(x)$, or by posteriors that
# its $q$ can follow. Cremer et al. found that decoders do accommodate themselves to the family of $q$.
#
# ## The same in minivae
#
# Your `planar`, `invertible` and both ways back are `Planar` in `minivae/flows/`, where u, w and b of each example
# are columns of one array, the context, which the encoder gives. Your masks are in `IAF`, which sends the encoder's
# context to all hidden units. The energies are in `minivae/laboratory/energies.py`. With `approximation_gap` one gets
# both parts for any VAE whose $q$ is a Gaussian, where $\log p(x)$ comes from importance sampling; `minivae doctor
# RUN` prints them. And `minivae train --model flow --flows 20` or `--model iaf` trains with such posteriors.


# %%
def same_as_the_library():
    """Largest differences of flow, gradient, masks and step."""
    rng = np.random.default_rng(0)
    z, u, w, dz = rng.standard_normal((4, 7, 3))
    b, dlog_det = rng.standard_normal((2, 7))
    v = invertible(u, w)
    library, context = Planar(3), np.concatenate([u, w, b[:, None]], axis=1)
    (z_new, log_det), cache = library.forward(z, context)
    yours = planar(z, v, w, b)
    differences = [np.abs(yours[0] - z_new).max(), np.abs(yours[1] - log_det).max()]
    dz_in, dv, dw, db = planar_backward(dz, dlog_det, z, v, w, b)
    du, dw_of_v = invertible_backward(dv, u, w)
    theirs = library.backward(dz, dlog_det, cache)
    differences.append(np.abs(dz_in - theirs[0]).max())
    differences.append(np.abs(np.concatenate([du, dw + dw_of_v, db[:, None]], axis=1) - theirs[1]).max())
    flow = IAF(6, 2, 12, rng, reverse=True).bind("float64")
    mask_in, mask_out = masks(np.arange(6)[::-1], np.arange(12) % 6)
    first, second = (flow.made.layers[i].mask.data for i in (0, 2))
    assert np.array_equal(first[:6], mask_in)
    assert np.array_equal(second, np.concatenate([mask_out, mask_out], axis=1))
    z, context = rng.standard_normal((5, 6)), rng.standard_normal((5, 2))
    m, s = np.split(flow.made(np.concatenate([z, context], axis=1)), 2, axis=1)
    for a, c in zip(autoregressive_step(z, m, s), flow.forward(z, context)[0]):
        differences.append(np.abs(a - c).max())
    return max(differences)


print(f"largest difference between your functions and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-10

# %% [markdown]
# ## More to try
#
# 1. Leave out `invertible` in `Flows.forward` and use u itself as v. What does the free energy become, and what is
# the integral of `exp(log_q)` over a grid of z? (Where the map folds, the formula for the density is wrong.)
# 2. Let the weight of U in `fit` be 1 from the beginning. Which energies suffer?
# 3. Fit the two moons with 16 flows from several seeds. How much does the KL vary?
# 4. Set `STD` to 0.5 and to 0.1. Which part of the gap changes, and why?
# 5. Begin `best_heads` elsewhere: give the model another encoder, such as the one from another seed. Does the family
# gap of the Gaussian become smaller?
# 6. Train the decoder as well, with a Gaussian and with 8 flows. Compare $\log p(x)$ of the two.
#
# ## Questions
#
# <details><summary>A VAE has a gap of 3 nats. How do you find out whether flows or a larger encoder would
# help?</summary> Optimize q for a few examples alone. What that gains is the encoder's part, what is left that of the
# family.</details>
#
# <details><summary>Why is log_det subtracted in log q?</summary>Where the flow stretches, the same probability lies
# in a larger volume, so its density is lower.</details>
#
# <details><summary>Why may w v not be below -1?</summary>Then the flow folds: several z come to one place, and the
# density there would have to be a sum over all of them.</details>
#
# <details><summary>What makes a determinant cheap in both kinds of flows?</summary>The planar one changes a single
# direction, so one eigenvalue is not 1. The autoregressive one has a triangular Jacobian, whose diagonal is
# enough.</details>
#
# <details><summary>Why are flows of a posterior never undone in training?</summary>z is drawn by the flow, and log q
# of that draw comes with it. The inverse is needed only for the density at a point that did not come from the
# flow.</details>
#
# ## Further reading
#
# - D. Rezende, S. Mohamed, *Variational Inference with Normalizing Flows* (2015): planar flows, appendix A.1, and the
# energies, table 1.
# - D. P. Kingma et al., *Improving Variational Inference with Inverse Autoregressive Flow* (2016).
# - M. Germain et al., *MADE: Masked Autoencoder for Distribution Estimation* (2015): the masks.
# - C. Cremer, X. Li, D. Duvenaud, *Inference Suboptimality in Variational Autoencoders* (2018): the gap in two parts.
# - G. Papamakarios et al., *Normalizing Flows for Probabilistic Modeling and Inference* (2021): an overview.

# %%
progress()
