"""The kernels of the operations, as text, and what a GPU and a CPU make of its words.

`real` is float or double. An array is rows of D coordinates.

    KERNEL(name, ...)   begins a kernel over `rows` rows of D coordinates
    EACH_ROW            for each row r: on a GPU a block
    EACH                for each coordinate d of row r: on a GPU a thread of the block
    EACH_OF(t, a, b)    the same for t from a to b - 1
    NEXT                before an EACH that adds to what the one before it may have changed
    EACH_TERM(sum)      the same, for what is added to `sum`, and TOTAL(sum) is all of it, once for each row
    EACH_NUMBER         for each number by itself, coordinate d of row r
    IN(a), AT(a)        an array that is read, and its number in row r, coordinate d
    OUT(a)              the same of an array without gaps
"""

DEVICE = r"""
#define FUNCTION __device__
#define KERNEL(name, ...) extern "C" __global__ void name(long long rows, long long D, __VA_ARGS__)
#define EACH_ROW for (long long r = blockIdx.x; r < rows; r += gridDim.x)
#define EACH_OF(t, a, b) for (long long t = (a) + threadIdx.x; t < (b); t += blockDim.x)
#define EACH EACH_OF(d, 0, D)
#define NEXT __syncthreads()
#define EACH_TERM(sum) EACH
#define TOTAL(sum) sum = block_sum(sum); if (threadIdx.x == 0)
#define STEP (long long)gridDim.x * blockDim.x
#define EACH_NUMBER for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x, r, d; \
                         i < rows * D && (r = i / D, d = i % D, true); i += STEP)
#define IN(a) const real* a, long long a##_step  // from a row of it to the next; 0: one row for all
#define AT(a) a[r * a##_step + d]
#define OUT(a) a[r * D + d]

// The sum of x over the threads of a block, for thread 0; by a tree, always in the same order: always the same bits.
FUNCTION real block_sum(real x) {
    __shared__ real part[THREADS];
    part[threadIdx.x] = x;
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    }
    __syncthreads();  // thread 0 has read what the others write for the next row
    return part[0];
}
"""

# Loops that a compiler turns into instructions for several numbers at once, exp and its kin too where the C library has
# them for several numbers (of glibc, below 4 units in the last place).
HOST = r"""
#include <limits.h>  // with glibc, its version
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
#define SEVERAL(name) __attribute__((simd("notinbranch"))) double name(double); \
                      __attribute__((simd("notinbranch"))) float name##f(float);
SEVERAL(exp) SEVERAL(expm1) SEVERAL(log1p) SEVERAL(tanh)
#endif
#endif
#include <tgmath.h>
#define FUNCTION static inline
#define PRAGMA(text) _Pragma(#text)
#define KERNEL(name, ...) void name(long long rows, long long D, __VA_ARGS__)
#define EACH_ROW for (long long r = 0; r < rows; r++)
#define EACH_OF(t, a, b) PRAGMA(omp simd) for (long long t = (a); t < (b); t++)
#define EACH EACH_OF(d, 0, D)
#define NEXT
#define EACH_TERM(sum) PRAGMA(omp simd reduction(+:sum)) for (long long d = 0; d < D; d++)
#define TOTAL(sum)
#define EACH_NUMBER EACH_ROW EACH
#define IN(a) const real* a, long long a##_step
#define AT(a) a[r * a##_step + d]
#define OUT(a) a[r * D + d]
"""

FUNCTIONS = r"""
FUNCTION real larger(real a, real b) { return a > b || a != a ? a : b; }  // NaN passes, as in NumPy's maximum
FUNCTION real sigmoid(real x) { return 1 / (1 + exp(-x)); }
"""

KERNELS = r"""
// Adam: g = scale g, theta -= lr decay theta, sum_g = b1 sum_g + g, sum_g2 = b2 sum_g2 + g^2,
// theta -= rate sum_g / (sqrt(sum_g2) + tiny), rate = lr unit. lr is lrs[i], or the same for all; scale (), lrs and
// decay may be null. The order of operations is NumPy's, so that the bits are.
KERNEL(adam, real* theta, const real* grad, real* sum_g, real* sum_g2, real b1, real b2, real tiny, real lr, real rate,
       real unit, const real* lrs, const real* scale, const real* decay) {
    const real factor = scale ? scale[0] : 1;
    EACH_NUMBER {
        const real g = factor * OUT(grad);
        if (decay) OUT(theta) -= (lrs ? OUT(lrs) : lr) * OUT(decay) * OUT(theta);
        OUT(sum_g2) = b2 * OUT(sum_g2) + g * g;
        OUT(sum_g) = b1 * OUT(sum_g) + g;
        OUT(theta) -= OUT(sum_g) / (sqrt(OUT(sum_g2)) + tiny) * (lrs ? OUT(lrs) * unit : rate);
    }
}

// average += share (theta - average)
KERNEL(follow, real* average, const real* theta, real share) {
    EACH_NUMBER OUT(average) += share * (OUT(theta) - OUT(average));
}

KERNEL(logistic, IN(x), real* y) {
    EACH_NUMBER OUT(y) = sigmoid(AT(x));
}

// log p = sum_d (x - 1/2) l - |l| / 2 - log(1 + exp(-|l|))
KERNEL(bernoulli_log_prob, IN(l), IN(x), real* log_p) {
    EACH_ROW {
        real sum = 0;
        EACH_TERM(sum) sum += ((2 * AT(x) - 1) * AT(l) - fabs(AT(l))) / 2 - log1p(exp(-fabs(AT(l))));
        TOTAL(sum) log_p[r] = sum;
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

// An image (N, h, w, c) and its patches, columns (N, h_out, w_out, kh, kw, c): columns[n, i, j, k, l] is the pixel
// y = sh i + k - ph, x = sw j + l - pw of image n. Of patch j only the l from FIRST to END - 1 lie in the image.
#define SIZES long long h, long long w, long long c, long long h_out, long long w_out, long long kh, long long kw, \
              long long sh, long long sw, long long ph, long long pw
#define FIRST (sw * j < pw ? pw - sw * j : 0)
#define END (sw * j + kw > w + pw ? w + pw - sw * j : kw)

// a row is a patch
KERNEL(image_to_columns, const real* image, real* columns, SIZES) {
    EACH_ROW {
        const long long j = r % w_out, i = r / w_out % h_out, n = r / w_out / h_out;
        for (long long k = 0; k < kh; k++) {
            const long long y = sh * i + k - ph, inside = y >= 0 && y < h && END > FIRST;
            const real* from = image + ((n * h + y) * w + sw * j - pw) * c;
            real* to = columns + r * D + k * kw * c;
            const long long a = inside ? FIRST * c : kw * c, b = inside ? END * c : kw * c;
            EACH_OF(t, 0, a) to[t] = 0;
            EACH_OF(t, a, b) to[t] = from[t];
            EACH_OF(t, b, kw * c) to[t] = 0;
        }
    }
}

// a row is a row y of an image, to which the patches are added that reach it
KERNEL(columns_to_image, const real* columns, real* image, SIZES) {
    EACH_ROW {
        const long long y = r % h, n = r / h;
        EACH OUT(image) = 0;
        for (long long k = (y + ph) % sh; k < kh; k += sh) {
            const long long i = (y + ph - k) / sh;
            if (y + ph < k || i >= h_out) continue;
            for (long long j = 0; j < w_out; j++) {
                const real* from = columns + (((n * h_out + i) * w_out + j) * kh + k) * kw * c;
                real* to = image + r * D + (sw * j - pw) * c;
                NEXT;
                EACH_OF(t, FIRST * c, END * c) to[t] += from[t];
            }
        }
    }
}

// log N = -1/2 sum_d log 2 pi + log_var + u^2, u = (x - mu) exp(-log_var / 2), over what was observed
KERNEL(gaussian_log_prob, IN(x), IN(mu), IN(log_var), IN(observed), real log_2pi, real* log_p) {
    EACH_ROW {
        real sum = 0;
        EACH_TERM(sum) {
            const real u = (AT(x) - AT(mu)) * exp(AT(log_var) / -2);
            sum += observed == 0 || AT(observed) != 0 ? log_2pi + AT(log_var) + u * u : 0;
        }
        TOTAL(sum) log_p[r] = sum / -2;
    }
}

// dmu = g u / std, dlog_var = g (u^2 - 1) / 2;   g (rows,), dx = -dmu
KERNEL(gaussian_log_prob_backward, const real* g, IN(x), IN(mu), IN(log_var), IN(observed), real* dx, real* dmu,
       real* dlog_var) {
    EACH_ROW EACH {
        const real inv_std = exp(AT(log_var) / -2), u = (AT(x) - AT(mu)) * inv_std;
        const int counts = observed == 0 || AT(observed) != 0;
        OUT(dmu) = counts ? g[r] * u * inv_std : 0;
        OUT(dx) = -OUT(dmu);
        OUT(dlog_var) = counts ? g[r] * (u * u - 1) / 2 : 0;
    }
}
"""
