"""minivae ledger: reconstruction against KL in the gradients of a run."""

import numpy as np

from ..backend import generator
from ..evaluate import ledger_line
from ..plot import COLLAPSED, draw_ledger
from .pictures import drawing


@drawing("ledger.png")
def ledger(run, path):
    """Write a picture of the gradients' reconstruction and KL parts, by epoch if trained with ledger = true."""
    history = [line for line in run.finished() if "ledger" in line]
    when = "last"
    if not history:
        model, meta = run.load_model()
        rng = generator(run.settings["seed"], "validation")
        line = ledger_line(model, *run.read_data().pictured, rng, meta["step"])
        history, when = [{"epoch": meta["epoch"], "ledger": line}], f"{meta['checkpoint']} checkpoint"
    draw_ledger(history, path)
    kl, mu = np.array(history[-1]["ledger"]["kl"]), history[-1]["ledger"]["mu"]
    print(f"{when}, epoch {history[-1]['epoch']}: KL in nats, parts of the gradient of mu (root mean square), cosine")
    print(f"{'latent':<8}{'kl':>8}{'reconstruction':>16}{'KL part':>10}{'cosine':>8}")
    for i in np.argsort(-kl, kind="stable"):
        print(f"{f'z[{i}]':<8}{kl[i]:8.4f}{mu['reconstruction'][i]:16.4f}{mu['kl'][i]:10.4f}{mu['cosine'][i]:8.2f}"
              + "  collapsed" * bool(kl[i] < COLLAPSED))  # fmt: skip
