"""Pictures of a table: what commands draw where the data are columns of several kinds."""

from .. import plot
from ..trained import Trained
from .decoding import made_of


def draw_column_samples(run, model, n, seed, path, title, y, seen):
    """n samples with the noise of p(x | z) beside the rows of the split `seen`, column by column."""
    protocol = run.protocol
    trained = Trained(model, protocol, run.settings["likelihood"])
    given = "" if y is None else ", all of one y"
    if y is None and model.labels is not None:
        y, given = seen.y, ", of the same labels"
    made = trained.drawn(n, seed, y, draw=True)
    split = "held-out data" if protocol.n_validation else "training data"
    title = f"{title}: {n:,} rows drawn from the model beside {len(seen.x):,} rows of {split}{given}"
    plot.marginals(protocol.original(seen.x), made, protocol.columns, path, title)


def draw_column_reconstructions(run, model, x, y, path, kind):
    """Rows x (N, D) against what comes back of them, column by column."""
    protocol = run.protocol
    x_hat = Trained(model, protocol, run.settings["likelihood"]).through(x, None if model.labels is None else y)
    title = f"{len(x):,} {kind} rows x, and their reconstructions x_hat = {made_of(model)}"
    plot.reconstructed_columns(protocol.original(x), x_hat, protocol.columns, path, title)
