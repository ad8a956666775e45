"""Odd input from everywhere, and what the library makes of it: a finite result, or one clear line.

    python -m tests.fuzz --minutes 10 [--seed 0] [--target folders]      # from the root

Prints how many inputs each target got, and of each fault the smallest input that shows it; exit code 1 if there is one.
"""

import argparse
import contextlib
import os
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))  # where the files beside this one are

import fuzz_calls as calls
import fuzz_files as files
from contract import Outside, short, workshop
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from odd import edits

PLAIN = settings(
    database=None, deadline=None, print_blob=False, verbosity=Verbosity.quiet, suppress_health_check=list(HealthCheck)
)


class Target(NamedTuple):
    """`run(case)` says whether the case succeeded. `share` of the time of a run; `suite`: inputs in the tests."""

    cases: Any
    run: Callable
    share: int
    suite: int


perhaps_edits = st.just([]) | edits
TARGETS = {
    "options": Target(files.given, files.run_options, 3, 400),
    "toml": Target(st.tuples(files.given, perhaps_edits), files.run_toml, 3, 300),
    "npy": Target(st.tuples(files.arrays, files.headers, perhaps_edits, files.protocols), files.run_npy, 3, 200),
    "npz": Target(st.tuples(files.named_arrays, perhaps_edits, files.protocols), files.run_npz, 3, 200),
    "text": Target(
        st.tuples(
            files.lines_of_text, st.sampled_from(["\n", "\r\n", "\r"]), perhaps_edits, st.booleans(), files.of_text
        ),
        files.run_text,
        2,
        200,
    ),
    "idx": Target(st.tuples(st.integers(0, 3), st.booleans(), edits, files.protocols), files.run_idx, 2, 100),
    "folders": Target(files.on_runs([*files.QUICK] * 3 + [*files.PICTURES]), files.run_folder, 10, 300),
    "pictures": Target(files.on_runs([*files.PICTURES]), files.run_picture, 3, 15),
    "calls": Target(calls.altered_calls, calls.run_call, 8, 400),
    "inputs": Target(calls.altered_inputs, calls.run_input, 5, 300),
    "lines": Target(files.command_lines, files.run_line, 8, 200),
}
ROUND = 400  # inputs between two looks at the clock
MEMORY = 8 * 2**30


class Case(NamedTuple):
    """An input, which hypothesis can show."""

    value: object

    def __repr__(self):
        return short(self.value, 2000)


class Tally:
    """What came of the inputs of one target: counts, and the smallest input of each fault."""

    def __init__(self, target):
        self.target = target
        self.counts = {"refused": 0, "succeeded": 0, "outside": 0}
        self.faults = {}  # key: (input as text, message)

    def run(self, case):
        """One input; raises its Outside, if there is one."""
        try:
            succeeded = self.target.run(case)
        except Outside as fault:
            self.counts["outside"] += 1
            found = short(case, 2000), f"{fault}"
            self.faults[fault.key] = min(self.faults.get(fault.key, found), found, key=lambda f: (len(f[0]), f[0]))
            raise
        self.counts["succeeded" if succeeded else "refused"] += 1


def explore(tally, seconds, number):
    """Run inputs until the time is over; each fault is made small once, then passed over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        one_round(tally, end, number)
        number += 1


def one_round(tally, end, number):
    """Some inputs, up to the first fault that was not known before."""
    known = set(tally.faults)

    @seed(number)
    @settings(PLAIN, max_examples=ROUND, phases=[Phase.generate, Phase.shrink], report_multiple_bugs=False)
    @given(tally.target.cases.map(Case))
    def run(case):
        if time.monotonic() > end:
            return
        try:
            tally.run(case.value)
        except Outside as fault:
            if fault.key not in known:
                raise

    with contextlib.suppress(Outside, Flaky):
        run()


def main(argv=None):
    """Explore the targets and print what was found; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--target", choices=tuple(TARGETS))
    options = parser.parse_args(argv)
    tallies = {name: Tally(target) for name, target in TARGETS.items() if options.target in (None, name)}
    shares = sum(tally.target.share for tally in tallies.values())
    with workshop():
        for tally in tallies.values():
            explore(tally, 60 * options.minutes * tally.target.share / shares, options.seed)
    print(f"seed {options.seed}\n{'target':<12}{'inputs':>8}{'refused':>9}{'succeeded':>11}{'outside':>9}{'faults':>8}")
    for name, tally in tallies.items():
        refused, succeeded, outside = tally.counts.values()
        total = refused + succeeded + outside
        print(f"{name:<12}{total:>8}{refused:>9}{succeeded:>11}{outside:>9}{len(tally.faults):>8}")
    for name, tally in tallies.items():
        for text, fault in tally.faults.values():
            print(f"\n{name}: {fault}\n    {text}")
    return 1 if any(tally.faults for tally in tallies.values()) else 0


if __name__ == "__main__":
    os.environ.pop("MINIVAE_DATA", None)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.exit(main())
