"""The laboratory names well-known mistakes, and says nothing about right code."""

import types

import cases
import numpy as np
import pytest

from minivae import densities
from minivae.gradcheck import Problem, check_gradients, diagnose, diagnose_problem, explain, operation_problem
from minivae.layers import Conv2d, Dense, Layer, Network, ReLU, Residual, Sequential, Split, Tanh
from minivae.likelihoods import Bernoulli
from minivae.models import VAE
from minivae.models.base import Model
from minivae.models.examples import flow_posterior
from minivae.posteriors import DiagonalGaussian, FlowPosterior


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---- right code


@pytest.mark.parametrize("make", [pytest.param(m, id=i) for i, m in cases.every_layer_case()])
def test_nothing_is_said_about_right_layers(make, rng):
    assert diagnose(*make(rng), rng) == []


@pytest.mark.parametrize(
    "label",
    [
        *(
            "vae dense bernoulli",
            "vae conv gaussian-full",
            "vae dense batch norm",
            "vae free bits",
            "vae learned prior",
        ),
        *("iwae dense", "iwae dense doubly", "iwae dense flow posterior", "cvae conv", "ae dense"),
    ],
)
def test_nothing_is_said_about_right_models(label, rng):
    model, x, y = cases.MODELS[label](rng)
    assert diagnose(model, x, rng, y=y) == []


def test_kinks_are_no_mistake(rng):
    """At zero every direction crosses them: the check fails, and says that nothing is known."""
    (finding,) = diagnose(ReLU(), np.zeros((2, 3)), rng)
    assert finding.kind == "kinks"
    assert finding.text.startswith("nothing is known")


# ---- planted in layers


def dense(backward, n_in=4, n_out=3):
    """(layer, x) of a Dense with this backward, in a little network."""

    def make(rng):
        layer = Dense(n_in, n_out, rng)
        layer.backward = types.MethodType(backward, layer)
        return Sequential(Dense(2, n_in, rng), Tanh(), layer, Tanh(), Dense(n_out, 2, rng)), rng.standard_normal((5, 2))

    return make


def plant(dW=lambda x, dy, W: x.T @ dy, db=lambda x, dy, W: dy.sum(axis=0), dx=lambda x, dy, W: dy @ W.T, times=1):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        x, W = cache, self.W.data
        if accumulate:
            for _ in range(times):
                self.W.grad += dW(x, dy, W)
                self.b.grad += db(x, dy, W)
        return dx(x, dy, W)

    return backward


def one_entry(x, dy, W):
    g = x.T @ dy
    g[1, 2] *= 1.05
    return g


def scribble(x, dy, W):
    dy *= 0.5
    return dy @ W.T


PLANTED = {
    "half": (dense(plant(dW=lambda x, dy, W: 0.5 * x.T @ dy)), "factor", "factor 0.5"),
    "twice": (dense(plant(times=2)), "factor", "factor 2, or added twice"),
    "mean for sum": (dense(plant(dW=lambda x, dy, W: x.T @ dy / len(x))), "factor", "1/N = 1/5"),
    "odd factor": (dense(plant(db=lambda x, dy, W: 1.0005 * dy.sum(axis=0))), "factor", "factor 1.0005"),
    "sign": (dense(plant(dx=lambda x, dy, W: -dy @ W.T)), "sign", "sign"),
    "transpose": (dense(plant(dW=lambda x, dy, W: (x.T @ dy).T), 3), "transpose", "exchanged"),
    "reshaped": (dense(plant(dW=lambda x, dy, W: (dy.T @ x).reshape(W.shape))), "transpose", "reshape does not"),
    "W for W'": (dense(plant(dx=lambda x, dy, W: dy @ W), 3), "unknown", "no mistake that I know"),
    "wrong axis": (dense(plant(db=lambda x, dy, W: dy.sum(axis=1)), 4, 5), "wrong axis", "axis 1"),
    "all axes": (dense(plant(db=lambda x, dy, W: dy.sum())), "wrong axis", "axes 0, 1"),
    "first example only": (dense(plant(db=lambda x, dy, W: dy[0])), "not summed", "one example's part"),
    "missing": (dense(plant(db=lambda x, dy, W: 0 * W[0])), "missing", "zero everywhere"),
    "one entry": (dense(plant(dW=one_entry)), "entries", "1 of 12 entries; [1, 2] is 1.05 times"),
    "rows reversed": (dense(plant(dx=lambda x, dy, W: (dy @ W.T)[::-1])), "order", "axis 0 are in reverse order"),
    "overwritten": (dense(plant(dx=scribble)), "overwritten", "writes into its dy"),
    "own derivative": (dense(plant(dx=lambda x, dy, W: dy), 3), "stale upstream", "without the layer's own derivative"),
    "NaN": (dense(plant(db=lambda x, dy, W: dy.sum(axis=0) * np.nan)), "not finite", "3 of 3"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "text"), PLANTED.values(), ids=PLANTED)
def test_planted_in_a_layer(make, kind, text, rng):
    part, x = make(rng)
    assert not check_gradients(part, x, rng).ok
    findings = diagnose(part, x, rng)
    assert findings[0].kind == kind
    assert text in findings[0].text
    assert "layers.2" in findings[0].where


class TanhWithoutSquare(Tanh):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * (1 - cache)


class ReLUInPlace(ReLU):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        dy *= cache > 0
        return dy


class Gain(Layer):
    """y = x^2."""

    def forward(self, x, noise=None):
        return x * x, x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return 2 * dy * cache * cache


def test_a_layer_by_itself(rng):
    (finding,) = diagnose(Gain(), rng.standard_normal((3, 4)), rng)
    assert (finding.kind, finding.where) == ("wrong factor", "d x")
    assert finding.text == "the factor x is in it once too often"


class DrawsInside(Tanh):
    def forward(self, x, noise=None):
        return super().forward(x * np.random.default_rng().random(x.shape))


class Learns(Dense):
    """It takes a step of its own before it returns dx."""

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        super().backward(dy, cache, accumulate)
        self.W.data -= 0.1 * self.W.grad
        return dy @ self.W.data.T


def test_what_cannot_be_repeated(rng):
    x = rng.standard_normal((5, 4))
    for part in (DrawsInside(), Learns(4, 3, rng)):
        finding = diagnose(part, x, rng)[0]
        assert finding.kind == "not repeatable"
        assert "zero_grad" not in finding.text


def test_a_function_that_is_not_finite(rng):
    layer = Gain()
    layer.forward = lambda x, noise=None: (np.full_like(x, np.nan), x)
    (finding,) = diagnose(layer, rng.standard_normal((3, 4)), rng)
    assert finding.kind == "not finite"
    assert str(finding) == "x: what forward gives is nan"


def test_nan_in_a_chain(rng):
    """It is followed to the layer that made it, and is no broken rule of those that pass it on."""
    part, x = dense(plant(dx=lambda x, dy, W: np.nan * dy @ W.T))(rng)
    (finding,) = diagnose(part, x, rng)
    assert str(finding) == ("what layers.2.backward returns: 20 of 20 entries are not finite: the first is nan at "
                            "[0, 0]")  # fmt: skip
    assert check_gradients(part, x, rng).broken == []
    layer = Dense(3, 2, rng).bind("float64")
    layer.W.data[2, 1] = np.nan
    x = rng.standard_normal((4, 3))
    assert list(map(str, diagnose(layer, x, rng))) == [
        "W: its value is nan at [2, 1]",
        "b, x: what forward gives is nan",
    ]
    assert check_gradients(layer, x, rng).broken == []


def test_nothing_to_check_is_a_finding(rng):
    (finding,) = diagnose(Tanh(), np.arange(6).reshape(2, 3), rng)
    assert finding.kind == "empty"
    (finding,) = diagnose(Dense(3, 2, rng), np.zeros((0, 3)), rng)
    assert (finding.kind, finding.where) == ("empty", "W, b, x")


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_mistakes_of_any_size(size, rng):
    """Also of a problem that is no part's, and says no w."""
    g = size * np.arange(1.0, 7)
    values = {"x": rng.standard_normal(6)}
    problem = Problem(lambda v: (g * v["x"]).sum(), values, {"x": 2 * g}, again=lambda: {"x": 2 * g})
    (finding,) = diagnose_problem(problem, rng)
    assert finding.text == "it is off by exactly the factor 2, or added twice"
    x = size * rng.uniform(1, 2, 1200)  # so many are compared by projections alone
    problem = Problem(lambda v: v["x"].sum(), {"x": x}, {"x": np.full(1200, -1.0)}, again=lambda: problem.grads)
    (finding,) = diagnose_problem(problem, rng)
    assert finding.kind == "sign"
    problem.grads["x"][3] = np.nan
    (finding,) = diagnose_problem(problem, rng)
    assert finding.text == "1 of 1200 entries are not finite: the first is nan at [3]"
    a, b = size * rng.standard_normal((2, 6))
    assert explain(a, a + b, terms={"reconstruction": a, "KL": b}).text == "the KL part is missing"
    with np.errstate(over="ignore"):
        assert explain(np.full(2, 1.7e308), np.full(2, -1.7e308)) is not None


def test_large_arrays_are_compared_by_projections(rng):
    """Numeric gradients of 12,000 entries would take minutes."""
    for dW, kind, text in ((lambda x, dy, W: -x.T @ dy, "sign", "wrong"), (one_entry, "unknown", "12000 entries")):
        layer = Dense(120, 100, rng)
        layer.backward = types.MethodType(plant(dW=dW), layer)
        (finding,) = diagnose(layer, rng.standard_normal((5, 120)), rng)
        assert (finding.kind, finding.where) == (kind, "d W")
        assert text in finding.text


def test_a_factor_of_positions(rng):
    layer = Conv2d(2, 3, 3, rng)
    backward = layer.backward

    def mean(dy, cache, accumulate=True, need_dx=True):
        before = layer.b.grad.copy()
        dx = backward(dy, cache, accumulate, need_dx)
        if accumulate:
            layer.b.grad[...] = before + dy.mean(axis=(0, 1, 2))
        return dx

    layer.backward = mean
    (finding,) = diagnose(layer, rng.standard_normal((4, 5, 5, 2)), rng)
    assert finding.text.endswith("1/(N its positions) = 1/36")


class Product(Layer):
    """y = h q of the (h, q) that its part gives."""

    def __init__(self, rng):
        self.split = Sequential(Dense(3, 4, rng), Split(2))

    def forward(self, x, noise=None):
        (h, q), cache = self.split.forward(x)
        return h * q, (h, q, cache)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        h, q, cache = cache
        return self.split.backward((dy * q, -dy * h), cache, accumulate)


def test_two_outputs_are_a_gaussian_only_in_a_model(rng):
    (finding,) = diagnose(Product(rng), rng.standard_normal((5, 3)), rng)
    assert str(finding) == "d loss / d (its output 1), at split.backward: the sign is wrong"


def test_the_innermost_layer_is_named(rng):
    """What the inner network returns is its first layer's."""
    part = Sequential(Dense(3, 4, rng), Sequential(TanhWithoutSquare(), Dense(4, 2, rng)))
    (finding,) = diagnose(part, rng.standard_normal((5, 3)), rng)
    assert finding.where == "what layers.1.layers.0.backward returns"
    assert finding.text == "the factor 1 + y is in it once too seldom"


def test_overwritten_in_a_residual(rng):
    """The skip's gradient is spoiled by the body: pitfall 17."""
    part = Residual(Dense(4, 4, rng), ReLUInPlace())
    (finding,) = [f for f in diagnose(part, rng.standard_normal((5, 4)), rng) if f.where]
    assert (finding.kind, finding.where) == ("overwritten", "body.layers.1")


# ---- planted in models


def model_of(loss_and_grads, rng):
    cls = type("Mine", (VAE,), {"loss_and_grads": loss_and_grads})
    encoder = Network(Dense(6, 5, rng), Tanh(), Dense(5, 6, rng), Split(2))
    model = cls(encoder, Network(Dense(3, 5, rng), Tanh(), Dense(5, 6, rng)), beta=0.7).bind("float64")
    model.theta += 0.3 * rng.standard_normal(model.theta.size)
    return model, (rng.random((4, 6)) < 0.5).astype(float)


def chain_rule(dz, mu, lv, eps):
    return 0.5 * dz * eps * np.exp(lv / 2)


def step(zero=True, again=False, rec=1.0, kl_mu=1.0, kl_log_var=1.0, dlog_var=chain_rule,
         into=lambda dmu, dlog_var, dz: (dmu, dlog_var)):  # fmt: skip
    """A VAE's step with a mistake in its own lines."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        eps, beta, N = noise["eps"], self.beta(t), len(x)
        (mu, lv), c_enc = self.encoder.forward(x, noise["enc"])
        z = densities.reparameterize(mu, lv, eps=eps)
        out, c_dec = self.decoder.forward(z, noise["dec"])
        log_px_z, c_x = self.likelihood.forward(x, out)
        kl = self.prior.kl(mu, lv).sum(axis=-1)
        if grads:
            if zero:
                self.zero_grad()
            g = np.full(N, 1 / N)
            dz = self.decoder.backward(self.likelihood.backward(-rec * g, c_x), c_dec)
            dmu_kl, dlv_kl = self.prior.kl_backward(np.broadcast_to(beta * g[:, None], mu.shape), mu, lv)
            back = into(dz + kl_mu * dmu_kl, dlog_var(dz, mu, lv, eps) + kl_log_var * dlv_kl, dz)
            for _ in range(1 + again):
                self.encoder.backward(back, c_enc, need_dx=False)
        return {"loss": (beta * kl - log_px_z).mean(), "log_px_z": log_px_z.mean(), "kl": kl.mean()}

    return loss_and_grads


STEPS = {
    "right": (step(), None, ""),
    "accumulated over calls": (step(zero=False), "accumulated", "zero_grad is missing"),
    "accumulated twice": (step(again=True), "accumulated twice", "more often than forward"),
    "units": (step(rec=6.0), "factor", "D = 6"),  # pitfall 3
    "without KL": (step(kl_mu=0, kl_log_var=0), "missing term", "the KL part is missing"),
    "KL constant": (step(kl_log_var=0.5), "term", "the KL part is off by the factor 0.5"),  # pitfall 4
    "KL sign": (step(kl_mu=-1), "term", "the KL part is off by the factor -(1)"),
    "only KL": (step(dlog_var=lambda dz, mu, lv, eps: 0 * dz), "missing term", "the reconstruction part is missing"),
    "variance for std": (step(dlog_var=lambda dz, mu, lv, eps: 0.5 * dz * eps * np.exp(lv)), "variance for std",
                         "in the reconstruction part"),
    "chain rule of std": (step(dlog_var=lambda dz, mu, lv, eps: dz * eps * np.exp(lv / 2)), "term",
                          "the reconstruction part is off by the factor 2"),
    "eps forgotten": (step(dlog_var=lambda dz, mu, lv, eps: 0.5 * dz * np.exp(lv / 2)), "wrong factor",
                      "in the reconstruction part, the factor eps is in it once too seldom"),
    "z for eps": (step(dlog_var=lambda dz, mu, lv, eps: 0.5 * dz * (mu + np.exp(lv / 2) * eps) * np.exp(lv / 2)),
                  "wrong factor", "the factor z / eps is in it once too often"),
    "KL without its -1": (step(into=lambda dmu, dlog_var, dz: (dmu, dlog_var + 0.5 * 0.7 / 4)), "constant",
                          "off by 0.0875 everywhere"),
    "stale": (step(into=lambda dmu, dlog_var, dz: (dmu, dz)), "stale upstream", "what decoder"),  # pitfall 2
    "exchanged": (step(into=lambda dmu, dlog_var, dz: (dlog_var, dmu)), "stale upstream", "d loss / d log_var"),
}  # fmt: skip


@pytest.mark.parametrize(("loss_and_grads", "kind", "text"), STEPS.values(), ids=STEPS)
def test_planted_in_a_model(loss_and_grads, kind, text, rng):
    model, x = model_of(loss_and_grads, rng)
    findings = diagnose(model, x, rng)
    assert check_gradients(model, x, rng).ok == (kind is None) == (findings == [])
    if kind is not None:
        assert findings[0].kind == kind
        assert text in findings[0].text


class NoSigmoid(Bernoulli):
    def backward(self, g, cache, accumulate=True):
        x, out, _ = cache
        return g[:, None] * (x - out)


class WrongSign(Bernoulli):
    def backward(self, g, cache, accumulate=True):
        return -super().backward(g, cache)


@pytest.mark.parametrize(("likelihood", "kind"), [(NoSigmoid, "unknown"), (WrongSign, "sign")])
def test_planted_in_a_likelihood(likelihood, kind, rng):
    """What it returns is wrong, and is not taken for a stale gradient that somebody else uses."""
    model, x = model_of(VAE.loss_and_grads, rng)
    model.likelihood = likelihood()
    (finding,) = diagnose(model, x, rng)
    assert (finding.kind, finding.where) == (kind, "what likelihood.backward returns")


class TwoPlayers(Model):
    """A generator against a critic, whose one cache serves both objectives."""

    objectives = {"loss": ("generator",), "loss_critic": ("critic",)}

    def __init__(self, rng, of_generator=1.0, of_critic=1.0):
        self.generator = Sequential(Dense(3, 5, rng), Tanh(), Dense(5, 4, rng))
        self.critic = Sequential(Dense(4, 5, rng), Tanh(), Dense(5, 1, rng), Tanh())
        self.of_generator, self.of_critic = of_generator, of_critic
        self.bind()

    def draw_noise(self, rng, n, train=True):
        return {"z": rng.standard_normal((n, 3))}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        N = len(x)
        fake, c_generator = self.generator.forward(noise["z"])
        s, c_critic = self.critic.forward(np.concatenate([x, fake]))
        if grads:
            self.zero_grad()
            g = np.concatenate([np.full((N, 1), -1 / N), np.full((N, 1), 1 / N)])
            self.critic.backward(self.of_critic * g, c_critic, need_dx=False)
            dfake = self.critic.backward(-g, c_critic, accumulate=False)[N:]
            self.generator.backward(self.of_generator * dfake, c_generator, need_dx=False)
        return {"loss": -s[N:].mean(), "loss_critic": s[N:].mean() - s[:N].mean()}


@pytest.mark.parametrize(
    ("factors", "wheres", "text"),
    [
        ((1, 1), [], ""),
        ((2, 1), ["d loss / d (its output), at generator.backward"], "factor 2"),
        ((1, -1), [f"d critic.layers.{i}.{p}" for i in (0, 2) for p in "Wb"], "the sign is wrong"),
    ],
)
def test_two_players(factors, wheres, text, rng):
    """Each link is judged by its own objective, and a second backward without accumulate is no second contribution."""
    findings = diagnose(TwoPlayers(rng, *factors), rng.standard_normal((5, 4)), rng)
    assert [f.where for f in findings] == wheres
    assert all(text in f.text for f in findings)


# ---- planted in operations


def reparameterize_with(dlog_var, dmu=lambda dz: dz.sum(axis=0)):
    return lambda dz, mu, log_var, *, eps: (dmu(dz), dlog_var(dz, log_var, eps))


RIGHT = lambda dz, lv, eps: (0.5 * dz * eps * np.exp(lv / 2)).sum(axis=0)  # noqa: E731
OPERATIONS = {
    "right": (reparameterize_with(RIGHT), None, ""),
    "variance for std": (reparameterize_with(lambda dz, lv, eps: (0.5 * dz * eps * np.exp(lv)).sum(axis=0)),
                         "variance for std", "std = exp(log_var / 2) is in it once too often"),
    "not summed": (reparameterize_with(RIGHT, lambda dz: dz), "not summed", "not summed over the broadcast axes"),
    "half": (reparameterize_with(lambda dz, lv, eps: 2 * RIGHT(dz, lv, eps)), "factor", "factor 2"),
}  # fmt: skip


@pytest.mark.parametrize(("backward", "kind", "text"), OPERATIONS.values(), ids=OPERATIONS)
def test_planted_in_an_operation(backward, kind, text, rng):
    eps = rng.standard_normal((2, 3, 4))
    args = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    findings = diagnose_problem(operation_problem(densities.reparameterize, backward, args, rng, eps=eps), rng, eps=eps)
    assert [f.kind for f in findings] == [kind] * (kind is not None)
    assert all(text in f.text for f in findings)


def test_kinks_are_left_out_of_the_comparison(rng):
    truth = rng.standard_normal((3, 4))
    hidden = np.where(np.arange(4) == 1, np.nan, truth)
    assert explain(truth, hidden) is None
    assert explain(2 * truth, hidden).kind == "factor"
    assert explain(truth / 2, hidden, terms={"a": hidden / 2, "b": hidden / 2}).kind == "factor"


def test_too_few_numbers_explain_nothing(rng):
    """Any two numbers are a sum of two terms; and what is nearly a factor is none."""
    got, a, b = rng.standard_normal((3, 2))
    assert explain(got, a + b, terms={"a": a, "b": b}).kind == "unknown"
    assert explain(a * (1 + 1e-4 * np.array([1, 1.1])), a).kind == "unknown"


def test_the_dictionary_by_itself(rng):
    truth = rng.standard_normal((3, 4))
    assert explain(truth * (1 + 1e-9), truth) is None
    assert explain(None, truth).kind == "missing"
    assert explain(truth.T, truth).kind == "transpose"
    assert explain(truth / 12, truth, sizes={"N": 3, "L": 4}).text.endswith("1/(N L) = 1/12")
    assert explain(np.roll(truth, 1, axis=1), truth).text == "the entries are moved by 1 along axis 1"
    assert explain(truth.ravel(), truth).kind == "shape"
    assert explain(rng.standard_normal((3, 4)), truth).kind == "unknown"


class Spoils(Bernoulli):
    def backward(self, g, cache, accumulate=True):
        dout = super().backward(g, cache, accumulate)
        g *= 0
        return dout


def test_overwritten_by_a_likelihood_or_an_operation(rng):
    """The gradient is right, and whoever has g next has another."""
    x, out = (rng.random((3, 4)) < 0.5).astype(float), rng.standard_normal((3, 4))
    checks = check_gradients(Spoils(), (x, out), rng)
    assert all(check.ok for check in checks.values())
    assert checks.broken == ["forward or backward writes into dy"]
    assert [(f.kind, f.where) for f in diagnose(Spoils(), (x, out), rng)] == [("overwritten", "dy")]

    def backward(g, a):
        g *= 2 * a
        return g

    problem = operation_problem(lambda a: a * a, backward, (out,), rng)
    assert [(f.kind, f.where) for f in diagnose_problem(problem, rng)] == [("overwritten", "g")]


# ---- parts with two gradients before the cache


class Sloppy(FlowPosterior):
    """Forgets the Jacobian of the flow in its backward."""

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        c_base, c_flow, _ = cache
        dz0, dh = self.flow.backward(dz, 0 * dlog_qz_x, c_flow, accumulate)
        return *self.base.backward(dz0, dlog_qz_x, c_base), dh


def test_a_wrong_posterior_is_found(rng):
    """Its backward takes two gradients, then the cache: the second is no cache."""
    model, x, _ = flow_posterior(rng)
    assert diagnose(model, x, rng) == []
    model.posterior.__class__ = Sloppy
    findings = diagnose(model, x, rng)
    assert findings
    assert any("posterior" in finding.where for finding in findings)


class TimesK(DiagonalGaussian):
    """Weighs each of K samples by 1, not by 1 / K (K = 3)."""

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        return tuple(3 * dh for dh in super().backward(dz, dlog_qz_x, cache, accumulate))


def test_the_number_of_samples_is_called_k(rng):
    model, x, _ = cases.MODELS["iwae dense"](rng)
    model.posterior.__class__ = TimesK
    finding = diagnose(model, x, rng)[0]
    assert finding.kind == "factor"
    assert "K = 3" in finding.text
    assert "N" not in finding.text
