"""CUDA C, as text: how a kernel walks over rows of numbers, and the kernels of the operations."""

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
// Adam: sum_g = b1 sum_g + g, sum_g2 = b2 sum_g2 + g^2, theta -= rate sum_g / (sqrt(sum_g2) + tiny), where
// rate is rates[i], or the same for all. The order of operations is NumPy's, so that the bits are.
extern "C" __global__ void adam(long long n, real* theta, const real* g, real* sum_g, real* sum_g2,
                                real b1, real b2, real tiny, real rate, const real* rates) {
    long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        sum_g2[i] = b2 * sum_g2[i] + g[i] * g[i];
        sum_g[i] = b1 * sum_g[i] + g[i];
        theta[i] -= sum_g[i] / (sqrt(sum_g2[i]) + tiny) * (rates ? rates[i] : rate);
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

// dl = g (x - sigmoid(l)) = g (x o - o + x) / (1 + o), o = exp(l), which is finite up to 88;   g (rows,)
KERNEL(bernoulli_log_prob_backward, const real* g, IN(l), IN(x), real* dl) {
    EACH_ROW EACH {
        const real odds = exp(AT(l) > 88 ? 88 : AT(l));
        OUT(dl) = g[r] * ((AT(x) * odds - odds + AT(x)) / (1 + odds));
    }
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
