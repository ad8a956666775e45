"""A trained model together with what prepares its data: raw data in, and out again in their own units."""

from dataclasses import replace

import numpy as np

from .backend import generator, take, to_numpy
from .data import batches
from .data.tables import labels_of_column
from .evaluate import codes, posteriors, row_scores, tokens_of
from .evaluate import impute as impute_rows
from .finite import finite_rows
from .metrics import BATCH
from .numeric import at_once
from .options import real, whole
from .runs import Run

SAMPLES = 100  # of z for each row, where nothing else is asked for


def load_run(path, argument=None):
    """The model of a run folder with its data's preparation, by its best checkpoint.

    Parameters
    ----------
    path : str or path
        What `minivae train` wrote.
    argument : str, optional
        As for `Trained`.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If the folder is missing, damaged or something else.
    """
    run = Run.open(path)
    model, _ = run.load_model()
    return Trained(model, run.protocol, run.settings["likelihood"], lambda: run.read_data().validation, argument)


class Trained:
    """A trained model for raw data, as its training took them: arrays in any of its dtypes, or DataFrames.

    Rows x are prepared as the training rows were, and refused with a ValueError where they do not fit: other sizes,
    columns or categories, another scale, missing values where there were none. What comes back has the shape and the
    units of the data, and for a table its columns and categories.

    Parameters
    ----------
    model : Model
    protocol : Protocol
        What prepares its data.
    likelihood : str
        Its name.
    validation : callable, optional
        Gives the validation split, or None: what `score` compares rows with.
    argument : str, optional
        What messages call the examples and the latents. None: x and z.
    """

    def __init__(self, model, protocol, likelihood, validation=lambda: None, argument=None):
        if model.missing and protocol.missing is None:  # it learned from whole rows, and serves others
            protocol = replace(protocol, missing=0)
        self.model, self.protocol, self.likelihood, self.validation = model, protocol, likelihood, validation
        self.argument = argument

    def encode(self, x, y=None):
        """Mean and standard deviation of q(z | x), (mu, std), (N, L) each; of a model without them its codes z.

        These are numbers (N, L), or where `model.latent` is "codes" whole numbers (N, T).

        Parameters
        ----------
        x : array or DataFrame
            N raw examples.
        y : array, optional
            What a conditional model is given: N labels. Of a table they are values of its label column, which is read
            from x if it is there.
        """
        x, y = self.prepared(x, y)
        if self.model.latent != "gaussian":
            return finite_rows(codes(self.model, x, y), "rows", "codes")
        mu, log_var = posteriors(self.model, x, y)
        return finite_rows(mu, "rows", "mu"), finite_rows(np.exp(0.5 * log_var), "rows", "std")

    def decode(self, z, y=None, draw=False, seed=0, temperature=None, top_k=None):
        """z of `encode` -> N examples in the data's units: the mean of p(x | z), of a table its likeliest cells.

        Of text lines whose tokens are the likeliest, given those before them. With `draw` a sample of p(x | z); then
        `temperature` and `top_k` are as for `sample`.
        """
        name, L, choice = self.argument or "z", self.model.L, self.choice(draw, temperature, top_k)
        if self.model.latent is None:
            raise ValueError(f"model: expected one with latents, {type(self.model).__name__} has none")
        z = np.asarray(z)
        if self.model.latent == "codes":
            z = to_numpy(self.model.code_rows(z, name))
        elif z.dtype.kind not in "iuf" or z.shape[1:] != (L,):
            raise ValueError(f"{name}: expected numbers (N, {L}), got dtype {z.dtype}, shape {z.shape}")
        else:
            z = to_numpy(self.model.rows(z, name, L))
        if self.model.decodes_y or self.protocol.quadrants is not None:
            y = self._labels(y, len(z))
        elif y is not None:
            raise ValueError("y: expected none, the decoder of this model is given none")
        noise = generator(whole(0)("seed", seed), "sample") if draw else None
        return self._original(len(z), y, lambda rows: self.model.decode(z[rows], y=take(y, rows), draw=noise, **choice))

    def sample(self, n, seed=0, y=None, draw=False, temperature=None, top_k=None):
        """n new examples: z from the prior, and of p(x | z) the mean; or with `draw` a sample, with its noise.

        Means alone vary less than the data: columns come out too narrow. Labels y take turns, or else all classes. Of
        text, each token is drawn from softmax(logits / `temperature`) over the `top_k` likeliest, by default 1 and all.
        """
        y = [y] if np.ndim(y) == 0 and y is not None else y
        y = None if y is None else self._labels(y, len(y))
        return self.drawn(whole(1)("n", n), whole(0)("seed", seed), y, draw, temperature, top_k)

    def drawn(self, n, seed, y, draw, temperature=None, top_k=None):
        """The same of labels that are prepared already."""
        rng, choice = generator(seed, "sample"), self.choice(draw, temperature, top_k)
        if y is not None:
            y = np.resize(y, (n, *y.shape[1:]))
        elif self.model.labels is not None and self.model.labels.kind == "classes":
            y = np.arange(n) % self.model.labels.count
        noise = generator(seed, "sample", 1) if draw else None
        sample = self.model.sample
        return self._original(n, y, lambda rows: sample(len(rows), rng, y=take(y, rows), draw=noise, **choice))

    def reconstruct(self, x, y=None):
        """The examples as they come through their mean code; of text, a ValueError where there is no code."""
        return self.through(*self.prepared(x, y))

    def through(self, x, y):
        """The same of rows x (N, D) and labels that are prepared already."""
        if self.protocol.tokens is not None and self.model.latent is None:  # of each token given those before it
            raise ValueError(f"model: expected one with latents, {type(self.model).__name__} has none")
        return self._original(len(x), y, lambda rows: self.model.reconstruct(x[rows], y=take(y, rows)))

    def score(self, x, y=None, samples=SAMPLES, seed=0, threshold=None, progress=False):
        """How likely each example is, in nats: {name: (N,)}.

        Parameters
        ----------
        x, y : as for `encode`
        samples : int
            K, of z for each row.
        seed : int
            Of the noise, which is the same for all rows.
        threshold : float, optional
            From 0 to 1: `unusual` are rows whose score is at or below this quantile of the validation rows.
        progress : bool
            Show a bar on a terminal.

        Returns
        -------
        dict of arrays (N,)
            "elbo", "log_px" (importance sampling), "log_px_z" (reconstruction), "kl", of what was observed: a row with
            more missing values has more; log_px is log p(x, y) of a `multimodal` model that is given y, and elbo of a
            mixture of experts the bound of one z from each, above its ELBO. And of each a "..._quantile": the share of
            the validation rows with at most this value, where there is such a split. A model without evidence has
            "log_px_z" only, with its "elbo" and "kl" where z are codes; one without latents has "log_px". Of text also
            "perplexity", exp(-log_px / tokens), the end mark among them. "unusual", by the first of log_px, elbo and
            log_px_z that there is, if there is a threshold.
        """
        threshold = None if threshold is None else real(below=1)("threshold", threshold)
        x, y = self.prepared(x, y)
        scores = self._scores(x, y, samples, seed, progress)
        finite_rows(np.stack(list(scores.values()), axis=1), "rows", "scores")
        held_out = self.validation()
        if held_out is None:
            if threshold is not None:
                raise ValueError("threshold: expected a run with a validation split, whose rows are compared")
            return scores
        x_usual, y_usual = held_out  # without y where the rows are: log p(x, y) is below log p(x)
        usual = self._scores(x_usual, None if y is None else y_usual, samples, seed, progress)
        for name, values in list(scores.items()):
            ranks = np.searchsorted(np.sort(usual[name]), values, side="right")
            scores[f"{name}_quantile"] = ranks / len(usual[name])
        if threshold is not None:
            by = next(name for name in ("log_px", "elbo", "log_px_z") if name in scores)
            scores["unusual"] = scores[f"{by}_quantile"] <= threshold
        return scores

    def impute(self, x, y=None, samples=SAMPLES, draws=None, seed=0, progress=False):
        """The examples with their missing values filled in; what was observed stays as it is.

        Parameters
        ----------
        x, y : as for `encode`
            Empty cells, NaN or masked values are missing.
        samples : int
            K, of z for each row: more are nearer to the expectation of the missing values given the others.
        draws : int, optional
            M imputations, drawn, in a list: analyzed one by one they show what the missing values leave open.
        seed : int
        progress : bool
            Show a bar on a terminal.

        Raises
        ------
        ValueError
            If the model was trained without missing values, or has no evidence p(x).
        """
        self.check_missing()
        rows, y = self.prepared(x, y)
        filled = impute_rows(self.model, rows, samples, generator(seed, "evaluate"), draws, progress, y)
        finite_rows(filled, "rows", "imputed values")
        return self._filled(x, filled) if draws is None else [self._filled(x, part) for part in filled]

    def check_missing(self):
        """ValueError unless values may be missing, which `impute` fills in."""
        if not self.model.missing:
            raise ValueError("run: impute needs a model that was trained on data with missing values")

    def choice(self, draw, temperature, top_k):
        """{name: value} of how tokens are drawn, of those that are given; ValueError where none are drawn."""
        readers = {"temperature": (real(), temperature), "top_k": (whole(1), top_k)}
        given = {name: read(name, value) for name, (read, value) in readers.items() if value is not None}
        for name in given:
            if self.protocol.tokens is None:
                raise ValueError(f"{name}: expected none, {self.protocol.name} is no text")
            if not draw and self.model.latent is not None:
                raise ValueError(f"{name}: expected draw with it, without which each token is the likeliest")
        return given

    def prepared(self, x, y=None):
        """(rows (N, D), labels) of raw examples, as the model is given them."""
        rows = self.protocol.prepare(x, self.argument or "x", self.likelihood)
        if self.protocol.quadrants is not None:
            if y is not None:
                raise ValueError("y: expected none, it is cut out of the images")
            return self.protocol.parted(rows)
        label = self.protocol.label
        if y is None and self.model.labels is not None and label is not None and label.name in x:
            y = x[label.name]
        return rows, self._labels(y, len(rows))

    def _labels(self, y, n):
        """n labels as the model is given them; of a table they are values of the column that is the label."""
        label = self.protocol.label
        if (y is None) != (self.model.labels is None) and not (y is None and self.model.infers_y):
            wanted = "none" if self.model.labels is None else "labels"
            if label is not None and y is None:
                wanted += f", or a column {label.name} of the table"
            raise ValueError(f"y: expected {wanted}, the model is {'un' * (self.model.labels is None)}conditional")
        if y is None:
            return None
        if label is not None:
            return self.protocol.prepare_labels(labels_of_column(y, label), "y", n)
        return self.protocol.prepare_labels(y, "y", n)

    def _original(self, n, y, decode):
        """decode(rows), (..., D), of n rows, a few at a time, in the data's units; a table gets its labels y last."""
        parts = [to_numpy(decode(rows)) for rows in batches(n, at_once(BATCH, self.model.D or 1))]
        x_hat = finite_rows(np.concatenate(parts), "rows", "x_hat")
        found = self.protocol.original(self.protocol.whole(x_hat, y))
        if y is not None and self.protocol.label is not None:
            return found.assign(**{self.protocol.label.name: self.protocol.label.from_codes(y)})
        return found

    def _scores(self, x, y, samples, seed, progress):
        scores = row_scores(self.model, x, samples, generator(seed, "evaluate"), progress, y)
        if self.protocol.tokens is not None:
            scores["perplexity"] = np.exp(-scores["log_px"] / tokens_of(x))
        return scores

    def _filled(self, x, rows):
        """The raw examples x, and of rows (N, D) those values that are missing in x."""
        found = self.protocol.original(rows)
        if hasattr(found, "columns"):
            return x.assign(**{str(name): x[name].where(x[name].notna(), found[name].to_numpy()) for name in found})
        values = np.ma.filled(np.ma.asarray(x).astype("float64"), np.nan)
        return np.where(np.isnan(values), found.reshape(values.shape), values)
