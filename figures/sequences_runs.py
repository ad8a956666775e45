"""The runs of figures.sequences, in the order in which they are trained."""

EXPRESSIONS = {"data": "expressions", "batch_size": 128, "epochs": 15, "lr": 2e-3, "schedule": "cosine",
               "clip": 5.0}  # fmt: skip
TRANSFORMER = {"arch": "transformer", "hidden": [128, 128], "lr": 1e-3, "warm_up": 1.0}
MOLECULES = {"data": "smiles", "batch_size": 64, "hidden": [256], "epochs": 20, "lr": 2e-3, "schedule": "cosine",
             "clip": 5.0}  # fmt: skip
ENCODED = MOLECULES | {"model": "seqvae", "latent": 56, "beta": 0.05, "beta_schedule": "linear", "beta_epochs": 5}
RUNS = {
    "molecules-smiles": ENCODED | {"tokens": "characters"},
    "molecules-selfies": ENCODED | {"tokens": "selfies"},
    "molecules-tight": ENCODED | {"tokens": "characters", "latent": 32, "beta": 0.2},
    "expressions-lm": EXPRESSIONS | {"model": "lm", "hidden": [128]},
    "expressions-vae": EXPRESSIONS | {"model": "seqvae", "hidden": [128], "latent": 16},
    "expressions-free": EXPRESSIONS | {"model": "seqvae", "hidden": [128], "latent": 16, "free_bits": 0.25},
    "expressions-lm-transformer": EXPRESSIONS | {"model": "lm"} | TRANSFORMER,
    "expressions-vae-transformer": EXPRESSIONS | {"model": "seqvae", "latent": 16, "free_bits": 0.25} | TRANSFORMER,
    "molecules-lm-smiles": MOLECULES | {"model": "lm", "tokens": "characters", "epochs": 10},
    "molecules-lm-selfies": MOLECULES | {"model": "lm", "tokens": "selfies", "epochs": 10},
    "shakespeare-lm": {"data": "shakespeare", "tokens": "words", "model": "lm", "hidden": [256], "batch_size": 64,
                       "epochs": 6, "lr": 1e-3, "schedule": "cosine", "clip": 5.0},
    "shakespeare-vae": {"data": "shakespeare", "tokens": "words", "model": "seqvae", "hidden": [256], "latent": 32,
                        "free_bits": 0.2, "word_dropout": 0.3, "batch_size": 64, "epochs": 6, "lr": 1e-3,
                        "schedule": "cosine", "clip": 5.0},
}  # fmt: skip
