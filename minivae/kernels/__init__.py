"""Fused operations in CUDA C, as text, and what launches them: one launch where the lines of NumPy take up to twelve.

On a GPU a small step costs its launches, not its arithmetic. The lines that a kernel replaces stay where they are, in
`densities`, `layers` and `optim`: they are its twin, run everywhere else, and say what is computed. `backend` compiles.
"""

import math
from functools import cache

import numpy as np

from ..backend import THREADS, array_module, launch

ROWS = r"""
// `real` is float or double. An array is rows of D coordinates. A block works on row r, its threads on the coordinates
// d, and on the rows and coordinates further on where there are more of them.
#define KERNEL(name, ...) extern "C" __global__ void name(long long rows, long long D, __VA_ARGS__)
#define EACH_ROW for (long long r = blockIdx.x; r < rows; r += gridDim.x)
#define EACH for (long long d = threadIdx.x; d < D; d += blockDim.x)
#define IN(a) const real* a, long long a##_step  // from a row of it to the next; 0: one row for all
#define AT(a) a[r * a##_step + d]
#define OUT(a) a[r * D + d]

// each number by itself, whichever the row: number i is coordinate d of row r
#define STEP (long long)gridDim.x * blockDim.x
#define EACH_NUMBER for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x, r, d; \
                         i < rows * D && (r = i / D, d = i % D, true); i += STEP)
"""

KERNELS = r"""
// Adam: sum_g = b1 sum_g + g, sum_g2 = b2 sum_g2 + g^2, theta -= scale rate sum_g / (sqrt(sum_g2) + tiny).
// No rate is 1. The order of operations is NumPy's, so that the bits are.
extern "C" __global__ void adam(long long n, real* theta, const real* g, real* sum_g, real* sum_g2,
                                real b1, real b2, real tiny, real scale, const real* rate) {
    long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        sum_g2[i] = b2 * sum_g2[i] + g[i] * g[i];
        sum_g[i] = b1 * sum_g[i] + g[i];
        theta[i] -= sum_g[i] / (sqrt(sum_g2[i]) + tiny) * (rate ? rate[i] * scale : scale);
    }
}

// The sum of x over the threads of a block, for thread 0; by a tree, always in the same order: always the same bits.
__device__ real block_sum(real x) {
    __shared__ real part[THREADS];
    part[threadIdx.x] = x;
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    }
    __syncthreads();  // thread 0 has read what the others write for the next row
    return part[0];
}

// log p = sum_d (x - 1/2) l - |l| / 2 - log(1 + exp(-|l|))
KERNEL(bernoulli_log_prob, IN(l), IN(x), real* log_p) {
    EACH_ROW {
        real sum = 0;
        EACH sum += ((2 * AT(x) - 1) * AT(l) - fabs(AT(l))) / 2 - log1p(exp(-fabs(AT(l))));
        sum = block_sum(sum);
        if (threadIdx.x == 0) log_p[r] = sum;
    }
}

// dl = g (x - sigmoid(l)), sigmoid(l) = (1 + tanh(l / 2)) / 2;   g (rows,)
KERNEL(bernoulli_log_prob_backward, const real* g, IN(l), IN(x), real* dl) {
    EACH_ROW EACH OUT(dl) = g[r] * (AT(x) - (1 + tanh(AT(l) / 2)) / 2);
}

// z = mu + exp(log_var / 2) eps
KERNEL(reparameterize, IN(mu), IN(log_var), IN(eps), real* z) {
    EACH_NUMBER OUT(z) = AT(mu) + exp(AT(log_var) / 2) * AT(eps);
}

// dlog_var = dz eps exp(log_var / 2) / 2;   dmu = dz
KERNEL(reparameterize_backward, IN(dz), IN(log_var), IN(eps), real* dlog_var) {
    EACH_NUMBER OUT(dlog_var) = AT(dz) * AT(eps) * exp(AT(log_var) / 2) / 2;
}

// kl = (mu^2 + exp(log_var) - 1 - log_var) / 2, each latent by itself
KERNEL(kl_standard_normal, IN(mu), IN(log_var), real* kl) {
    EACH_NUMBER OUT(kl) = (AT(mu) * AT(mu) + exp(AT(log_var)) - 1 - AT(log_var)) / 2;
}

// dmu = g mu, dlog_var = g (exp(log_var) - 1) / 2
KERNEL(kl_standard_normal_backward, IN(g), IN(mu), IN(log_var), real* dmu, real* dlog_var) {
    EACH_NUMBER {
        OUT(dmu) = AT(g) * AT(mu);
        OUT(dlog_var) = AT(g) * (exp(AT(log_var)) - 1) / 2;
    }
}
"""
CUDA = ROWS + KERNELS


def adam(theta, g, sum_g, sum_g2, b1, b2, tiny, lr, scale):
    """Adam on flat vectors, in place; `lr` is a number, or a vector with a rate for each coordinate."""
    scale, rate = (scale * lr, 0) if isinstance(lr, float) else (scale, lr)  # 0: a null pointer
    n = theta.size
    launch(CUDA, "adam", theta.dtype, -(-n // THREADS), n, theta, g, sum_g, sum_g2, b1, b2, tiny, scale, rate)


def bernoulli_log_prob(logits, x):
    """(..., D), (..., D) -> (...) nats."""
    shape = np.broadcast_shapes(logits.shape, x.shape)
    log_p = array_module(logits).empty(shape[:-1], logits.dtype)
    _launch_rows("bernoulli_log_prob", shape, logits.dtype, *_rows(logits, x, like=logits, shape=shape), log_p)
    return log_p


def bernoulli_log_prob_backward(g, logits, x):
    """The gradient in the logits, (...), (..., D), (..., D) -> (..., D), in the shape to which they broadcast."""
    shape, xp = np.broadcast_shapes(logits.shape, x.shape), array_module(logits)
    dlogits, g = xp.empty(shape, logits.dtype), xp.ascontiguousarray(xp.broadcast_to(g, shape[:-1]), logits.dtype)
    rows = _rows(logits, x, like=logits, shape=shape)
    _launch_rows("bernoulli_log_prob_backward", shape, logits.dtype, g, *rows, dlogits)
    return dlogits


def each(name, *inputs, n_out=1, null=0, text=CUDA):
    """`n_out` new arrays, by a kernel that takes each coordinate by itself; in the shape to which the inputs broadcast.

    An axis of one at the end is none: latents (N, L, 1), each by itself, are rows of L. An input may be None, and
    `null` outputs are not wanted: null pointers.
    """
    shape, like = np.broadcast_shapes(*(a.shape for a in inputs if a is not None)), inputs[0]
    outputs = [array_module(like).empty(shape, like.dtype) for _ in range(n_out)]
    if len(shape) > 1 and shape[-1] == 1:
        shape, inputs = shape[:-1], [a if a is None else a[..., 0] for a in inputs]
    rows, args = math.prod(shape[:-1]), [*_rows(*inputs, like=like, shape=shape), *outputs, *[0] * null]
    launch(text, name, like.dtype, -(-rows * shape[-1] // THREADS), rows, shape[-1], *args)
    return outputs if n_out > 1 else outputs[0]


def _launch_rows(name, shape, dtype, *args):
    n = math.prod(shape[:-1])
    launch(CUDA, name, dtype, n, n, shape[-1], *args)


def _rows(*arrays, like, shape):
    """[array, step, array, step, ...]: each broadcast to `shape`; a copy where its rows do not lie in equal steps.

    None is a null pointer.
    """
    xp, args = array_module(like), []
    for a in arrays:
        if a is None:
            args += [0, 0]
            continue
        a = a.astype(like.dtype, copy=False)
        a = xp.broadcast_to(a, shape if a.ndim > 1 else (math.prod(shape[:-1]), shape[-1]))
        if a.ndim == 2 and a.strides[1] == a.itemsize:  # as the halves of an encoder's output lie
            args += [a, a.strides[0] // a.itemsize]
        else:
            args += [xp.ascontiguousarray(a), shape[-1]]
    return args


# ---- Layers of a Sequential: the b of a product, the activation behind it and the mask of Dropout are one launch

ACTIVATION = r"""
__device__ real larger(real a, real b) { return a > b || a != a ? a : b; }  // NaN passes, as in NumPy's maximum
__device__ real sigmoid(real x) { return (1 + tanh(x / 2)) / 2; }

// out = f(h + b) mask.   Y is f in x; KEPT is x or y; b, mask and kept may be null
KERNEL(activate, IN(h), IN(b), IN(mask), real* out, real* kept) {
    EACH_NUMBER {
        const real x = b ? AT(h) + AT(b) : AT(h), y = Y;
        OUT(out) = mask ? y * AT(mask) : y;
        if (kept) OUT(kept) = KEPT;
    }
}

// dx = dout mask f'.   DX is dy f' in dy and KEPT
KERNEL(activate_backward, IN(dout), IN(kept), IN(mask), real* dx) {
    EACH_NUMBER {
        const real dy = mask ? AT(dout) * AT(mask) : AT(dout), KEPT = AT(kept);
        OUT(dx) = DX;
    }
}
"""
TWINS = {}  # {(forward, backward) of a layer's class: what they are to a kernel}


def twin(what=None, **formulas):
    """Decorator of a layer: its own forward and backward are those of "x W + b", of "x mask", or of these formulas.

    y, dx : CUDA expressions, y in x, dx in dy and what is kept; {self.slope} is a number of the layer.
    keeps : "x", "y", or "y mask" if its sign is enough: no mask is below 0, and where it is 0, dy is.
    """

    def note(cls):
        TWINS[vars(cls)["forward"], vars(cls)["backward"]] = what or formulas
        return cls

    return note


def _twin(layers, i):
    """What layer i is to a kernel; None if there is none, or if a method of it was replaced, which may do anything."""
    methods = (layers[i].forward, layers[i].backward) if 0 <= i < len(layers) else ()
    return TWINS.get(tuple(getattr(method, "__func__", None) for method in methods))


def forward(layers, i, x, noise, caches):
    """y of a Sequential's layer i, or of it and up to two behind it, for which y is x then; adds their caches."""
    if i < len(caches):
        return x
    k = i + (_twin(layers, i) == "x W + b")
    formulas = _twin(layers, k)
    if not isinstance(formulas, dict):
        y, cache = layers[i].forward(x, noise and noise[i])
        caches.append(cache)
        return y
    b, mask = None, noise[k + 1] if noise and _twin(layers, k + 1) == "x mask" else None
    if k > i:
        (x, cache), b = layers[i].forward(x, add_b=False), layers[i].b.data
        caches.append(cache)
    keep = {"x": b is not None, "y": mask is not None, "y mask": False}[formulas["keeps"]]
    out = each("activate", x, b, mask, n_out=1 + keep, null=1 - keep, text=activation(layers[k], formulas))
    y, kept = out if keep else (out, x if formulas["keeps"] == "x" else out)
    caches += [kept] if mask is None else [kept, mask]
    return y


def backward(layers, i, dy, caches, accumulate, need_dx):
    """dx of a Sequential's layer i; of Dropout it is dy, where the activation before it takes its mask over."""
    before, own, behind = (_twin(layers, j) for j in (i - 1, i, i + 1))
    if own == "x mask" and isinstance(before, dict):
        return dy
    if not isinstance(own, dict):
        return layers[i].backward(dy, caches[i], accumulate, need_dx)
    mask = caches[i + 1] if behind == "x mask" else None
    return each("activate_backward", dy, caches[i], mask, text=activation(layers[i], own))


def activation(layer, formulas):
    """The text of its two kernels."""
    return _text(*(formulas[name].format(self=layer) for name in ("y", "dx", "keeps")))


@cache
def _text(y, dx, keeps):
    return f"{ROWS}\n#define Y ({y})\n#define DX ({dx})\n#define KEPT {keeps[0]}\n{ACTIVATION}"
