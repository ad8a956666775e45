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

from ..gradcheck.kinks import quotient
from ..tables import aligned, four_digits

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
NAME = re.compile(r"[a-z]\w*")


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
        return all(error < LIMIT for error in self.errors.values())  # NaN is not

    def __str__(self):
        given = [f"{name} = {self.values[name]:g}" for name in ("x1", "x2", "eps", *PARAMETERS)]
        known = self.values | self.grads
        values = [("value", "formula", "numbers put in", "   number")]
        values += [(name, f, put_in(f, known), f"{known[name]:9.6f}") for name, f in FORWARD.items()]
        derivatives = [("derivative", "formula", "numbers put in", "   number  finite diff.  error")]
        for name, f in self.backward.items():
            end = f"{known[name] + 0.0:9.6f}  {self.numeric[name] + 0.0:12.6f}  {self.errors[name]:.0e}"
            derivatives.append((name, f, put_in(f, known), end + "  NOT OK" * (not self.errors[name] < LIMIT)))
        rule = "dz is d loss / d z; dmu_kl and dlog_var_kl come from kl, the rest of dmu and dlog_var from -log_px_z"
        title = ["  ".join(given[:3]) + "; log_px_z, kl and loss in nats", "  ".join(given[3:])]
        return "\n".join([*title, "", *aligned(values, "<"), "", rule, *aligned(derivatives, "<")])

    @property
    def edges(self):
        """{(node, node that uses it): what comes back along it}, d loss / d user times the slope of its formula."""
        parts = {}
        for user, formula in FORWARD.items():
            top = self.grads.get(f"d{user}", 1.0)
            for node in dict.fromkeys(name for name in NAME.findall(formula) if name in FORWARD):

                def f(s, node=node, user=user, formula=formula):
                    return evaluate(user, formula, self.values | {node: self.values[node] + s})

                parts[node, user] = top * quotient(f, H)
        return parts


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
    values = run(FORWARD, inputs)
    backward = BACKWARD | (derivatives or {})
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
        text = four_digits(values[match[0]])
        alone = match.start() == 0 or formula[match.start() - 1] == "("
        return f"({text})" if text[0] == "-" and (not alone or formula[match.end() :].startswith("^")) else text

    text = NAME.sub(number, formula)
    for signs, sign in ((r"\+", "-"), ("-", "+")):  # a + (-1) -> a - 1
        text = re.sub(rf"{signs} \(-([^()]+)\)(?!\^)", rf"{sign} \1", text)
    return text
