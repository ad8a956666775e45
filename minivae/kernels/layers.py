"""Layers of a Sequential: the b of a product, the activation behind it and the mask of Dropout are one kernel.

LAYERS is the table of the layers that have a kernel, by the name of their class. Where arrays have kernels, the loops
of a Sequential run over what `stand_ins` gives them: layers with the same values, gradients and caches.
"""

from functools import cache
from typing import NamedTuple

from .rows import each, large

TEXT = r"""
// out = f(h + b) mask scale.   Y is f in x; KEPT is x or y; b, mask and kept may be null
KERNEL(activate, IN(h), IN(b), IN(mask), real scale, real* out, real* kept) {
    EACH_NUMBER {
        const real x = b ? AT(h) + AT(b) : AT(h), y = Y;
        OUT(out) = mask ? y * AT(mask) * scale : y;
        if (kept) OUT(kept) = KEPT;
    }
}

// dx = dout mask scale f'.   DX is dy f' in dy and KEPT
KERNEL(activate_backward, IN(dout), IN(kept), IN(mask), real scale, real* dx) {
    EACH_NUMBER {
        const real dy = mask ? AT(dout) * AT(mask) * scale : AT(dout), KEPT = AT(kept);
        OUT(dx) = DX;
    }
}
"""


class Activation(NamedTuple):
    """An activation to its kernels: C expressions, in which {self.slope} is a number of the layer."""

    keeps: str  # what is in its cache: "x", "y", or "y mask" where the sign of y is enough
    y: str  # in x
    dx: str  # in dy and in what is kept


PRODUCT = "x W + b"  # forward is layer._product(x), plus layer.b; its cache is x
MASK = "x mask scale"  # forward is x times noise, which is its cache, times layer.scale
SHARE = "sigmoid(x * ((real)({self.c}) + (real)({self.d}) * x * x))"  # of GELU
DV = "((real)({self.c}) + 3 * (real)({self.d}) * x * x)"
LAYERS = {
    "Dense": PRODUCT,
    "Conv2d": PRODUCT,
    "ConvTranspose2d": PRODUCT,
    "Dropout": MASK,
    "ReLU": Activation("y mask", y="larger(x, 0)", dx="dy * (y > 0)"),
    "LeakyReLU": Activation(
        "x",
        y="larger(x, (real)({self.slope}) != 0 ? (real)({self.slope}) * x : 0)",
        dx="x > 0 ? dy : (real)({self.slope}) * dy",
    ),
    "ELU": Activation("y", y="x > 0 ? x : expm1(x)", dx="dy * ((y > 0 ? 0 : y) + 1)"),
    "Tanh": Activation("y", y="tanh(x)", dx="(1 - y * y) * dy"),
    "Sigmoid": Activation("y", y="sigmoid(x)", dx="dy * y * (1 - y)"),
    "SiLU": Activation("x", y="x * sigmoid(x)", dx="dy * sigmoid(x) * (1 + x * (1 - sigmoid(x)))"),
    "GELU": Activation("x", y=f"x * {SHARE}", dx=f"dy * {SHARE} * (1 + x * (1 - {SHARE}) * {DV})"),
    "Softplus": Activation("x", y="larger(x, 0) + log1p(exp(-fabs(x)))", dx="dy * sigmoid(x)"),
}
OWN = {}  # {(forward, backward): entry of LAYERS}: the methods that an entry was written for


def entry(layer):
    """The layer's entry in LAYERS; None if it has none, or if one of its methods was replaced: it may do anything."""
    cls, own = type(layer), vars(layer)
    return None if "forward" in own or "backward" in own else OWN.get((cls.forward, cls.backward))


def stand_ins(layers, masks):
    """What the loop of a Sequential runs in the place of each layer; `masks` are the layers' noise, or their caches."""
    entries = [entry(layer) for layer in layers]
    result = list(layers)
    for k, formulas in enumerate(entries):
        if not isinstance(formulas, Activation):
            continue
        product = layers[k - 1] if k > 0 and entries[k - 1] == PRODUCT else None
        mask = None
        scale = 1.0
        if product is not None:
            result[k - 1] = Product(product)
        if k + 1 < len(layers) and entries[k + 1] == MASK:
            mask = masks[k + 1] if masks else None
            scale = layers[k + 1].scale
            result[k + 1] = Masked(layers[k + 1])
        result[k] = Activated(layers[k], formulas, product, mask, scale)
    return result


class StandIn:
    """Stands for `layer` in the loop of a Sequential."""

    def __init__(self, layer):
        self.layer = layer

    def works_for(self, method):
        """The layer to name where what `method` returns is not finite."""
        return self.layer


class Product(StandIn):
    """A product that leaves its b to the activation behind it."""

    def forward(self, x, noise=None):
        return self.layer._product(x), x

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return self.layer.backward(dy, cache, accumulate, need_dx)


class Activated(StandIn):
    """An activation, with the b of the product before it and the mask of the Dropout behind it, where there are any."""

    def __init__(self, layer, formulas, product, mask, scale):
        super().__init__(layer)
        self.formulas = formulas
        self.product = product
        self.mask = mask
        self.scale = scale

    def forward(self, x, noise=None):
        b = None if self.product is None else self.product.b.data
        if not large(x):
            if b is not None:
                self.product.add_b(x)
            y, cache = self.layer.forward(x)
            return self._masked(y), cache
        keeps = self.formulas.keeps
        keep = {"x": b is not None, "y": self.mask is not None, "y mask": False}[keeps]  # else it is there already
        out = each(
            "activate",
            x,
            b,
            self.mask,
            self.scale,
            n_out=1 + keep,
            null=1 - keep,
            text=text_of(self.layer, self.formulas),
        )
        return out if keep else (out, x if keeps == "x" else out)

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        if not large(dy):
            return self.layer.backward(self._masked(dy), cache)
        return each("activate_backward", dy, cache, self.mask, self.scale, text=text_of(self.layer, self.formulas))

    def _masked(self, x):
        return x if self.mask is None else x * self.mask * self.scale

    def works_for(self, method):
        return self.product if method == "forward" and self.product is not None else self.layer


class Masked(StandIn):
    """A Dropout whose mask the activation before it takes over, in both directions."""

    def forward(self, x, noise=None):
        return x, noise

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy


def text_of(layer, formulas):
    """The text of an activation's two kernels."""
    return _text(*(formula.format(self=layer) if "{" in formula else formula for formula in formulas))


@cache
def _text(keeps, y, dx):
    return f"#define Y ({y})\n#define DX ({dx})\n#define KEPT {keeps[0]}\n{TEXT}"
