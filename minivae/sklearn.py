"""A VAE as a scikit-learn estimator: fit, transform to latents and back, score, sample."""

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .data.frames import is_frame
from .data.protocol import Protocol
from .models import MODELS
from .options import one_of, table
from .runs.build import build_model, build_optimizer, check_run, read_data
from .runs.settings import complete, read_options
from .train import fit
from .trained import SAMPLES, Trained

UNCONDITIONAL = [name for name, cls in MODELS.items()
                 if not (cls.conditional or cls.reads_text or cls.latent == "prior")]  # fmt: skip


class VAETransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Latent means of a VAE as features; its estimate of log p(x) as a score.

    Parameters
    ----------
    latent, hidden, likelihood, standardize, beta, epochs, batch_size, lr
        As the options of `minivae train`. Likelihood "mixed" takes DataFrames, whose columns may be of any kind.
    model : str
        One that is given no labels: "vae", "iwae", ...
    options : dict, optional
        More options of `minivae train` by their Python names.
    samples : int
        Of z for each row, for `score_samples`.
    random_state : int, RandomState instance or None
        Of weights, noise and the order of the rows.

    Attributes
    ----------
    settings_, protocol_ : dict
        All options, and what prepares rows: a model is built from them when it is needed.
    theta_, state_ : arrays
        What was learned. The estimator holds no model, so it can be copied and pickled.
    history_ : list of dict
        The metrics of each epoch, as `minivae.fit` returns them.
    """

    def __init__(self, latent=8, hidden=(64,), *, model="vae", likelihood="gaussian", standardize=True, beta=1.0,
                 epochs=50, batch_size=64, lr=1e-3, options=None, samples=SAMPLES, random_state=None):  # fmt: skip
        self.latent = latent
        self.hidden = hidden
        self.model = model
        self.likelihood = likelihood
        self.standardize = standardize
        self.beta = beta
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.options = options
        self.samples = samples
        self.random_state = random_state

    def fit(self, X, y=None):
        """Train on X (N, D), arrays or DataFrames; y is ignored. Raises ValueError for what `train` refuses."""
        X = self._rows(X, reset=True)
        given = {name: getattr(self, name) for name in ("latent", "hidden", "likelihood", "epochs", "batch_size", "lr")}
        given |= {"model": one_of(UNCONDITIONAL)("model", self.model), "data": "array", "validation": 0}
        given["seed"] = int(check_random_state(self.random_state).randint(2**31))
        if self.likelihood != "mixed":
            given["standardize"] = self.standardize
        if "beta" in MODELS[self.model].options:
            given["beta"] = self.beta
        settings = complete(read_options(given | table(lambda name, value: value)("options", self.options or {})))
        data = read_data(settings, X)
        model = build_model(settings, data.protocol)
        optimizer = build_optimizer(settings, model, data.protocol)
        check_run(settings, model, data)
        of_fit = {name: settings[name] for name in ("epochs", "batch_size", "seed", "early_stop")}
        self.history_ = fit(model, optimizer, data, progress=False, **of_fit)
        with optimizer.averaged():
            self.theta_, self.state_ = model.theta.copy(), model.state.copy()
        self.settings_, self.protocol_ = settings, data.protocol.to_json()
        return self

    def transform(self, X):
        """Mean codes, or whole numbers that are codes: X (N, D) -> (N, latent)."""
        trained = self._trained()
        codes = trained.encode(self._rows(X))
        return codes[0] if trained.model.latent == "gaussian" else codes

    def inverse_transform(self, Z):
        """Decoded latents in the data's units: Z (N, latent) -> X_hat (N, D)."""
        return self._trained().decode(Z)

    def score_samples(self, X):
        """log p(x) of each row in nats, by importance sampling: X (N, D) -> (N,); of codes the ELBO, which is below."""
        trained = self._trained()
        scores = trained.score(self._rows(X), samples=self.samples)
        return next(scores[name] for name in ("log_px", "elbo", "log_px_z") if name in scores)

    def score(self, X, y=None):
        """The mean of `score_samples`: what a grid search maximizes."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples=1, random_state=0, draw=True):
        """New rows (n_samples, D) in the data's units, with the likelihood's noise unless `draw` is false."""
        return self._trained().sample(n_samples, random_state, draw=draw)

    @property
    def _n_features_out(self):
        return self.settings_["latent"]

    def _rows(self, X, reset=False):
        if self.likelihood == "mixed":
            if not is_frame(X):
                raise ValueError(f"X: expected a DataFrame for the likelihood mixed, got {type(X).__name__}")
            if reset:
                self.feature_names_in_, self.n_features_in_ = np.array(X.columns, dtype=object), X.shape[1]
            return X
        return validate_data(self, X, dtype="float64", reset=reset, ensure_all_finite="allow-nan")

    def _trained(self):
        """The model with its data's preparation; in float64, so that no row's result depends on its neighbors."""
        check_is_fitted(self)
        protocol = Protocol.from_json(self.protocol_)
        model = build_model(self.settings_ | {"dtype": "float64", "backend": "numpy"}, protocol)
        model.theta[...] = self.theta_
        model.state[...] = self.state_
        return Trained(model, protocol, self.settings_["likelihood"])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = self.random_state is None
        return tags
