"""Every model in small: each kind of network, likelihood, gradient and option, under a label."""

from functools import partial

from ..likelihoods import LIKELIHOODS
from .examples import flow_posterior, learned_prior, lines, small, table
from .iwae import IWAE
from .labels import Labels


def _every():
    """(label, make) of each example: every likelihood, normalization and kind of gradient, dense and convolutional."""
    for arch in ("dense", "conv"):
        for name in LIKELIHOODS:
            if (arch, name) == ("conv", "softmax"):  # the last bias moves all logits alike, so that it has no gradient
                continue
            yield f"vae {arch} {name}", partial(small, "vae", arch=arch, likelihood=name, beta=0.7, dropout=0.2)
        for norm in ("batch", "layer", "group"):
            yield f"vae {arch} {norm} norm", partial(small, "vae", arch=arch, norm=norm)
        yield f"vae {arch} missing", partial(small, "vae", arch=arch, missing=True, dropout=0.2)
    yield "vae table", partial(table, "vae", beta=0.7)
    yield "vae table missing", partial(table, "vae", missing=True, parts={"real": "student-t", "count": "poisson"})
    yield "vae conv signal", partial(small, "vae", arch="conv", shape=(14,), signal=2, likelihood="gaussian")
    yield "cvae conv signal", partial(small, "cvae", arch="conv", shape=(12,), signal=3)
    gru = {"arch": "gru", "hidden": (5, 4)}
    yield "vae gru gaussian", partial(small, "vae", shape=(10,), signal=2, likelihood="gaussian", dropout=0.2, **gru)
    yield "vae gru missing", partial(small, "vae", shape=(4,), missing=True, norm="batch", **gru)
    yield "cvae gru", partial(small, "cvae", shape=(6,), signal=3, **gru)
    yield "iwae gru images", partial(small, "iwae", shape=(3, 2, 2), likelihood="gaussian-full", samples=2, **gru)
    yield "vae free bits", partial(small, "vae", free_bits=0.3, latent=5)
    yield "vae learned prior", learned_prior
    for arch in ("dense", "conv"):
        yield f"iwae {arch}", partial(small, "iwae", arch=arch, samples=3, dropout=0.2)
        yield f"iwae {arch} elbo", partial(small, "iwae", arch=arch, samples=3, bound="elbo", beta=0.7)
        yield f"iwae {arch} doubly", partial(small, "iwae", arch=arch, samples=3, gradient="doubly", beta=0.7)
        yield f"iwae {arch} flow posterior", partial(flow_posterior, arch=arch)
        yield f"flow {arch}", partial(small, "flow", arch=arch, flows=2, dropout=0.2)
        yield f"flow {arch} radial", partial(small, "flow", arch=arch, flow="radial", flows=2, samples=2, beta=0.7)
        yield f"iaf {arch}", partial(small, "iaf", arch=arch, flow_width=6, context=3, samples=2, beta=0.7)
        yield f"vamp {arch}", partial(small, "vamp", arch=arch, components=3, dropout=0.2, norm="layer")
        yield f"mixture {arch}", partial(small, "mixture", arch=arch, components=3, samples=2)
        yield f"realnvp {arch}", partial(small, "realnvp", arch=arch, flows=2, flow_width=5, samples=2)
    yield "vamp gaussian", partial(small, "vamp", components=3, likelihood="gaussian", samples=2, beta=0.7)
    yield "vamp table missing", partial(table, "vamp", components=2, missing=True)
    yield "iwae gaussian", partial(small, "iwae", likelihood="gaussian", samples=2, gradient="doubly")
    yield "iwae table missing", partial(table, "iwae", samples=2, gradient="doubly", missing=True)
    yield "iwae one sample", partial(small, "iwae", samples=1, beta=0.7)
    yield "iwae learned prior", partial(learned_prior, cls=IWAE, samples=2, gradient="doubly")
    for arch in ("dense", "conv"):
        two, three = ({"arch": arch, "upper": [2, 1][:n], "between": [4]} for n in (1, 2))
        for name in ("hvae", "ladder"):
            yield f"{name} {arch} two levels", partial(small, name, beta_schedule="constant", dropout=0.2, **two)
            yield f"{name} {arch} three levels", partial(small, name, beta_schedule="constant", samples=3, **three)
    yield "hvae one level", partial(small, "hvae", upper=[], beta=0.7)
    yield "ladder batch norm", partial(small, "ladder", norm="batch", beta_schedule="constant", between=[4], upper=[2])
    yield "ladder table missing", partial(table, "hvae", missing=True, upper=[1], between=[], beta=0.7)
    for arch in ("dense", "conv"):
        yield f"capacity {arch}", partial(small, "capacity", arch=arch, gamma=3.0, capacity=2.0, dropout=0.2)
        yield f"tcvae {arch}", partial(small, "tcvae", arch=arch, beta=3.0, dropout=0.2)
        yield f"factorvae {arch}", partial(small, "factorvae", arch=arch, critic=[6, 5], dropout=0.2)
        critics = {"critic": [6], "critic_channels": [3, 4], "gamma": 0.5, "dropout": 0.2}
        yield f"vaegan {arch}", partial(small, "vaegan", arch=arch, beta=0.7, **critics)
        del critics["gamma"], critics["dropout"]
        yield f"gan {arch}", partial(small, "gan", arch=arch, **critics)
        hinge = {"objective": "hinge", "critic_norm": "spectral", "shake": 1.0}  # some beyond the margin
        yield f"gan {arch} hinge", partial(small, "gan", arch=arch, **hinge, **critics)
        yield f"ae {arch}", partial(small, "ae", arch=arch, dropout=0.2)
        yield f"aae {arch}", partial(small, "aae", arch=arch, gamma=3.0, critic=[6, 5], dropout=0.2)
    yield "vaegan gaussian", partial(small, "vaegan", likelihood="gaussian-fixed", critic=[6, 5], gamma=0.5)
    yield "gan gaussian", partial(small, "gan", likelihood="gaussian-fixed", norm="batch", critic=[6, 5])
    yield "tcvae stratified", partial(small, "tcvae", beta=3.0, estimator="stratified", n_train=40, latent=3)
    for arch in ("dense", "conv"):
        yield f"cvae {arch}", partial(small, "cvae", arch=arch, beta=0.7, dropout=0.2)
        yield f"cvae {arch} rows", partial(small, "cvae", arch=arch, labels=Labels("rows", 2))
        yield f"cvae {arch} learned prior", partial(small, "cvae", arch=arch, prior="learned", beta=0.7, dropout=0.2)
        yield f"net {arch}", partial(small, "net", arch=arch, dropout=0.2)
        yield f"ivae {arch}", partial(small, "ivae", arch=arch, beta=0.7, dropout=0.2)
        yield f"m2 {arch}", partial(small, "m2", arch=arch, beta=0.7, dropout=0.2)
        yield f"m2 {arch} labels first", partial(small, "m2", arch=arch, labels_first=1, alpha=0.5, norm="layer")
    yield "cvae learned prior rows", partial(small, "cvae", prior="learned", labels=Labels("rows", 2), free_bits=0.1)
    yield "ivae rows", partial(small, "ivae", labels=Labels("rows", 2), likelihood="gaussian", hidden=())
    yield "net table missing", partial(table, "net", missing=True, labels=Labels("rows", 2))
    yield "ivae missing", partial(small, "ivae", missing=True)
    yield "m2 gaussian", partial(small, "m2", likelihood="gaussian", alpha=1)
    yield "m2 missing", partial(small, "m2", missing=True)
    seen = {"hidden": (6,), "beta": 0.7, "dropout": 0.2}
    for arch, experts in (("dense", "product"), ("dense", "mixture"), ("conv", "product")):
        yield f"multimodal {arch} {experts}", partial(small, "multimodal", arch=arch, experts=experts, **seen)
    yield "multimodal missing", partial(small, "multimodal", experts="mixture", missing=True, hidden=(6,))
    odd = {"shape": (4, 5, 1), "channels": (3,)}
    yield "halves dense product", partial(small, "halves", likelihood="gaussian", **odd, **seen)
    yield "halves conv mixture", partial(small, "halves", arch="conv", experts="mixture", **odd, **seen)
    yield "vqvae dense", partial(small, "vqvae", latent=3, dropout=0.2)
    yield "vqvae conv", partial(small, "vqvae", arch="conv", channels=(3,), codebook="loss")
    yield "vqvae uniform missing", partial(small, "vqvae", prior="uniform", missing=True)
    for gradient in ("relaxed", "straight-through", "score"):
        yield f"gumbel dense {gradient}", partial(small, "gumbel", gradient=gradient, categories=3, dropout=0.2)
    yield "gumbel conv", partial(small, "gumbel", arch="conv", categories=3, beta=0.7)
    yield "seqvae gru", partial(lines, "seqvae", beta=0.7, word_dropout=0.3)
    yield "seqvae gru layers", partial(lines, "seqvae", latent=3, hidden=[4, 3], decoder_hidden=[3, 4], free_bits=0.3)
    yield "seqvae transformer", partial(lines, "seqvae", arch="transformer", hidden=[4, 4], heads=2)
    yield "seqvae aggressive", partial(lines, "seqvae", aggressive=2)
    for arch, own in (("gru", {"word_dropout": 0.3}), ("transformer", {"heads": 2})):
        yield f"lm {arch}", partial(lines, "lm", arch=arch, **own)
    yield "nvp dense", partial(small, "nvp", shape=(5,), flows=3, hidden=[6, 4])
    for arch, own in (("dense", {"hidden": [5]}), ("conv", {"channels": [4, 4]})):
        shape = {"shape": (3, 4, 2), "shake": 0.03, "flows": 2, "dequantize": True, "bins": 3}
        yield f"nvp {arch} images", partial(small, "nvp", arch=arch, **shape, **own)
    yield "ppca", partial(small, "ppca", shape=(5,))
    yield "ppca gradient images", partial(small, "ppca", fit="gradient", latent=3, dequantize=True)
    yield "ddpm dense", partial(small, "ddpm", hidden=(6, 4), times=4, jumps=2, likelihood="gaussian")
    yield "ddpm conv", partial(small, "ddpm", arch="conv", times=3, jumps=3, likelihood="gaussian", dequantize=True)
    yield "ae table missing", partial(table, "ae", missing=True)
    yield "ae gaussian", partial(small, "ae", likelihood="gaussian")
    yield "aae table missing", partial(table, "aae", missing=True, critic=[4])


EXAMPLES = dict(_every())  # {label: make(rng) -> (model, x, y)}, labels begin with the model's name
