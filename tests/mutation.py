"""Do the tests see a small error? A seeded sample of mutants of the mathematics, each against its own tests only.

    python -m tests.mutation [--mutants 300] [--seed 0]      # from the root; writes tests/mutation.md

A mutant is the source text with one edit: an operator, comparison, constant, sign, function, argument, condition or
statement. It is killed if one of its tests fails, or if it is not through after SECONDS of processor time; the tests of
the unchanged file come first, must pass, and take well below that. Left out are docstrings, messages of errors, what
only crashes (@, None for what is returned), and defaults of arguments that a function never reads.

Which tests: tests/test_<name>.py and what tests/test_conformance.py says about the file, quick ones first. Of each
model's gradient checks two to four run, and no test whose subject is the gradient check itself ("planted errors").
Why survivors survive is written down in tests/mutation_reasons.toml; without a reason the command exits with 1.

A parent imports what is heavy but not minivae, and forks for each mutant: Linux and its like only. The child's minivae
has the mutated module, hypothesis draws the same examples every time, and there is one thread of BLAS.
"""

import argparse
import ast
import collections
import difflib
import importlib
import math
import os
import random
import resource
import signal
import sys
import textwrap
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minivae"
REPORT, REASONS = ROOT / "tests" / "mutation.md", ROOT / "tests" / "mutation_reasons.toml"
SECONDS = 40  # of processor time that a mutant gets
JOBS = 2
HEAVY = ("numpy", "scipy.stats", "scipy.integrate", "sklearn.datasets", "hypothesis", "pytest")


def conformance(*names):
    return [f"tests/test_conformance.py::{name}" for name in names]


def gradients(*labels):
    return conformance(*(f"test_model_gradient[{label}]" for label in labels))


MIRRORS = {
    "layers": [
        *conformance("test_everything_has_a_case", "test_layer_keeps_dtype_and_arguments", "test_layer_gradient"),
        *conformance("test_layer_two_live_calls", "test_layer_accumulate_and_need_dx"),
        *conformance("test_layer_float32_agrees_with_numpy_float64"),
        "tests/test_layers.py",
        "tests/test_attention.py",
        "tests/test_quantize.py",
        "tests/test_spectral.py",
    ],
    "densities": [
        *conformance("test_operation", "test_operation_float32_agrees_with_numpy_float64"),
        *conformance("test_prior", "test_prior_float32_agrees_with_numpy_float64"),
        "tests/test_densities.py",
        "tests/test_numeric.py",
    ],
    "levels": [
        *conformance("test_operation", "test_operation_float32_agrees_with_numpy_float64"),
        "tests/test_grids.py",
    ],
    "priors": [
        *conformance("test_prior", "test_prior_float32_agrees_with_numpy_float64", "test_prior_kl"),
        "tests/test_priors.py",
        "tests/test_codes.py",
        "tests/test_hierarchy.py",
        *conformance("test_prior_is_the_density_of_its_draws"),
    ],
    "posteriors": [
        "tests/test_posteriors.py",
        *conformance("test_posterior", "test_posterior_float32_agrees_with_numpy_float64"),
        *gradients("vae dense bernoulli", "iwae dense doubly", "iwae dense flow posterior"),
        "tests/test_hierarchy.py",
        *conformance("test_posterior_is_the_density_of_its_draws"),
    ],
    "flows": [*conformance("test_bijector"), "tests/test_flows.py", "tests/test_nvp.py"],
    "likelihoods": [
        *conformance("test_likelihood", "test_likelihood_two_live_calls"),
        *conformance("test_likelihood_float32_agrees_with_numpy_float64"),
        "tests/test_likelihoods.py",
        "tests/test_grids.py",
        *conformance("test_likelihood_is_the_density_of_its_draws"),
    ],
    "optim": ["tests/test_optim.py"],
    "schedules": ["tests/test_schedules.py"],
    "vae": [
        *conformance("test_model_step_is_pure", "test_model_float32_agrees_with_numpy_float64"),
        *gradients("vae dense bernoulli", "vae dense gaussian-full", "vae conv categorical", "vae free bits"),
        "tests/test_vae.py",
    ],
    "iwae": [
        *gradients("iwae dense", "iwae dense doubly", "iwae one sample", "iwae learned prior"),
        "tests/test_iwae.py",
    ],
    "cvae": [*gradients("cvae dense", "cvae conv rows", "cvae learned prior rows"), "tests/test_cvae.py"],
    "ivae": [*gradients("ivae dense"), "tests/test_ivae.py"],
    "net": [*gradients("net dense"), "tests/test_net.py"],
    "m2": [*gradients("m2 dense", "m2 conv labels first"), "tests/test_m2.py"],
    "multimodal": [
        *gradients("multimodal dense product", "multimodal dense mixture"),
        "tests/test_multimodal.py",
    ],
    "halves": [*gradients("halves dense product", "halves conv mixture"), "tests/test_multimodal.py"],
    "hvae": [*gradients("hvae dense two levels", "hvae conv three levels"), "tests/test_hierarchy.py"],
    "ladder": [*gradients("ladder dense two levels", "ladder conv three levels"), "tests/test_hierarchy.py"],
    "flow": [*gradients("flow dense", "flow conv radial"), "tests/test_priors_posteriors.py"],
    "iaf": [*gradients("iaf dense"), "tests/test_priors_posteriors.py"],
    "vamp": [*gradients("vamp dense", "vamp gaussian"), "tests/test_priors_posteriors.py"],
    "mixture": [*gradients("mixture dense"), "tests/test_priors_posteriors.py"],
    "realnvp": [*gradients("realnvp dense"), "tests/test_priors_posteriors.py"],
    "ae": [*gradients("ae dense", "ae gaussian"), "tests/test_ae.py"],
    "capacity": [*gradients("capacity dense"), "tests/test_factors.py"],
    "tcvae": [*gradients("tcvae dense", "tcvae stratified"), "tests/test_factors.py"],
    "factorvae": [*gradients("factorvae dense"), "tests/test_factors.py"],
    "vaegan": [*gradients("vaegan dense", "vaegan conv", "vaegan gaussian"), "tests/test_vaegan.py"],
    "gumbel": [
        *gradients("gumbel dense relaxed", "gumbel dense straight-through", "gumbel dense score"),
        "tests/test_gumbel.py",
    ],
    "gan": [*gradients("gan dense", "gan dense hinge", "gan conv"), "tests/test_gan.py"],
    "aae": [*gradients("aae dense"), "tests/test_aae.py"],
    "vqvae": [*gradients("vqvae dense", "vqvae conv"), "tests/test_vqvae.py"],
    "seqvae": [*gradients("seqvae gru", "seqvae gru layers", "seqvae aggressive"), "tests/test_seqvae.py"],
    "lm": [*gradients("lm gru"), "tests/test_seqvae.py"],
    "ddpm": [*gradients("ddpm dense", "ddpm conv"), "tests/test_ddpm.py"],
    "ppca": [*gradients("ppca"), "tests/test_ppca.py"],
    "nvp": [*gradients("nvp dense", "nvp conv images"), "tests/test_nvp.py"],
}
MODULES = ("optim", "schedules")
OF_MODELS = ("vae", "iwae", "flow", "iaf", "vamp", "mixture", "realnvp", "hvae", "ladder", "capacity", "tcvae",
             "factorvae", "cvae", "ivae", "m2", "net", "ae", "aae", "vaegan", "gan", "vqvae", "gumbel",
             "multimodal", "halves", "seqvae", "lm", "nvp", "ppca", "ddpm")  # fmt: skip
FILES = {file: room for room in ("layers", "densities", "likelihoods", "priors", "posteriors", "flows")
         for file in sorted((PACKAGE / room).glob("*.py")) if file.name != "__init__.py"}  # fmt: skip
FILES |= {PACKAGE / f"{name}.py": name for name in MODULES} | {PACKAGE / "numeric.py": "densities"}
FILES |= {PACKAGE / "models" / f"{name}.py": name for name in OF_MODELS}

# ---- mutants

SYMBOLS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.And: "and", ast.Or: "or",
}  # fmt: skip
SWAPS = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "//", "**": "*", "==": "!=", "!=": "==", "is": "is not",
    "is not": "is", "in": "not in", "not in": "in", "and": "or", "or": "and",
}  # fmt: skip
BOUNDARY, NEGATION = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}, {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
FUNCTIONS = {
    "exp": "log", "log": "exp", "expm1": "exp", "log1p": "log", "sqrt": "cbrt", "sin": "cos", "cos": "sin",
    "tanh": "sin", "sum": "mean", "mean": "sum", "maximum": "minimum", "minimum": "maximum", "max": "min",
    "min": "max", "any": "all", "all": "any", "argmax": "argmin", "zeros": "ones", "ones": "zeros",
    "zeros_like": "ones_like", "ones_like": "zeros_like", "abs": "negative", "subtract": "add", "divide": "multiply",
    "rint": "ceil", "floor": "ceil", "ceil": "floor", "cumsum": "cumprod", "random": "standard_normal",
    "standard_normal": "random", "reversed": "list",
}  # fmt: skip
SYMMETRIC = {"max", "min", "maximum", "minimum", "gcd"}  # in their arguments
BUILTINS = {"min", "max", "any", "all", "reversed"}


class Mutant(NamedTuple):
    """The bytes from `start` to `stop` of a file become `text`; `where` is the function that they stand in."""

    file: Path
    start: int
    stop: int
    text: str
    where: str

    def source(self):
        before = self.file.read_bytes()
        return before[: self.start] + self.text.encode() + before[self.stop :]

    def diff(self):
        """The lines that differ, - and +, without their common indentation."""
        before, after = (s.decode().splitlines() for s in (self.file.read_bytes(), self.source()))
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[3:]
        shown = textwrap.dedent("\n".join(line[1:] for line in lines)).splitlines()
        return "\n".join(line[0] + text for line, text in zip(lines, shown, strict=True))


class Mutator(ast.NodeVisitor):
    """Collects `edits`, (start, stop, text, where), on the way through a syntax tree."""

    def __init__(self, source):
        self.source, self.edits, self.path, self.known = source, set(), [], set()
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def span(self, node):
        return (self.lines[node.lineno - 1] + node.col_offset, self.lines[node.end_lineno - 1] + node.end_col_offset)

    def text(self, node):
        return self.source[slice(*self.span(node))].decode()

    def edit(self, start, stop, text):
        self.edits.add((start, stop, text, ".".join(self.path)))

    def replace(self, node, text):
        self.edit(*self.span(node), text)

    def between(self, left, right, old, *new):
        """Another operator between two operands."""
        start = self.source.index(old.encode(), self.span(left)[1], self.span(right)[0])
        for symbol in new:
            self.edit(start, start + len(old), symbol)

    def visit_ClassDef(self, node):
        self.path.append(node.name)
        self.generic_visit(node)
        self.path.pop()

    def visit_FunctionDef(self, node):
        self.path.append(node.name)
        self.known = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        read = {n.id for part in node.body for n in ast.walk(part) if isinstance(n, ast.Name)}
        arguments = [*node.args.posonlyargs, *node.args.args]
        defaults = list(zip(arguments[len(arguments) - len(node.args.defaults) :], node.args.defaults, strict=True))
        for argument, default in defaults + list(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)):
            if default is not None and argument.arg in read:
                self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self.path.pop()

    def visit(self, node):
        if isinstance(node, ast.AugAssign | ast.Raise) or self.is_call(node) or self.is_written_again(node):
            self.replace(node, "pass")
        super().visit(node)

    def is_call(self, node):
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)

    def is_written_again(self, node):
        """An assignment without which the name still has a value, or to a part of an array."""
        if not isinstance(node, ast.Assign):
            return False
        targets = [part for part in ast.walk(node.targets[0]) if not isinstance(part, ast.Tuple | ast.expr_context)]
        names = {part.id for part in targets if isinstance(part, ast.Name)}
        again = names <= self.known or isinstance(node.targets[0], ast.Subscript)
        self.known |= names
        return again and not any(isinstance(part, ast.Attribute) for part in targets)

    def visit_Raise(self, node):
        """Neither types nor messages of errors."""

    def visit_JoinedStr(self, node):
        """Nor any other message."""

    def visit_BinOp(self, node):
        symbol = SYMBOLS.get(type(node.op))
        if symbol in SWAPS:
            self.between(node.left, node.right, symbol, SWAPS[symbol])
        self.generic_visit(node)

    def visit_Compare(self, node):
        for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            symbol = SYMBOLS[type(op)]
            new = [SWAPS[symbol]] if symbol in SWAPS else [BOUNDARY[symbol], NEGATION[symbol]]
            self.between(left, right, symbol, *new)
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        symbol = SYMBOLS[type(node.op)]
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between(left, right, symbol, SWAPS[symbol])
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        symbol = SYMBOLS[type(node.op)]
        self.between(node.target, node.value, symbol + "=", "=", SWAPS[symbol] + "=")
        self.generic_visit(node)

    def visit_Constant(self, node):
        value = node.value
        if isinstance(value, bool):
            self.replace(node, str(not value))
        elif isinstance(value, int):
            self.replace(node, str(value + 1))
            if value == 1:
                self.replace(node, "0")
        elif isinstance(value, float):
            self.replace(node, repr(value + 1))
            if value:
                self.replace(node, repr(-value))

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.Not | ast.USub):
            self.replace(node, self.text(node.operand))
        if isinstance(node.op, ast.USub) and self.text(node.operand) == "1":
            self.replace(node, "0")
        else:
            self.generic_visit(node)

    def condition(self, node):
        if not isinstance(node.test, ast.Compare | ast.UnaryOp):  # those change by themselves
            simple = isinstance(node.test, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
            self.replace(node.test, f"not {self.text(node.test)}" if simple else f"not ({self.text(node.test)})")
        self.generic_visit(node)

    visit_If = visit_While = visit_IfExp = condition

    def visit_Call(self, node):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in FUNCTIONS and (name in BUILTINS or isinstance(node.func, ast.Attribute)):
            stop = self.span(node.func)[1]
            self.edit(stop - len(name), stop, FUNCTIONS[name])
        if name != "isinstance":
            for left, right in zip(node.args, node.args[1:] if name not in SYMMETRIC else [], strict=False):
                (start, a), (b, stop) = self.span(left), self.span(right)
                self.edit(start, stop, self.text(right) + self.source[a:b].decode() + self.text(left))
            parts = [*node.args, *node.keywords]
            for i in range(max(1, len(node.args) - 1), len(parts)):  # the last of the positional ones, and each by name
                start, stop = self.span(parts[i - 1])[1], self.span(parts[i])[1]
                if self.source[start : self.span(parts[i])[0]].strip() == b",":  # no parentheses
                    self.edit(start, stop, "")
            if len(parts) == len(node.keywords) == 1:
                self.replace(parts[0], "")
        for keyword in node.keywords:
            if keyword.arg == "axis" and self.text(keyword.value) == "0":
                self.replace(keyword.value, "-1")
        self.visit(node.func)
        for part in [*node.args, *(k.value for k in node.keywords)]:
            if not (isinstance(part, ast.Constant) and isinstance(part.value, bool)):  # as if left out
                self.visit(part)


def mutants(file):
    """Every mutant of a file, in order."""
    source = file.read_bytes()
    mutator = Mutator(source)
    mutator.visit(ast.parse(source))
    return [Mutant(file, *edit) for edit in sorted(mutator.edits) if source[edit[0] : edit[1]] != edit[2].encode()]


# ---- running


def load():
    """All that a child would otherwise import again, short of minivae and its tests."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    for name in HEAVY:
        importlib.import_module(name)
    importlib.import_module("pytest").main(["--version"])  # its own plugins


def serve(file, source):
    """From now on the module in `file` is imported from `source`."""
    name = ".".join(file.relative_to(ROOT).with_suffix("").parts)

    class Loader(SourceFileLoader):
        def get_code(self, fullname):
            return compile(source, self.path, "exec", dont_inherit=True)

    class Finder:
        @staticmethod
        def find_spec(fullname, path=None, target=None):
            if fullname == name:
                return importlib.util.spec_from_file_location(name, file, loader=Loader(name, str(file)))

    sys.meta_path.insert(0, Finder)


def start(file, source):
    """A child process that runs the tests of `file` on `source`; it exits with what pytest says."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(10 * SECONDS)  # for what waits and does not work
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30,) * 2)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        os.chdir(ROOT)
        sys.path.insert(0, str(ROOT))
        serve(file, source)
        import hypothesis
        import pytest

        health = list(hypothesis.HealthCheck)
        hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=health)
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "hypothesispytest", "--hypothesis-profile=fixed"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported already
        code = int(pytest.main([*options, *MIRRORS[FILES[file]]]))
    finally:
        os._exit(code)


def verdicts(tasks):
    """(which, "killed" or "hung" or "survived", processor seconds) of each task (file, source), as they end."""
    waiting, running = list(enumerate(tasks))[::-1], {}
    while waiting or running:
        while waiting and len(running) < JOBS:
            i, task = waiting.pop()
            running[start(*task)] = i
        pid, status, usage = os.wait4(-1, 0)
        hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
        verdict = "hung" if hung else "killed" if status else "survived"
        yield running.pop(pid), verdict, usage.ru_utime + usage.ru_stime


def progress(results, total):
    """The same results, and a bar on a terminal, or a line per 25 elsewhere."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread: this process forks
    seen = collections.Counter()
    bar = tqdm(total=total, disable=not sys.stderr.isatty())
    for done, (i, verdict, seconds) in enumerate(results, 1):
        seen[verdict] += 1
        bar.update()
        if bar.disable and (done % 25 == 0 or done == total):
            print(f"{done}/{total}", *(f"{n} {v}" for v, n in seen.items()), flush=True)
        yield i, verdict, seconds
    bar.close()


# ---- the report


def wilson(k, n, z=1.959964):
    """The 95 % interval of a share k / n (Wilson 1927)."""
    p, middle = k / n, k / n + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def place_of(mutant):
    return mutant.file.relative_to(PACKAGE).as_posix(), mutant.where or "module"


def read_reasons():
    """What is to be said of the whole, and {(file, function, diff): (reason, whether the mutant computes the same)}."""
    told = tomllib.loads(REASONS.read_text()) if REASONS.exists() else {}
    entries = told.get("survivor", [])
    reasons = {(e["file"], e["function"], e["diff"].strip()): (e["reason"], e["equivalent"]) for e in entries}
    return told.get("note", ""), reasons


def report(sample, results, baseline, seed, population):
    """(text of the page, number of survivors without a reason)."""
    note, reasons = read_reasons()
    rows = {file: [0, 0, 0, 0.0] for file in FILES}  # mutants, killed, hung, seconds
    survivors = []
    for mutant, (verdict, seconds) in zip(sample, results, strict=True):
        row = rows[mutant.file]
        row[0] += 1
        row[1] += verdict != "survived"
        row[2] += verdict == "hung"
        row[3] += seconds
        if verdict == "survived":
            survivors.append((mutant, *reasons.get((*place_of(mutant), mutant.diff()), ("no reason given", False))))
    n, killed, hung, seconds = (sum(column) for column in zip(*rows.values(), strict=True))
    same = sum(equivalent for *_, equivalent in survivors)
    low, high = wilson(killed, n)
    page = [
        "# Mutants",
        "",
        f"Written by `python -m tests.mutation --mutants {n} --seed {seed}`: {n} of {population:,} possible mutants, "
        "each against its own tests only.",
        "",
        f"**{killed} of {n} killed: {killed / n:.1%}**, 95 % interval {low:.1%} to {high:.1%} (Wilson). {hung} of them "
        f"ran into the limit of {SECONDS} s.",
        f"Of the {n - killed} survivors {same} compute the same as the original; without those {killed} of {n - same}, "
        f"{killed / (n - same):.1%}.",
        "",
        *([note.strip(), ""] if note else []),
        "Seconds are of one processor; first those of the tests on the unchanged file.",
        "",
        "| file | tests | mutants | killed | survived | seconds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for file, (m, k, _, s) in rows.items():
        name = file.relative_to(PACKAGE).as_posix()
        page.append(f"| {name} | {baseline[file]:.1f} s | {m} | {k} | {m - k} | {s:.0f} |")
    page += [f"| all | | {n} | {killed} | {n - killed} | {seconds:.0f} |", "", "## Survivors"]
    for mutant, reason, equivalent in survivors:
        file, function = place_of(mutant)
        page += ["", f"`{file}`, `{function}`: {'the same. ' if equivalent else ''}{reason}"]
        page += ["", "```diff", mutant.diff(), "```"]
    return "\n".join(page) + "\n", sum(reason == "no reason given" for _, reason, _ in survivors)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=300, help="how many (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    options = parser.parse_args(arguments)
    load()
    every = [mutant for file in FILES for mutant in mutants(file)]
    sample = sorted(random.Random(options.seed).sample(every, min(options.mutants, len(every))))
    baseline = {}
    for i, verdict, seconds in verdicts([(file, file.read_bytes()) for file in FILES]):
        file = list(FILES)[i]
        baseline[file] = seconds
        print(f"{file.relative_to(ROOT)}: tests {'pass' if verdict == 'survived' else 'FAIL'} in {seconds:.1f} s")
        if verdict != "survived":
            return 1
    results = [None] * len(sample)
    for i, *result in progress(verdicts([(mutant.file, mutant.source()) for mutant in sample]), len(sample)):
        results[i] = result
    page, unexplained = report(sample, results, baseline, options.seed, len(every))
    REPORT.write_text(page)
    print(f"{REPORT.relative_to(ROOT)}: {page.splitlines()[4]} {unexplained} survivors without a reason")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
