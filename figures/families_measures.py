"""What is measured of a run of figures.families: quality, likelihood, what z is like, cost, coverage."""

import time
import tracemalloc

import numpy as np

from minivae.backend import generator, to_numpy
from minivae.data import batches
from minivae.evaluate import codes, has_no_prior, interpolate, log_evidence, mixture_of_codes, standard_error
from minivae.laboratory.units import bits_per_dimension
from minivae.params import replaced

from .families_runs import DATA, FAMILIES, MAIN, OWN, parts_of
from .families_scenes import held_out, known_log_prob, quality, rows_of, scene, unlike
from .families_train import model_of, read

BATCH = 250  # samples at once
K = {"points": 500, "images": 100}  # samples of z for each row, of a bound on log p(x)
WAYS = {"points": 5, "images": 1}  # the same of diffusion, whose z is a way of many steps
ROWS = 1000  # test rows of log p(x), at most
FEW = 100  # the same of images, of diffusion
JUMPS = (5, 20)  # steps of diffusion's other way, which draws no noise on it
MIXTURE = 10  # Gaussians that are fitted to the codes of an autoencoder
PROBED = 1000  # training rows of a linear probe, at most
SOME = (1 / 16, 1 / 4, 1.0)  # marks, of what has samples that take long
WALKS, STOPS = 50, 16
TIMED, LEAST = 100, 0.3  # samples that are timed, again and again for so many seconds


def measured(folder, name):
    """What the page shows of a finished run: of the main ones all, of others how good their samples are at the end."""
    arrays, said = read(folder, name)
    options = said["run"]["options"]
    data_name, family, *_ = parts_of(name)
    of = scene(data_name)
    chosen = [i for i, mark in enumerate(said["marks"]) if (family, data_name) not in OWN or mark in SOME]
    row = said | {part: arrays[part][chosen].tolist() for part in ("seconds", "steps")} | {"quality": []}
    row["marks"] = [said["marks"][mark] for mark in chosen]
    data = None
    for mark in chosen:
        model, data = model_of(options, arrays, mark, data)
        made = samples(model, data, family, data_name, len(of.held))
        row["quality"].append(quality(of, made) if np.isfinite(made).all() else None)
        if name in MAIN:
            row.setdefault("likelihood", []).append(likelihood(model, data, data_name, family))
            if said["marks"][mark] == 1.0:
                row |= {"structure": structure(model, data, of, data_name), "cost": cost(model, data, row)}
                row |= {"ways": ways(model, data, family, of)}
    return row


# ---- Samples


def samples(model, data, family, data_name, n, seed=0):
    """n samples (n, D) in the units of the scene: z from the prior; of points draws of p(x | z), where it has noise."""
    rng = generator(seed, "sample")
    draw = rng if FAMILIES[family].draw[DATA[data_name].kind == "images"] else None
    parts = [to_numpy(model.sample(len(rows), rng, draw=draw)) for rows in batches_of(n)]
    return shown(np.concatenate(parts), data, data_name)


def batches_of(n):
    return [np.arange(n)[rows] for rows in batches(n, BATCH)]


def shown(x, data, data_name):
    """Rows in the units of the scene: points as they are, grey values on [0, 1], spread ones back on their levels."""
    if DATA[data_name].kind == "points":
        return x
    levels = data.protocol.levels
    if levels is not None:  # the level k was spread over k / levels .. (k + 1) / levels
        return (np.floor(x * levels).clip(0, levels - 1) / (levels - 1)).astype("float32")
    return x.clip(0, 1)


def prior_draws(model, n, rng):
    """(u (n, L), f: u -> z): u from N(0, I), and the z that the prior, or a Gaussian of the codes, makes of it."""
    u = rng.standard_normal((n, model.L), dtype="float32")
    if has_no_prior(model):
        mean, square = model.mean.data, model.square.data
        return u, lambda u: mean + np.sqrt(np.maximum(square - mean**2, 0)) * u
    return u, lambda u: u


def decoded(model, z, data, data_name):
    """What rows of z (n, L) decode to, in the units of the scene."""
    return shown(np.concatenate([to_numpy(model.decode(z[rows])) for rows in batches_of(len(z))]), data, data_name)


def ways(model, data, family, of):
    """{another way to sample: its quality, and "sample", milliseconds of one}."""
    found = {}
    if has_no_prior(model):
        x = data.settle(data.train.x, generator(0, "present"))
        with replaced(model, prior=mixture_of_codes(model, x, MIXTURE)):
            found[f"autoencoder, a mixture of {MIXTURE} Gaussians of its codes"] = timed_samples(model, data, of)
    for jumps in JUMPS if family == "ddpm" else ():
        found[f"diffusion (DDPM), {jumps} steps without noise"] = timed_samples(model, data, of, jumps=jumps)
    return found


def timed_samples(model, data, of, **how):
    """The quality of as many samples as there are held-out rows, and "sample", the milliseconds of one."""
    rng, began = generator(0, "sample"), time.process_time()
    made = np.concatenate([to_numpy(model.sample(len(rows), rng, **how)) for rows in batches_of(len(of.held))])
    spent = 1000 * (time.process_time() - began) / len(made)
    return quality(of, shown(made, data, of.name)) | {"sample": spent}


# ---- Likelihood


def likelihood(model, data, data_name, family):
    """{"kind": exact, bound or none; "nats": [mean, standard error] of log p(x) of test rows, and what follows}.

    Of points "beside" is the same less the known log p(x), paired; of images "bits" are those of a grey level.
    """
    kind = kind_of(model)
    if kind == "none":
        return {"kind": kind}
    points, x = DATA[data_name].kind == "points", data.test().x[:ROWS]
    samples = {"exact": 1, "bound": K[DATA[data_name].kind]}[kind]
    if family == "ddpm":
        samples, x = WAYS[DATA[data_name].kind], x if points else x[:FEW]
    log_px = log_evidence(model, x, samples, generator(0, "evaluate", 1))
    found = {"kind": kind, "rows": len(x), "samples": samples, "nats": mean_of(log_px)}
    if points:
        return found | {"beside": mean_of(log_px - known_log_prob(data_name, x))}
    levels = 1 if model.likelihood.n_levels is not None else data.protocol.levels
    mean, error = found["nats"]
    D = x.shape[1]
    return found | {"bits": [bits_per_dimension(-mean, D, levels), bits_per_dimension(error, D, 1)]}


def kind_of(model):
    """What a model says of log p(x): "exact", "bound" or "none"."""
    if model.exact:
        return "exact"
    return "none" if model.log_weights is None else "bound"


def mean_of(values):
    return [float(np.mean(values)), standard_error(np.asarray(values))]


# ---- What z is like


def structure(model, data, of, data_name):
    """Linear probes, walks between draws from the prior, and how much of the prior decodes to nothing like the data.

    "probe": accuracy on held-out rows of a linear classifier of codes, None where nothing encodes; "pixels": the same
    of the rows themselves; "prior_probe": of z from the prior, whose class is that of what it decodes to. "jump": the
    longest of the steps of a walk over its length, in features, the median of the walks; 1 / (STOPS - 1) is even.
    "unlike", of draws from the prior, and "unlike_between", of the middles of walks.
    """
    rng = generator(0, "evaluate", 2)
    u, z_of = prior_draws(model, len(of.held), rng)
    x = decoded(model, z_of(u), data, data_name)
    found = {"unlike": unlike(of, x), "prior_probe": halves_probe(u, of.classify(x))}
    ends, z_of = prior_draws(model, 2 * WALKS, rng)
    u = interpolate(ends[:WALKS], ends[WALKS:], STOPS, "spherical")
    x = decoded(model, z_of(u.reshape(-1, u.shape[-1])), data, data_name)
    middle = x.reshape(WALKS, STOPS, -1)[:, STOPS // 2]
    found |= {"jump": jump(of.features(x).reshape(WALKS, STOPS, -1)), "unlike_between": unlike(of, middle)}
    found |= {"probe": None, "pixels": linear_probe(of.train[:PROBED], of.train_y[:PROBED], of.held, of.held_y)}
    if encodes(model):
        x, own = data.settle(data.train.x[:PROBED], generator(0, "present")), held_out(data)
        rows = rows_of(data_name).kept[1][: len(of.held)]  # those of the scene, as the model sees them
        found["probe"] = linear_probe(codes(model, x), data.train.y[:PROBED], codes(model, own.x[rows]), own.y[rows])
    return found


def encodes(model):
    """Whether something finds the z of an x."""
    return model.latent != "prior"


def linear_probe(z, y, z_held, y_held):
    """[accuracy of a logistic regression on held-out rows, its standard error]."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    right = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300)).fit(z, y).score(z_held, y_held)
    return [float(right), float((right * (1 - right) / len(y_held)) ** 0.5)]


def halves_probe(z, y):
    """The same of a half of the rows on the other; None where all rows are of one class."""
    n = len(z) // 2
    return linear_probe(z[:n], y[:n], z[n:], y[n:]) if len(np.unique(y[:n])) > 1 else None


def jump(h):
    """The longest of the steps of a walk h (n, STOPS, d) over its length, the median over walks that move."""
    steps = np.linalg.norm(np.diff(h, axis=1), axis=-1)
    length = steps.sum(axis=1)
    moved = length > 0
    return float(np.median(steps[moved].max(axis=1) / length[moved])) if moved.any() else None


# ---- Cost


def cost(model, data, row):
    """Milliseconds of a step of the training and of a sample, one thread, and the most memory of a step, in MB."""
    before, n = time.process_time(), 0
    while time.process_time() - before < LEAST:
        model.sample(TIMED, generator(0, "sample"))
        n += TIMED
    sample = 1000 * (time.process_time() - before) / n
    x = data.settle(data.train.x[:128], generator(0, "present"))
    noise = model.draw_noise(generator(0, "noise"), len(x))
    tracemalloc.start()
    model.loss_and_grads(x, noise)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    own = row["marks"].index(1.0)
    step = 1000 * row["seconds"][own] / row["steps"][own] if row["steps"][own] else None
    return {"step": step, "sample": sample, "memory": peak / 1e6}
