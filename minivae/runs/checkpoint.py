"""Checkpoints: one safetensors file each, written whole or not at all, the same bytes for the same numbers. No pickle.

Parameters and states by name, the optimizer's moments as `optimizer.NAME`, and one metadata key, `minivae`, with JSON:
the position (epoch, step), the best value so far, and the settings that decide the numbers.
"""

import json

import numpy as np

from ..backend import place, to_numpy
from ..files import check_file, parse, write_atomic

KEY = "minivae"  # safetensors writes several metadata keys in random order, so there is one


def save(path, model, optimizer, meta):
    """Write model, optimizer and `meta` (a dict that JSON can hold) to `path`."""
    from safetensors.numpy import save as to_bytes

    arrays = {name: np.ascontiguousarray(a) for name, a in to_numpy(_arrays(model, optimizer)).items()}
    try:
        content = to_bytes(arrays, {KEY: json.dumps(meta, sort_keys=True, allow_nan=False)})
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of safetensors, without memory
            raise MemoryError(f"no memory for the bytes of {path}") from None
        raise
    write_atomic(path, content)


def load(path):
    """(arrays by name, meta) of a checkpoint; ValueError if it is missing, damaged or something else."""
    from safetensors import SafetensorError, safe_open

    check_file(path, "checkpoint")
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"checkpoint: {path} is damaged or not a safetensors file ({error})") from None
    try:
        return arrays, parse(metadata[KEY])
    except (KeyError, ValueError, RecursionError):
        raise ValueError(f"checkpoint: {path} was not written by minivae") from None


def restore(model, arrays, optimizer=None, path="checkpoint"):
    """Copy arrays into model and optimizer (None: model only); ValueError unless names, shapes, dtypes, values fit."""
    wanted = _arrays(model, optimizer)
    given = {name: a for name, a in arrays.items() if optimizer is not None or not name.startswith("optimizer.")}
    if set(wanted) != set(given):
        odd = sorted(set(wanted) ^ set(given))[0]
        raise ValueError(f"{path}: {odd} is {'missing' if odd in wanted else 'not part of this model'}")
    for name, target in wanted.items():
        if given[name].shape != target.shape:
            raise ValueError(f"{path}: {name} has shape {given[name].shape}, expected {target.shape}")
        if given[name].dtype != target.dtype:
            raise ValueError(f"{path}: {name} has dtype {given[name].dtype}, expected {target.dtype}")
        if not np.isfinite(given[name]).all():
            raise ValueError(f"{path}: {name} has values that are not finite")
    for name, target in wanted.items():
        target[...] = place(given[name], like=target)


def _arrays(model, optimizer):
    moments = {} if optimizer is None else {f"optimizer.{name}": a for name, a in optimizer.arrays().items()}
    return model.arrays() | moments
