"""The bug zoo: real mistakes of published VAEs, each made by changing a line or two of minivae.

A mutant is a list of edits. Inside `planted(mutant)` some functions of the library run edited code; afterward nothing
remains. So a reader sees each mistake where it would stand, and `detectors.py` finds out which check sees it. Numbers
are those of the pitfalls in the project's notes: those in WAITING wait for the code in which they can be made, those in
ELSEWHERE have their tests elsewhere.
"""

import contextlib
import functools
import importlib
import inspect
import textwrap
from typing import NamedTuple

WAITING = {
    22: "the scale of data guessed from its values",
    23: "validation is the tail of a file sorted by class",
}
ELSEWHERE = {
    20: "tests that cannot fail: python -m tests.mutation",
    24: "an option that the model does not have is taken in silence: tests/test_cli.py",
}


class Mutant(NamedTuple):
    """`edits`: (function, its text, what stands there instead); `caught_by`: letters of the detectors that see it."""

    name: str
    pitfall: int
    title: str
    seen_in: str
    caught_by: str
    edits: tuple

    def diff(self):
        """The edits, as lines with - and +."""
        return "\n".join(f"{where}\n{_lines('-', old)}\n{_lines('+', new)}" for where, old, new in self.edits)


STEP = "models.vae.VAE.loss_and_grads"
IWAE_STEP = "models.iwae.IWAE.loss_and_grads"
REPARAMETERIZE = "densities.reparameterize"
PRIOR = "priors.DiagonalNormal"
ZOO = (
    Mutant("1", 1, "std = exp(log_var) in the sampler, var = exp(log_var) in the KL",
           "numpy-ml; DeZero; Keras issues 3283 and 9972", "W", (
        (REPARAMETERIZE, "exp(0.5 * log_var) * eps", "exp(log_var) * eps"),
        ("densities.reparameterize_backward", "0.5 * dz * eps * array_module(mu).exp(0.5 * log_var)",
         "dz * eps * array_module(mu).exp(log_var)"),
    )),
    Mutant("2", 2, "stale upstream gradient: dz for dlog_var", "oakleafwarrior/numpy_VAE", "LG", (
        (STEP, "dlog_var + dlog_var_kl)", "dz + dlog_var_kl)"),
    )),
    Mutant("3", 3, "loss and gradient in different units: D times", "pometa0507", "G", (
        (STEP, "self.likelihood.backward(-g, c_x)", "self.likelihood.backward(-g * x.shape[-1], c_x)"),
    )),
    Mutant("4", 4, "a constant of a backward: 1/4 for 1/2", "y0ast/VAE-Torch, pull request 5", "G", (
        ("densities.kl_standard_normal_backward", "0.5 * g * (", "0.25 * g * ("),
    )),
    Mutant("5a", 5, "mean over pixels, sum over latents: beta = D", "PyTorch-VAE", "WU", (
        ("densities.bernoulli_log_prob", "return log_p @ xp.ones(log_p.shape[-1], log_p.dtype)",
         "return log_p.mean(axis=-1)"),
        ("densities.bernoulli_log_prob_backward", "dlogits *= g[..., None]",
         "dlogits *= g[..., None] / logits.shape[-1]"),
    )),
    Mutant("5b", 5, "means over pixels and over latents, in the loss alone: beta = D / L", "fastai's VAE lesson", "U", (
        (STEP, "self.beta(t), len(x)", "self.beta(t) / self.L, len(x)"),
        (STEP, "least=self.free_bits) - log_px_z\n", "least=self.free_bits) - log_px_z / x.shape[-1]\n"),
        (STEP, "self.likelihood.backward(-g, c_x)", "self.likelihood.backward(-g / x.shape[-1], c_x)"),
    )),
    Mutant("6a", 6, "importance weights: softmax of +loss, the worst sample dominates", "PyTorch-VAE", "W", (
        (IWAE_STEP, "out.dtype), log_w_beta)", "out.dtype), -log_w_beta)"),
        (IWAE_STEP, "loss = -log_mean_exp(log_w_beta)", "loss = log_mean_exp(-log_w_beta)"),
        (IWAE_STEP, '"iwae": log_mean_exp(log_w)', '"iwae": -log_mean_exp(-log_w)'),
    )),
    Mutant("6b", 6, "importance weights with the analytic KL, the same for every sample", "PyTorch-VAE", "W", (
        (IWAE_STEP, "log_w = log_px_z + log_pz - log_qz_x", "log_w = log_px_z - self.prior.kl(*heads).sum(axis=-1)"),
        (IWAE_STEP, "dz = dz + self.prior.backward(-beta * g, c_z)",
         "dkl = self.prior.kl_backward(g.sum(axis=0)[:, None] + 0 * heads[0], *heads)"),
        (IWAE_STEP, "dlog_qz_x = beta * g", "dlog_qz_x = 0 * g"),
        (IWAE_STEP, "self.encoder.backward(self.posterior.backward(dz, dlog_qz_x, c_q), c_enc",
         "dheads = self.posterior.backward(dz, dlog_qz_x, c_q)\n"
         "        self.encoder.backward(tuple(a + b for a, b in zip(dheads, dkl)), c_enc"),
    )),
    Mutant("7a", 7, "importance-sampled NLL of the wrong sign", "pythae", "WU", (
        ("evaluate.evidence.log_evidence", 'log_mean_exp(np.concatenate(to_numpy(log_w)).astype("float64"))',
         '-log_mean_exp(-np.concatenate(to_numpy(log_w)).astype("float64"))'),
    )),
    Mutant("7b", 7, "fewer samples than asked for, without saying so", "pythae", "WU", (
        ("evaluate.chunks.chunks", "at_once = max(1,", "K, at_once = -(-K // 2), max(1,"),
    )),
    Mutant("8", 8, "stratified sampling: columns of the weights filled instead of the diagonal",
           "beta-tcvae and three copies", "W", (
        ("numeric.stratified_log_weights", "W.flat[:: B + 1]", "W.flat[:: M + 1]"),
        ("numeric.stratified_log_weights", "W.flat[1 :: B + 1]", "W.flat[1 :: M + 1]"),
        ("numeric.stratified_log_weights", "W[M, 0]", "W[M - 1, 0]"),
    )),
    Mutant("9", 9, "mutual information gap: a reshape used as a transpose", "disentangling-vae issues 64 and 78", "U", (
        ("evaluate.disentanglement.mutual_information", "in z.T]", "in z.reshape(z.shape[::-1])]"),
    )),
    Mutant("10", 10, "the logged KL has the wrong sign", "PyTorch-VAE issue 68", "WU", (
        (STEP, '"kl": kl}', '"kl": -kl}'),
    )),
    Mutant("11", 11, "Bernoulli likelihood on grey pixels, its floor taken for zero", "many", "U", (
        ("data.preprocess.to_bits", "return (threshold < x).astype(array_module(x).float32)", "return x"),
    )),
    Mutant("12", 12, "cross-entropy on clipped probabilities instead of logits", "DeZero and many", "GU", (
        ("densities.bernoulli_log_prob", "xp = array_module(logits)\n",
         "xp = array_module(logits)\n    p = (0.5 + 0.5 * xp.tanh(0.5 * logits)).clip(1e-7, 1 - 1e-7)\n"
         "    return (x * xp.log(p) + (1 - x) * xp.log(1 - p)).sum(axis=-1)\n"),
    )),
    Mutant("13", 13, "log_var clamped in the forward, not in the gradient", "several", "G", (
        (REPARAMETERIZE, "exp(0.5 * log_var)", "exp(0.5 * log_var.clip(-4, 4))"),
    )),
    Mutant("14a", 14, "D log(2 pi) in every element, and then summed", "intro_dgm", "WU", (
        ("densities.gaussian_log_prob", "(LOG_2PI +", "(x.shape[-1] * LOG_2PI +"),
    )),
    Mutant("14b", 14, "log(2 pi) dropped", "pythae; vae_vampprior", "WU", (
        ("densities.gaussian_log_prob", "(LOG_2PI + log_var", "(log_var"),
    )),
    Mutant("15", 15, "the same seed for every layer", "yburda/iwae", "U", (
        ("layers.initialize.glorot", "rng.random(", "type(rng)(type(rng.bit_generator)(0)).random("),
        ("layers.initialize.he", "rng.standard_normal(", "type(rng)(type(rng.bit_generator)(0)).standard_normal("),
    )),
    Mutant("16", 16, "sums over the batch: the step grows with it", "several", "WU", (
        (STEP, "self.beta(t), len(x)", "self.beta(t) * len(x), 1"),
    )),
    Mutant("17", 17, "ReLU's backward overwrites its argument", "DLFS-1; PyTorch-VAE", "U", (
        ("layers.activations.ReLU.backward", "return dy * (cache > 0)", "dy *= cache > 0\n    return dy"),
    )),
    Mutant("18", 18, "state on the layer: two live calls", "joelnet; DLFS-1; fastai miniai", "U", (
        ("layers.dense.Dense.forward", "return y, x", "self.x = x\n    return y, x"),
        ("layers.dense.Dense.backward", "x = cache", "x = self.x"),
    )),
    Mutant("19", 19, "softplus used as a probability", "JAX's mnist_vae example", "U", (
        ("likelihoods.Bernoulli.mean", "return sigmoid(out)",
         "from ..numeric import softplus\n    return softplus(out)"),
    )),
    Mutant("21", 21, "a sum over the last axis called with one more axis: L times L KLs", "an earlier minivae",
           "WU", (
        (f"{PRIOR}.kl", "return kl_gaussians(mu, log_var, self.mu.data, self.log_var.data)",
         "each = mu[..., None], log_var[..., None]\n"
         "    return kl_gaussians(*each, self.mu.data, self.log_var.data).sum(axis=-1)"),
        (f"{PRIOR}.kl_backward",
         "kl_gaussians_backward(g, mu, log_var, self.mu.data, self.log_var.data)",
         "kl_gaussians_backward(\n"
         "        g[..., None], mu[..., None], log_var[..., None], self.mu.data, self.log_var.data)\n"
         "    dmu, dlog_var = dmu[..., 0], dlog_var[..., 0]"),
    )),
)  # fmt: skip


@contextlib.contextmanager
def planted(mutant):
    """Inside, minivae has this mistake: the same functions with other code, so every module that imported one has it.

    Raises ValueError if a function does not hold the text that an edit replaces.
    """
    codes = {}
    texts = {}
    try:
        for where, old, new in mutant.edits:
            function = _find(where)
            text = texts.get(where) or textwrap.dedent(inspect.getsource(function))
            if text.count(old) != 1:
                raise ValueError(f"zoo: expected {old!r} once in {where}, found it {text.count(old)} times")
            texts[where] = text.replace(old, new)
            edited = {}
            exec(compile(texts[where], f"<{where}, mutated>", "exec"), function.__globals__, edited)
            codes.setdefault(function, function.__code__)
            function.__code__ = inspect.unwrap(edited[function.__name__]).__code__
        yield mutant
    finally:
        for function, code in codes.items():
            function.__code__ = code


def _find(where):
    """The function of "densities.reparameterize" or "layers.dense.Dense.forward"."""
    path = where.split(".")
    for i in range(len(path) - 1, 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            module = importlib.import_module(f"minivae.{'.'.join(path[:i])}")
            return inspect.unwrap(functools.reduce(getattr, path[i:], module))  # the lines below @fused
    raise ValueError(f"zoo: there is no {where}")


def _lines(sign, text):
    return "\n".join(f"{sign} {line}" for line in text.strip("\n").split("\n"))
