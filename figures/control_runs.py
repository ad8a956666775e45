"""The runs of figures.control, in the order in which they are trained."""

HEARTS = {"side": 32, "shape": [2], "orientation": [0, 2, 4, 6, 8], "y": list(range(8, 24))}
SPRITES = {"data": "sprites", "sprites": HEARTS, "hidden": [200, 200], "latent": 10, "batch_size": 64, "epochs": 200,
           "lr": 1e-3, "schedule": "cosine"}  # fmt: skip
METHODS = {  # name: (what it is, options, seeds)
    "beta1": ("beta-VAE, beta 1", {"model": "vae", "beta": 1.0}, 5),
    "beta4": ("beta-VAE, beta 4", {"model": "vae", "beta": 4.0}, 5),
    "tcvae": ("beta-TCVAE, beta 6, stratified", {"model": "tcvae", "beta": 6.0, "estimator": "stratified"}, 5),
    "beta2": ("beta-VAE, beta 2", {"model": "vae", "beta": 2.0}, 3),
    "capacity": ("capacity to 10 nats", {"model": "capacity", "capacity": 10.0, "capacity_epochs": 100}, 3),
    "factorvae": ("FactorVAE, gamma 30", {"model": "factorvae", "gamma": 30.0, "critic": [200, 200]}, 3),
    "weighted": ("beta-TCVAE, beta 6, weighted", {"model": "tcvae", "beta": 6.0, "estimator": "weighted"}, 3),
    "beta8": ("beta-VAE, beta 8", {"model": "vae", "beta": 8.0}, 3),
    "beta16": ("beta-VAE, beta 16", {"model": "vae", "beta": 16.0}, 3),
}


def seeds_of(method):
    """Names of the runs of a method, one for each seed."""
    return [f"sprites-{method}-seed{seed}" for seed in range(METHODS[method][2])]


RUNS = {
    f"sprites-{method}-seed{seed}": SPRITES | options | {"seed": seed}
    for seed in range(5)
    for method, (_, options, seeds) in METHODS.items()
    if seed < seeds
}
