"""Param, State, and the flat vectors that they are views of.

`module.bind()` lays every parameter below a module into one vector `theta` and every gradient into one vector `grad`:
one fill zeroes, one norm clips, one loop is Adam. Arrays that learn without a gradient lie in `state` and `pull`.
"""

import weakref
from contextlib import contextmanager

import numpy as np

from .backend import array_module, load_backend, to_numpy
from .compiled import marked
from .options import real


class Param:
    """An array that learns by gradient: `data`, and `grad` = d loss / d data. `decay` False: weight decay spares it."""

    root = None  # weak reference to the module whose flat vectors it is a view of

    def __init__(self, data, decay=True):
        self.data = np.asarray(data, dtype="float32")
        self.decay = decay
        self.grad = np.zeros(self.data.shape, "float32")

    @property
    def grad(self):
        """Zero after zero_grad, and again where it was not added to; an array that was read before may lag behind."""
        if self._stale:
            self._grad.fill(0)
            self._stale = False
        return self._grad

    @grad.setter
    def grad(self, array):
        self._grad = array
        self._stale = False

    def zero_grad(self):
        """grad = 0, written only when somebody looks: the first product of a step takes its place."""
        self._stale = True

    def add_product(self, a, b):
        """grad += a @ b, (m, n) @ (n, k), for a grad of m k numbers."""
        grad = self._grad.reshape(len(a), -1)
        if self._stale:
            array_module(a).matmul(a, b, out=grad)
            self._stale = False
        else:
            grad += a @ b


class State:
    """An array that learns without a gradient, by moving towards targets: state += rate * mean(target - state)."""

    root = None

    def __init__(self, data, rate):
        self.data = np.asarray(data, dtype="float32")
        self.pull = np.zeros_like(self.data)
        self.rate = real(closed=True)("rate", rate)
        self.count = 0

    def pull_towards(self, target):
        """Called by a backward with accumulate=True; the optimizer's step applies what has come together."""
        self.pull += target - self.data
        self.count += 1

    def zero_grad(self):
        """Forget what it was pulled to."""
        self.pull.fill(0)
        self.count = 0

    def step(self):
        """Move, and forget what it was pulled to: a second step without a backward between them moves nothing."""
        if self.count:
            self.data += self.rate / self.count * self.pull
            self.zero_grad()


class Constant:
    """An array that never learns, such as a mask: it goes to the dtype and device of the model, and is not saved."""

    def __init__(self, data):
        self.data = np.asarray(data, dtype="float32")


class Module:
    """Something made of parts: Params, States, Constants, other modules, and lists or dicts of them."""

    def named(self, kind):
        """{name: part} of every part of class `kind`, in the order of the attributes; a tied part once."""
        found = {}
        _walk(self, (), kind, found, set())
        return found

    def bind(self, dtype="float32", device="numpy"):
        """Make every Param and State a view of four flat vectors: theta, grad; state, pull. Returns the module.

        Constants take the same dtype and go to the same device: "numpy", "compiled" (NumPy with compiled kernels, which
        needs a C compiler) or "cupy" (a GPU). Raises ValueError for an unknown dtype, an unknown device, or one that
        this machine lacks, and for a part of a larger bound module, which would lose it silently.
        """
        if dtype not in ("float32", "float64"):
            raise ValueError(f"dtype: expected float32 or float64, got {dtype!r}")
        xp = load_backend(device)
        own = self.named(Module).values()
        leaves = self.named((Param, State))
        for name, part in leaves.items():
            if part.root is not None and part.root() not in (None, *own):
                raise ValueError(f"bind: {name} belongs to a bound {type(part.root()).__name__}; bind that instead")
        for part in leaves.values():
            part.root = weakref.ref(self)

        def flat(parts, field):
            vector = xp.empty(sum(getattr(p, field).size for p in parts.values()), dtype)
            slices = {}
            start = 0
            for name, part in parts.items():
                array = getattr(part, field)
                slices[name] = slice(start, start + array.size)
                start += array.size
                view = vector[slices[name]].reshape(array.shape)
                view[...] = xp.asarray(to_numpy(array))
                setattr(part, field, marked(view) if device == "compiled" else view)
            return vector, slices

        for constant in self.named(Constant).values():
            constant.data = xp.asarray(to_numpy(constant.data), dtype)
        self.params = self.named(Param)
        self.states = self.named(State)
        self.theta, self.slices = flat(self.params, "data")
        self._flat_grad, _ = flat(self.params, "grad")
        self.state, _ = flat(self.states, "data")
        self.pull, _ = flat(self.states, "pull")
        return self

    @property
    def grad(self):
        """Every gradient, in one vector; to be read anew after zero_grad."""
        for param in self.params.values():
            param.grad  # noqa: B018 - is written where it is still to be set to zero
        return self._flat_grad

    def zero_grad(self):
        """Set every gradient, pull and count to zero; those of a part alone, if it is one of a bound model's."""
        if "params" not in vars(self):
            for leaf in self.named((Param, State)).values():
                leaf.zero_grad()
            return
        for param in self.params.values():
            param.zero_grad()
        self.pull.fill(0)
        for state in self.states.values():
            state.count = 0

    def arrays(self):
        """{name: array} of all that was learned, parameters and states, as views."""
        return {name: part.data for name, part in (self.params | self.states).items()}

    def updates(self, objective, t):
        """How many of the first t steps descend an objective; the others leave the parameters that it trains alone."""
        return t

    def below(self, prefix):
        """Names of the parameters at or below a part, "encoder" say; all of them below ""."""
        return [name for name in self.params if not prefix or f"{name}.".startswith(f"{prefix}.")]

    def by_objective(self):
        """{objective: names of the parameters that it trains}: each belongs to the first objective that names it.

        A module without `objectives` has one for all of them, "loss".
        """
        objectives = getattr(self, "objectives", {"loss": ("",)})
        owner = {}
        for objective, prefixes in objectives.items():
            for prefix in prefixes:
                for name in self.below(prefix):
                    owner.setdefault(name, objective)
        return {o: [name for name in self.params if owner.get(name) == o] for o in objectives}


def _walk(part, path, kind, found, seen):
    """Add every part of class `kind` at or below `part` to `found`, by its path. Not a closure: those live on."""
    if isinstance(part, list | tuple):
        part = dict(enumerate(part))
    if isinstance(part, dict):
        for key, p in part.items():
            _walk(p, (*path, str(key)), kind, found, seen)
    elif isinstance(part, Param | State | Constant | Module) and id(part) not in seen:
        seen.add(id(part))
        if isinstance(part, kind):
            found[".".join(path)] = part
        if isinstance(part, Module):
            _walk(vars(part), path, kind, found, seen)


@contextmanager
def replaced(part, **attributes):
    """Inside, `part` has these attributes, its methods among them; afterwards those that it had itself."""
    own = vars(part)
    before = {name: own[name] for name in attributes if name in own}
    own.update(attributes)
    try:
        yield
    finally:
        for name in attributes.keys() - before.keys():
            del own[name]
        own.update(before)
