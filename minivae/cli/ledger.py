"""minivae ledger: reconstruction against KL in the gradients of a run."""

import numpy as np

from ..backend import generator
from ..evaluate import ledger_line
from ..plot import COLLAPSED, draw_ledger
from ..tables import aligned
from .pictures import drawing


@drawing("ledger.png", lines=(), tables=True, parts=True, codes=True)
def ledger(run, path):
    """Write a picture of the gradients' reconstruction and KL parts, by epoch if trained with ledger = true."""
    history = [line for line in run.finished() if "ledger" in line]
    when = "last"
    if not history:
        model, meta = run.load_model()
        rng = generator(run.settings["seed"], "validation")
        line = ledger_line(model, *run.read_data().pictured, rng, meta["step"])
        history = [{"epoch": meta["epoch"], "ledger": line}]
        when = f"{meta['checkpoint']} checkpoint"
    draw_ledger(history, path)
    kl = np.array(history[-1]["ledger"]["kl"])
    mu = history[-1]["ledger"]["mu"]
    print(f"{when}, epoch {history[-1]['epoch']}: KL in nats, parts of the gradient of mu (root mean square), cosine")
    rows = [("latent", "kl", "reconstruction", "KL part", "cosine", "")]
    for i in np.argsort(-kl, kind="stable"):
        numbers = f"{kl[i]:.4f}", f"{mu['reconstruction'][i]:.4f}", f"{mu['kl'][i]:.4f}", f"{mu['cosine'][i]:.2f}"
        rows.append((f"z[{i}]", *numbers, "collapsed" * bool(kl[i] < COLLAPSED)))
    print(*aligned(rows, "<>>>><"), sep="\n")
