"""A VAE so small that every number in it can be redone on paper: 2 pixels, 1 hidden unit, 1 latent, a fixed eps.

    a = w1 x1 + w2 x2 + b,  h = tanh(a),  mu = m h + m0,  log_var = s h + s0,  std = exp(log_var / 2),
    z = mu + std eps,  l1 = v1 z + c1,  l2 = v2 z + c2,  loss = kl - log_px_z

The steps and their derivatives are kept as text, and each number is the evaluation of its text: the formula that is
shown and the number beside it cannot disagree. `dz` is d loss / d z; `dmu_kl` and `dlog_var_kl`, the parts that come
from the KL, are derivatives of kl alone.
"""

import math
import re
from typing import NamedTuple

import numpy as np

from ..gradcheck.kinks import quotient
from ..plot import BLUE, GREY, ORANGE, figure_to

PARAMETERS = {
    "w1": 0.5, "w2": -1.0, "b": 0.5, "m": 2.0, "m0": -1.0, "s": -1.0, "s0": 0.5,
    "v1": 1.0, "c1": -0.5, "v2": -2.0, "c2": 1.0,
}  # fmt: skip
FORWARD = {
    "a": "w1*x1 + w2*x2 + b",
    "h": "tanh(a)",
    "mu": "m*h + m0",
    "log_var": "s*h + s0",
    "std": "exp(log_var/2)",
    "z": "mu + std*eps",
    "l1": "v1*z + c1", "l2": "v2*z + c2",
    "log_p1": "x1*l1 - log(1 + exp(l1))", "log_p2": "x2*l2 - log(1 + exp(l2))",
    "log_px_z": "log_p1 + log_p2",
    "kl": "(mu^2 + exp(log_var) - 1 - log_var)/2",
    "loss": "kl - log_px_z",
}  # fmt: skip
BACKWARD = {
    "dkl": "1", "dlog_px_z": "-1", "dlog_p1": "dlog_px_z", "dlog_p2": "dlog_px_z",
    "dl1": "dlog_p1*(x1 - sigmoid(l1))", "dl2": "dlog_p2*(x2 - sigmoid(l2))",
    "dv1": "dl1*z", "dc1": "dl1", "dv2": "dl2*z", "dc2": "dl2",
    "dz": "dl1*v1 + dl2*v2",
    "dstd": "dz*eps",
    "dmu_kl": "mu",
    "dmu": "dz + dmu_kl",
    "dlog_var_kl": "(exp(log_var) - 1)/2",
    "dlog_var": "dstd*std/2 + dlog_var_kl",
    "dm": "dmu*h", "dm0": "dmu", "ds": "dlog_var*h", "ds0": "dlog_var",
    "dh": "dmu*m + dlog_var*s",
    "da": "dh*(1 - h^2)",
    "dw1": "da*x1", "dw2": "da*x2", "db": "da",
}  # fmt: skip
FUNCTIONS = {"exp": math.exp, "log": math.log, "tanh": math.tanh, "sigmoid": lambda x: 1 / (1 + math.exp(-x))}
H = 1e-3  # step of the finite differences
LIMIT = 1e-9  # of |formula - finite difference|, which is 1e-12 where the formula is right
CENTER = {"ha": "center", "va": "center"}
PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
NAME = re.compile(r"[a-z]\w*")
# the picture: where the nodes stand, and what small inputs come in above (1) or below (-1) them
PLACES = {
    "x1": (0, 4.1), "x2": (0, 2.1), "a": (1.7, 3.1), "h": (3.05, 3.1), "mu": (4.7, 4.1), "log_var": (4.7, 2.1),
    "std": (6.9, 2.1), "kl": (7.1, 0.2), "z": (8.2, 4.1), "l1": (9.9, 5.1), "l2": (9.9, 3.1), "log_p1": (11.5, 5.1),
    "log_p2": (11.5, 3.1), "log_px_z": (13, 4.1), "loss": (14.5, 4.1),
}  # fmt: skip
SMALL = {
    "a": (1, "w1", "w2", "b"), "mu": (1, "m", "m0"), "log_var": (-1, "s", "s0"), "z": (-1, "eps"),
    "l1": (1, "v1", "c1"), "l2": (-1, "v2", "c2"), "log_p1": (1, "x1"), "log_p2": (-1, "x2"),
}  # fmt: skip


class Pencil(NamedTuple):
    """`values` {"mu": ...}, `grads` {"dmu": ...}, their finite differences `numeric`, and the formulas of `grads`.

    Prints as a table: name, formula, the formula with the numbers put in, number; for derivatives also the finite
    difference and how far they are apart. Numbers put in are rounded for reading, results are not.
    """

    values: dict
    grads: dict
    numeric: dict
    backward: dict

    @property
    def errors(self):
        """{"dmu": |formula - finite difference|, over |formula| where that is above 1}."""
        return {name: abs(g - self.numeric[name]) / max(1, abs(g)) for name, g in self.grads.items()}

    @property
    def ok(self):
        return max(self.errors.values()) < LIMIT

    def __str__(self):
        given = [f"{name} = {self.values[name]:g}" for name in ("x1", "x2", "eps", *PARAMETERS)]
        known = self.values | self.grads
        values = [("value", "formula", "numbers put in", "   number")]
        values += [(name, f, put_in(f, known), f"{known[name]:9.6f}") for name, f in FORWARD.items()]
        derivatives = [("derivative", "formula", "numbers put in", "   number  finite diff.  error")]
        for name, f in self.backward.items():
            end = f"{known[name] + 0.0:9.6f}  {self.numeric[name] + 0.0:12.6f}  {self.errors[name]:.0e}"
            derivatives.append((name, f, put_in(f, known), end + "  NOT OK" * (self.errors[name] >= LIMIT)))
        rule = "dz is d loss / d z; dmu_kl and dlog_var_kl come from kl, the rest of dmu and dlog_var from -log_px_z"
        title = ["  ".join(given[:3]) + "; log_px_z, kl and loss in nats", "  ".join(given[3:])]
        return "\n".join([*title, "", *_aligned(values), "", rule, *_aligned(derivatives)])

    def draw(self, path):
        """The graph, values above gradients; where a node is used twice, its edges carry the parts of its gradient."""
        title = f"loss = kl - log_px_z = {self.values['loss']:.4f} nats\nvalues in blue, d loss / d node in orange; "
        title += "an edge of a node that is used twice carries its part, and the node has their sum"
        with figure_to(path, (14, 6)) as figure:
            ax = figure.subplots()
            ax.set(xlim=(-0.7, 15.2), ylim=(-0.3, 6.8), title=title)
            ax.set_axis_off()
            boxes = {name: self._node(ax, name, at) for name, at in PLACES.items()}
            for name, (x, y) in PLACES.items():
                side, *inputs = SMALL.get(name, (0,))
                for i, part in enumerate(inputs):
                    at = (x + 0.72 * (i - (len(inputs) - 1) / 2), y + 1.27 * side)
                    _arrow(ax, self._node(ax, part, at, small=True), boxes[name])
                for source, back in self.incoming(name).items():
                    _arrow(ax, boxes[source], boxes[name], bent=source == "kl")
                    if sum(source in NAME.findall(formula) for formula in FORWARD.values()) > 1:
                        (x0, y0), t = PLACES[source], 0.4 if name in ("std", "kl") else 0.5  # clear of their crossing
                        at = x0 + t * (x - x0), y0 + t * (y - y0)
                        ax.text(*at, _short(back), color=ORANGE, size=8.5, zorder=4, bbox=PLAIN, **CENTER)
            for source in ("x1", "x2"):
                _arrow(ax, boxes[source], boxes["a"])

    def incoming(self, name):
        """{node: what comes back to it along its edge to `name`}, d loss / d name times the slope of name's formula."""
        formula = FORWARD.get(name, "")
        sources = [n for n in dict.fromkeys(NAME.findall(formula)) if n in FORWARD]
        top = self.grads.get(f"d{name}", 1.0)
        f = lambda s, n: evaluate(name, formula, self.values | {n: self.values[n] + s})  # noqa: E731
        return {n: top * quotient(lambda s, n=n: f(s, n), H) for n in sources}

    def _node(self, ax, name, at, small=False):
        """A box of name, value and gradient; inputs and data have no gradient here."""
        from matplotlib.patches import FancyBboxPatch

        grad = self.grads.get(f"d{name}", 1.0 if name == "loss" else None)
        lines = [(name, "black"), (_short(self.values[name]), BLUE)]
        lines += [] if grad is None else [(_short(grad), ORANGE)]
        w, h, size, step = (0.62, 0.62, 8.5, 0.22) if small else (0.98, 0.84, 10, 0.27)
        h *= len(lines) / 3
        box = FancyBboxPatch((at[0] - w / 2, at[1] - h / 2), w, h, boxstyle="round,pad=0,rounding_size=0.12",
                             fc="white", ec="none" if small else GREY, lw=1.2, zorder=3)  # fmt: skip
        ax.add_patch(box)
        for i, (text, color) in enumerate(lines):
            y = at[1] + step * ((len(lines) - 1) / 2 - i)
            ax.text(at[0], y, text, color=color, size=size, weight="normal" if i else "bold", zorder=4, **CENTER)
        return box


def pencil(x=(1, 0), eps=0.5, derivatives=None, **parameters):
    """Values, gradients and finite differences of the smallest VAE, for one example.

    Parameters
    ----------
    x : two numbers in [0, 1]
        The pixels.
    eps : float
        The noise, fixed.
    derivatives : dict of str, optional
        Your own formulas in the place of some of `BACKWARD`: {"dstd": "dz*eps*std"}. Wrong ones print NOT OK.
    **parameters : float
        Other values for some of `PARAMETERS`.

    Returns
    -------
    Pencil

    Raises
    ------
    ValueError
        For unknown names, and for a formula that cannot be evaluated.
    """
    for what, given, known in (("parameters", parameters, PARAMETERS), ("derivatives", derivatives or {}, BACKWARD)):
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(f"{what}: expected some of {', '.join(known)}, got {', '.join(unknown)}")
    if len(x) != 2:
        raise ValueError(f"x: expected 2 pixels, got {len(x)}")
    inputs = {"x1": x[0], "x2": x[1], "eps": eps} | PARAMETERS | parameters
    values, backward = run(FORWARD, inputs), BACKWARD | (derivatives or {})
    known = run(backward, values)
    numeric = {}
    for name in backward:  # give the node another value, evaluate what comes after it: loss, or kl for dmu_kl
        node, of = (name[1:-3], "kl") if name.endswith("_kl") else (name[1:], "loss")
        numeric[name] = quotient(lambda s, node=node, of=of: run(FORWARD, inputs, {node: values[node] + s})[of], H)
    return Pencil(values, {name: known[name] for name in backward}, numeric, backward)


def run(formulas, inputs, fixed=None):
    """{name: number} of the inputs and of all formulas, in order; a name in `fixed` keeps the value given there."""
    values = inputs | (fixed or {})
    for name, formula in formulas.items():
        if name not in (fixed or {}):
            values[name] = evaluate(name, formula, values)
    return values


def evaluate(name, formula, values):
    """The number that a formula is, with ^ for powers; ValueError for what is neither a value nor a function."""
    try:
        return float(eval(formula.replace("^", "**"), {"__builtins__": {}}, FUNCTIONS | values))
    except Exception as error:
        raise ValueError(f"{name}: expected a formula of known values, got {formula} ({error})") from None


def put_in(formula, values):
    """The formula with rounded numbers in the place of names: "m*h + m0" -> "2*0.7616 - 1"."""

    def number(match):
        if match[0] not in values:
            return match[0]
        text = _short(values[match[0]])
        alone = match.start() == 0 or formula[match.start() - 1] == "("
        return f"({text})" if text[0] == "-" and (not alone or formula[match.end() :].startswith("^")) else text

    text = NAME.sub(number, formula)
    for signs, sign in ((r"\+", "-"), ("-", "+")):  # a + (-1) -> a - 1
        text = re.sub(rf"{signs} \(-([^()]+)\)(?!\^)", rf"{sign} \1", text)
    return text


def _short(value):
    return f"{value + 0.0:.4g}"  # -0.0 + 0.0 = 0.0


def _aligned(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _arrow(ax, start, end, bent=False):
    """From the rim of a box to the rim of another, straight or around a corner below `end`."""
    (x0, y0), (x1, y1) = (np.mean(box.get_bbox().get_points(), axis=0) for box in (start, end))
    style = {"arrowstyle": "-|>,head_width=0.2", "color": GREY, "lw": 1.1, "shrinkA": 1, "shrinkB": 1}
    style["connectionstyle"] = "angle,angleA=0,angleB=90,rad=9" if bent else "arc3"
    ends = (_rim(start, x1, y0 if bent else y1), _rim(end, x1 if bent else x0, y0))
    ax.annotate("", ends[1], ends[0], arrowprops=style, zorder=1)


def _rim(box, x, y):
    """Where the line from the middle of a box towards (x, y) leaves it."""
    mid = np.mean(box.get_bbox().get_points(), axis=0)
    d = np.array([x, y]) - mid
    return mid + d / max(2 * abs(d) / (box.get_width(), box.get_height()))
