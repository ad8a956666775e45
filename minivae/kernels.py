"""Fused operations in CUDA C, as text, and what launches them: one launch where the lines of NumPy take up to twelve.

On a GPU a small step costs its launches, not its arithmetic. The lines that a kernel replaces stay where they are, in
`densities` and `optim`: they are its twin, run everywhere else, and say what is computed. `backend` compiles.
"""

import math

import numpy as np

from .backend import THREADS, array_module, launch

CUDA = r"""
// `real` is float or double. An array is rows of D coordinates. A block works on row r, its threads on the coordinates
// d, and on the rows and coordinates further on where there are more of them.
#define KERNEL(name, ...) extern "C" __global__ void name(long long rows, long long D, __VA_ARGS__)
#define EACH_ROW for (long long r = blockIdx.x; r < rows; r += gridDim.x)
#define EACH for (long long d = threadIdx.x; d < D; d += blockDim.x)
#define IN(a) const real* a, long long a##_step  // from a row of it to the next; 0: one row for all
#define AT(a) a[r * a##_step + d]
#define OUT(a) a[r * D + d]

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
    EACH_ROW EACH OUT(z) = AT(mu) + exp(AT(log_var) / 2) * AT(eps);
}

// dlog_var = dz eps exp(log_var / 2) / 2;   dmu = dz
KERNEL(reparameterize_backward, IN(dz), IN(log_var), IN(eps), real* dlog_var) {
    EACH_ROW EACH OUT(dlog_var) = AT(dz) * AT(eps) * exp(AT(log_var) / 2) / 2;
}

// kl = (mu^2 + exp(log_var) - 1 - log_var) / 2, each latent by itself
KERNEL(kl_standard_normal, IN(mu), IN(log_var), real* kl) {
    EACH_ROW EACH OUT(kl) = (AT(mu) * AT(mu) + exp(AT(log_var)) - 1 - AT(log_var)) / 2;
}

// dmu = g mu, dlog_var = g (exp(log_var) - 1) / 2
KERNEL(kl_standard_normal_backward, IN(g), IN(mu), IN(log_var), real* dmu, real* dlog_var) {
    EACH_ROW EACH {
        OUT(dmu) = AT(g) * AT(mu);
        OUT(dlog_var) = AT(g) * (exp(AT(log_var)) - 1) / 2;
    }
}
"""


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


def each(name, *inputs, n_out=1):
    """`n_out` new arrays, by a kernel that takes each coordinate by itself; in the shape to which the inputs broadcast.

    An axis of one at the end is none: latents (N, L, 1), each by itself, are rows of L.
    """
    shape, like = np.broadcast_shapes(*(a.shape for a in inputs)), inputs[0]
    outputs = [array_module(like).empty(shape, like.dtype) for _ in range(n_out)]
    if len(shape) > 1 and shape[-1] == 1:
        shape, inputs = shape[:-1], [a[..., 0] for a in inputs]
    _launch_rows(name, shape, like.dtype, *_rows(*inputs, like=like, shape=shape), *outputs)
    return outputs if n_out > 1 else outputs[0]


def _launch_rows(name, shape, dtype, *args):
    n = math.prod(shape[:-1])
    launch(CUDA, name, dtype, n, n, shape[-1], *args)


def _rows(*arrays, like, shape):
    """[array, step, array, step, ...]: each broadcast to `shape`; a copy where its rows do not lie in equal steps."""
    xp, args = array_module(like), []
    for a in arrays:
        a = xp.broadcast_to(a.astype(like.dtype, copy=False), shape)
        if a.ndim == 2 and a.strides[1] == a.itemsize:  # as the halves of an encoder's output lie
            args += [a, a.strides[0] // a.itemsize]
        else:
            args += [xp.ascontiguousarray(a), shape[-1]]
    return args
