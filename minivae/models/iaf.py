r"""A VAE whose posterior is a Gaussian sent through inverse autoregressive flows (Kingma et al. 2016, "Improving
Variational Inference with Inverse Autoregressive Flow", 1606.04934).

        x --encoder--> mu, log_var --> z_0 = mu + std eps --MADE_1--> z_1 ... --MADE_T--> z --decoder--> log p(x | z)
                  \--> h, the context of every MADE

z_t = g_t z_{t-1} + (1 - g_t) m_t,  (m_t, s_t) = MADE_t(z_{t-1}, h),  g_t = sigmoid(s_t + 2)          (eq. 10 - 14)

\log q(z|x) = \log N(z_0; mu, std^2) - \sum_t \sum_l \log g_{t,l}

One pass of a network moves every latent, and by as much as all the latents before it say; every second step has them
in the opposite order.
"""

from ..flows import IAF, Chain
from ..options import Option, read_arguments, whole
from ..posteriors import FlowPosterior
from .beta import beta_of
from .iwae import IWAE, ONE_SAMPLE
from .networks import MOST, build_networks


class IAFVAE(IWAE):
    """An IWAE, by default of one sample, whose posterior goes through `flows` autoregressive steps."""

    options = ONE_SAMPLE | {
        "flows": Option(whole(1, 10_000), 2, "steps of the flow", "T"),
        "flow_width": Option(whole(1, MOST), 64, "hidden units of the network of a step", "N"),
        "context": Option(whole(1, MOST), 32, "outputs of the encoder that every step sees", "H"),
    }  # fmt: skip

    @classmethod
    def build(cls, shape, rng, *, flows=2, flow_width=64, context=32, latent=20, samples=1, beta=1.0,
              beta_schedule="constant", beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for IWAE.build, and those of the flow."""
        flows, flow_width, context, latent = read_arguments(
            cls.options, flows=flows, flow_width=flow_width, context=context, latent=latent
        )
        heads = (latent, latent, context)
        encoder, decoder, likelihood = build_networks(shape, rng, latent=latent, heads=heads, **networks)
        flow = Chain(*(IAF(latent, context, flow_width, rng, reverse=bool(t % 2)) for t in range(flows)))
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, posterior=FlowPosterior(flow), beta=beta, samples=samples)
