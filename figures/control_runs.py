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


UPRIGHT = SPRITES | {"sprites": HEARTS | {"orientation": [0]}, "epochs": 1000}  # as many steps, of fewer images
UPRIGHT_METHODS = {
    "upright1": ("beta-VAE, beta 1", {"model": "vae", "beta": 1.0}, 5),
    "upright4": ("beta-VAE, beta 4", {"model": "vae", "beta": 4.0}, 5),
}


def seeds_of(method):
    """Names of the runs of a method, one for each seed."""
    return [f"sprites-{method}-seed{seed}" for seed in range((METHODS | UPRIGHT_METHODS)[method][2])]


QUADRANTS = {"data": "static-mnist", "hidden": [500, 500], "batch_size": 100, "schedule": "cosine", "epochs": 16}
CONDITIONAL = {  # of structured prediction: name: (what it is, options)
    "net": ("plain net", {"model": "net", "dropout": 0.3}),
    "cvae": ("CVAE, learned prior", {"model": "cvae", "prior": "learned", "latent": 50, "beta_schedule": "linear",
                                     "beta_epochs": 4}),
}  # fmt: skip
PUBLISHED = {1: (99.75, 63.91), 2: (62.18, 44.73), 3: (25.99, 20.95)}  # quadrants: NLL of the net and of the CVAE
FEW = {"data": "mnist", "validation": 10_000, "schedule": "cosine"}
M2 = FEW | {"model": "m2", "labelled": 100, "hidden": [200], "latent": 16, "batch_size": 100, "beta": 2.0, "alpha": 1.0,
            "dropout": 0.5, "labels_first": 4, "epochs": 12}  # fmt: skip
M1 = FEW | {"model": "vae", "hidden": [400], "latent": 10, "batch_size": 200, "epochs": 15}
BY_CLASS = FEW | {"model": "cvae", "hidden": [400, 200], "latent": 8, "batch_size": 128, "epochs": 15}
LABEL_DRAWS = 5
SOURCES = {"data": "sources", "likelihood": "gaussian", "standardize": True, "hidden": [100, 100], "latent": 5,
           "activation": "leaky-relu", "epochs": 60, "batch_size": 128, "lr": 3e-3, "schedule": "cosine"}  # fmt: skip
MIXED = {"count": 5, "rows": 1000, "columns": 10, "layers": 2}  # 40 segments of 1,000 rows
SOURCE_SEEDS = 5  # each with sources and a mixture of its own

RUNS = {
    f"sprites-{method}-seed{seed}": SPRITES | options | {"seed": seed}
    for seed in range(5)
    for method, (_, options, seeds) in METHODS.items()
    if seed < seeds
}
RUNS |= {
    f"sprites-{method}-seed{seed}": UPRIGHT | options | {"seed": seed}
    for seed in range(5)
    for method, (_, options, _) in UPRIGHT_METHODS.items()
}
RUNS |= {
    f"quadrants{q}-{kind}": QUADRANTS | {"quadrants": q} | options
    for q in PUBLISHED
    for kind, (_, options) in CONDITIONAL.items()
}
RUNS |= {
    f"{name}-seed{seed}": M2 | options | {"seed": seed}
    for seed in range(LABEL_DRAWS)
    for name, options in (("m2", {}), ("m2-labels", {"labels_only": True}))
}
RUNS |= {
    f"sources-{model}-seed{seed}": SOURCES | {"sources": MIXED | {"seed": seed}, "model": model, "seed": seed}
    for seed in range(SOURCE_SEEDS)
    for model in ("vae", "ivae")
}
RUNS |= {"m1": M1, "by-class": BY_CLASS}
EDITS = {  # picture: (run, what it is, options of `minivae edit`)
    "scale": ("sprites-tcvae-seed0", "beta-TCVAE of hearts, their scale", ["--attribute", "scale"]),
    "x": ("sprites-tcvae-seed0", "beta-TCVAE of hearts, their place", ["--attribute", "x"]),
    "direction": ("m1", "VAE of MNIST, a direction for each class", []),
    "class": ("by-class", "CVAE of MNIST, another class", []),
    "few": ("m2-seed0", "M2 of 100 labels, another class", []),
}  # fmt: skip
