r"""An image seen in two halves, of which any may be missing: the model of `multimodal.py`, whose y is the right half.

        left half  --encoder--> N(mu_1, v_1) --+                                 +--decoder--> log p(left | z)
                                               +--> q(z | what is observed) --> z
        right half --encoder--> N(mu_2, v_2) --+                                 +--decoder--> log p(right | z)

Bounds and losses are those of x = left and y = right. Of an image whose left half is NaN everywhere, the right one is
observed alone, and so the other way round; `reconstruct` completes it, and `evaluate.impute`. A command is given whole
images.
"""

import math

from ..backend import array_module
from ..layers import Halves, left_and_right
from ..options import each, whole
from .beta import beta_of
from .modalities import Modality, check_norm
from .multimodal import _ExpertsVAE
from .networks import build_networks


class HalvesVAE(_ExpertsVAE):
    """A VAE of images, which finds one half from the other.

    Parameters
    ----------
    encoder, right_encoder : Network
        A half (..., D / 2) -> (mu, log_var), each (..., L).
    decoder : Halves
        z (..., L) -> out (..., D * likelihood.n_out).
    likelihood : Likelihood, optional
    experts : {"product", "mixture"}
    beta : float or function of the step
    """

    def __init__(self, encoder, right_encoder, decoder, likelihood=None, experts="product", beta=1.0):
        self.right_encoder = right_encoder
        super().__init__(encoder, decoder, likelihood, experts, beta)
        self.D = math.prod(decoder.shape)

    @classmethod
    def build(cls, shape, rng, *, experts="product", beta=1.0, beta_schedule="constant", beta_epochs=None, pass_steps=1,
              **networks):  # fmt: skip
        """As VAE.build, for images (h, w, c); both halves have networks of the same widths."""
        shape = each(whole(1))("shape", shape)
        if len(shape) != 3 or shape[1] < 2:
            raise ValueError(f"shape: expected images (h, w, c) of at least two columns, got {tuple(shape)}")
        check_norm(networks.get("norm"), "one half")
        h, w, c = shape
        left, of_left, likelihood = build_networks((h, w // 2, c), rng, **networks)
        right, of_right, _ = build_networks((h, w - w // 2, c), rng, **networks)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(left, right, Halves(of_left, of_right, shape), likelihood, experts, beta)

    @property
    def modalities(self):
        left, right = self.decoder.left, self.decoder.right
        return (Modality(self.encoder, left, self.likelihood, 1.0, ""),
                Modality(self.right_encoder, right, self.likelihood, 1.0, "_right"))  # fmt: skip

    def _views(self, x, y=None):
        """([left, right half of x], zeros where they are not known; which are known (2, N), 1 or 0)."""
        xp = array_module(x)
        parts = left_and_right(x, self.decoder.shape)
        known = [~xp.isnan(part).all(axis=-1) for part in parts]
        parts = [xp.where(k[..., None], part, 0) for k, part in zip(known, parts, strict=True)]
        return parts, xp.stack(known).astype(x.dtype)
