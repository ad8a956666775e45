"""CUDA texts on a CPU: the system's C++ compiler and a small scheduler take the place of the GPU.

The threads of a block are fibers. Each runs alone up to its next barrier, in rising or in falling order: what depends
on a barrier that is missing comes out differently in the two orders, and a barrier that only some threads reach is an
error. Blocks run one after the other.

What it proves: the arithmetic, the indices, the sums by a tree, the order and the types of a launch's arguments. What
it cannot prove: that a GPU takes the launch (its limits, its driver), races within a warp or between blocks, and the
last bits of the GPU's own exp, tanh and log1p.
"""

import ctypes
import re
import shutil
import subprocess

import numpy as np

from minivae.backend import cuda_source

COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")

HEADER = r"""
#include <math.h>
#include <ucontext.h>
#include <utility>
#define __global__
#define __device__ static
#define __shared__ static
struct Index { unsigned x; };
static Index threadIdx, blockIdx, blockDim, gridDim;
static ucontext_t scheduler, fibers[1024];
static char stacks[1024][32768];
static bool done[1024];
static void** args;
static void __syncthreads() { swapcontext(&fibers[threadIdx.x], &scheduler); }
"""

FOOTER = r"""
static bool run_blocks(void (*thread)(), bool falling) {  // false: some wait at a barrier that others never reach
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++) {
        for (unsigned t = 0; t < blockDim.x; t++) {
            getcontext(&fibers[t]);
            fibers[t].uc_stack.ss_sp = stacks[t];
            fibers[t].uc_stack.ss_size = sizeof stacks[t];
            fibers[t].uc_link = &scheduler;
            makecontext(&fibers[t], thread, 0);
            done[t] = false;
        }
        for (unsigned ended = 0; ended < blockDim.x;) {  // a turn: every thread, up to its next barrier or its end
            for (unsigned i = 0; i < blockDim.x; i++) {
                threadIdx.x = falling ? blockDim.x - 1 - i : i;
                swapcontext(&scheduler, &fibers[threadIdx.x]);
                ended += done[threadIdx.x];
            }
            if (ended != 0 && ended != blockDim.x) return false;
        }
    }
    return true;
}
static char letter(long long) { return 'l'; }
static char letter(real) { return 'r'; }
static char letter(const real*) { return 'p'; }
template <class... A, size_t... I> void call(void (*f)(A...), std::index_sequence<I...>) { f(*(A*)args[I]...); }
template <class... A> void call(void (*f)(A...)) { call(f, std::index_sequence_for<A...>()); }
template <auto f> void thread() {
    call(f);
    done[threadIdx.x] = true;
}
template <class... A> const char* types(void (*)(A...)) {
    static const char letters[] = {letter(A())..., 0};
    return letters;
}
"""

# of each kernel, for ctypes
EXPORT = """
extern "C" const char* types_{0}() {{ return types({0}); }}
extern "C" bool run_{0}(unsigned grid, unsigned block, bool falling, void** values) {{
    gridDim.x = grid, blockDim.x = block, args = values;
    return run_blocks(thread<{0}>, falling);
}}
"""


def kernel_names(text):
    """The kernels of a text, those that its macros make as well: only the preprocessor knows them all."""
    source = subprocess.run([COMPILER, "-E", "-P", "-x", "c++", "-"], input=text, capture_output=True, text=True)
    return re.findall(r'extern "C" __global__ void (\w+)', source.stdout)


class Kernels:
    """The kernels of a CUDA text, by name; each is f(grid, block, args), as CuPy's are."""

    def __init__(self, text, dtype, folder):
        self.real = np.dtype(dtype).type
        source = cuda_source(text, np.dtype(dtype).name)
        source = HEADER + source + FOOTER + "".join(EXPORT.format(name) for name in kernel_names(source))
        file = folder / "kernels.so"
        command = [COMPILER, "-std=c++17", "-ffp-contract=off", "-shared", "-fPIC", "-x", "c++", "-", "-o", file]
        result = subprocess.run(command, input=source, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        self.library = ctypes.CDLL(str(file))
        self.falling, self.launched = False, []

    def __getitem__(self, name):
        types, run = getattr(self.library, f"types_{name}"), getattr(self.library, f"run_{name}")
        types.restype, run.restype = ctypes.c_char_p, ctypes.c_bool
        run.argtypes = [ctypes.c_uint, ctypes.c_uint, ctypes.c_bool, ctypes.POINTER(ctypes.c_void_p)]

        def launch(grid, block, args):
            letters = types().decode()
            assert len(args) == len(letters), f"{name} takes {len(letters)} arguments, got {len(args)}"
            pairs = zip(args, letters, strict=True)
            boxes = [self._box(a, letter, f"argument {i} of {name}") for i, (a, letter) in enumerate(pairs)]
            pointers = (ctypes.c_void_p * len(boxes))(*(box.ctypes.data for box in boxes))
            self.launched.append(name)
            assert run(*grid, *block, self.falling, pointers), f"{name}: a barrier that not every thread reaches"

        return launch

    def _box(self, value, letter, what):
        """A one-element array that holds the argument as the kernel takes it."""
        if letter == "p" and isinstance(value, np.ndarray):
            assert value.dtype == self.real, f"{what}: {value.dtype}"
            return np.array([value.ctypes.data], np.uintp)
        expected = {"p": np.int64, "l": np.int64, "r": self.real}[letter]
        assert type(value) is expected, f"{what}: {type(value)}"
        assert letter != "p" or value == 0, f"{what}: {value} is no pointer"
        return np.array([value])
