"""The runs of figures.collapse, in the order in which they are trained: each cure with each seed."""

SEEDS = (0, 1, 2)
BASE = {"data": "names", "hidden": [128], "batch_size": 128, "epochs": 15, "lr": 2e-3, "schedule": "cosine",
        "clip": 5.0}  # fmt: skip
VAE = BASE | {"model": "seqvae", "latent": 16}
CURES = {  # what it is: options
    "lm": ("GRU language model, no z", BASE | {"model": "lm"}),
    "none": ("VAE, no cure", VAE),
    "linear": ("beta rises to 1 over 8 epochs", VAE | {"beta_schedule": "linear", "beta_epochs": 8}),
    "cyclical": ("beta rises three times, each over half of 5 epochs",
                 VAE | {"beta_schedule": "cyclical", "beta_epochs": 5}),
    "free-bits": ("0.25 nats per latent are free", VAE | {"free_bits": 0.25}),
    "dropout": ("the decoder does not see half of the tokens", VAE | {"word_dropout": 0.5}),
    "weak": ("a decoder of 32 units in the place of 128", VAE | {"decoder_hidden": [32]}),
    "aggressive": ("9 steps of the encoder alone behind each step of all, for 8 epochs",
                   VAE | {"aggressive": 9, "aggressive_epochs": 8}),
    "together": ("free bits, a third of the tokens hidden, beta rising over 8 epochs",
                 VAE | {"free_bits": 0.25, "word_dropout": 0.33, "beta_schedule": "linear", "beta_epochs": 8}),
}  # fmt: skip
RUNS = {f"{name}-{seed}": options | {"seed": seed} for seed in SEEDS for name, (_, options) in CURES.items()}
