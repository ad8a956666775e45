"""python -m bench: time minivae and every installed peer at the same work, in turns."""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from minivae.laboratory.timing import in_turns, quartiles, ratio
from minivae.tables import markdown

from .worker import OURS, PEERS
from .works import WORKS, find

HERE = Path(__file__).parent
MEMORY = (*OURS, "torch")  # whose memory the table shows
LIMIT = 1e-3  # largest difference of a loss, a gradient or a value from ours, as a part of the largest


class Process:
    """A worker, and the conversation with it."""

    def __init__(self, peer, work, threads, path):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        env = os.environ | dict.fromkeys(names, str(threads)) | {"JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-m", f"{__package__}.worker", peer, work, str(threads), str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": HERE.parent}
        self.process = subprocess.Popen(command, env=env, **pipes)
        self.peer = peer
        self._answer()

    def ask(self, *command):
        print(*command, file=self.process.stdin, flush=True)
        return self._answer()

    def close(self):
        with self.process:  # closes its pipes, and waits
            self.process.kill()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.close()
            raise RuntimeError(f"bench: the process of {self.peer} stopped; its message is above")
        return json.loads(line)


def start(key, threads, peers, folder):
    """Processes of the peers that can be started, all checked to compute the same, and their differences."""
    path = Path(folder) / "ours.npz"
    processes = []
    differences = {}
    for peer in peers:
        try:
            process = Process(peer, key, threads, path)
            processes.append(process)
            if peer == "minivae":
                process.ask("save")
            elif peer != "products":
                differences[peer] = process.ask("check")
        except RuntimeError as error:
            print(f"{error}; left out of {key}", file=sys.stderr)
            processes = [p for p in processes if p.peer != peer]
            if peer == "minivae":
                raise SystemExit("bench: there is nothing to compare with") from None
    for peer, difference in differences.items():
        if not difference <= LIMIT:
            raise SystemExit(f"bench: {peer} computes something else at {key}: they differ by {difference:.1e}")
    return processes, differences


def measure(key, threads, peers, rounds, seconds=0.5):
    """{peer: {"times": [...], "mib": peak, "difference": from ours}} of one work.

    Every peer takes its turn in each round, in an order that rotates, and works for about `seconds`, after a rest in
    which the threads of the one before fall asleep and a few repetitions that wake its own.
    """
    _, units = find(key).unit
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            processes, differences = start(key, threads, peers, folder)
            repeat = {}
            for process in processes:
                process.ask("block", 2)
                process.ask("forget")
                repeat[process.peer] = max(1, round(2 * seconds / process.ask("block", 2)))

            def block(process):
                n = repeat[process.peer]
                time.sleep(0.1)
                process.ask("block", max(1, n // 10))
                return process.ask("block", n) / n * units

            times = in_turns({process.peer: partial(block, process) for process in processes}, rounds)
            return {
                p.peer: {"times": times[p.peer], "mib": p.ask("memory"), "difference": differences.get(p.peer)}
                for p in processes
            }
        finally:
            for process in processes:
                process.close()


def summarize(results):
    """The numbers of one work's row: {one of OURS: {peer: ratio to it}}, and which of the others is the fastest."""
    row = {peer: quartiles(r["times"])._asdict() | r for peer, r in results.items()}
    others = [peer for peer in results if peer not in OURS]
    ratios = {
        own: {peer: ratio(results[own]["times"], results[peer]["times"]) for peer in others}
        for own in OURS
        if own in results
    }
    rivals = [peer for peer in others if peer != "products"]
    best = max(rivals, key=lambda peer: ratios["minivae"][peer].median, default=None)
    return {"peers": row, "ratios": ratios, "best": best}


def table(rows):
    """Markdown: one line per work and thread count, medians with quartiles."""
    columns = [f"{own} / {peer}" for own in OURS for peer in ("torch", "best", "products")]
    lines = [("work", "threads", "unit", *PEERS, *columns, "goal / torch", "goal / best", f"MiB: {', '.join(MEMORY)}")]
    for row in rows:
        work, peers, best = WORKS[row["work"]], row["peers"], row["best"]
        cells = [work.name, str(row["threads"]), work.unit[0]]
        for peer in PEERS:
            t = peers.get(peer)
            cells.append(f"{t['median']:.3g} ({t['low']:.3g}-{t['high']:.3g})" if t else "")
        for own in OURS:
            of = {peer: "{1:.2f} ({0:.2f}-{2:.2f})".format(*r) for peer, r in row["ratios"].get(own, {}).items()}
            cells += [of.get("torch", ""), f"{of[best]} {best}" if best in of else "", of.get("products", "")]
        cells += [f"{work.goals[i]}" if work.goals else "" for i in (0, min(row["threads"], 2))]
        cells.append(", ".join(f"{peers[peer]['mib']:.0f}" if peer in peers else "-" for peer in MEMORY))
        lines.append(cells)
    return markdown(*lines)


def import_seconds(rounds=11):
    """Median seconds until minivae.VAE is there, beyond those of `import numpy`, in new processes that take turns."""

    def of(what):
        code = f"import time; t = time.perf_counter(); {what}; print(time.perf_counter() - t)"
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    codes = ("import numpy", "import minivae; minivae.VAE")  # a room of minivae is imported when it is asked for
    seconds = in_turns({code: partial(of, code) for code in codes}, rounds)
    return quartiles([b - a for a, b in zip(*seconds.values(), strict=True)]).median


def versions():
    """What was measured, and on what."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    numbers = {"python": platform.python_version(), "machine": model, "cores": len(os.sched_getaffinity(0))}
    for name in ("numpy", "torch", "jax"):
        if importlib.util.find_spec(name):
            numbers[name] = importlib.metadata.version(name)
    return numbers


def main():
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS), metavar="WORK", help=", ".join(WORKS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--rounds", type=int, default=9, help="turns of every peer (default: 9)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write every time as JSON, to bench/results.json say")
    args = parser.parse_args()
    if args.rounds < 2:
        parser.error(f"--rounds: expected at least 2, got {args.rounds}")
    cores = len(os.sched_getaffinity(0))
    if not all(1 <= n <= cores for n in args.threads):
        parser.error(f"--threads: expected 1 to {cores}, the cores of this machine, got {args.threads}")
    peers = [p for p in PEERS if p in ("minivae", *args.peers) and importlib.util.find_spec(PEERS[p][2])]
    rows = []
    for key in args.works:
        for threads in args.threads:
            rows.append({"work": key, "threads": threads} | summarize(measure(key, threads, peers, args.rounds)))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    print("\n" + table(rows))
    seconds = import_seconds()
    print(f"\nminivae.VAE is there {seconds:.3f} s after NumPy alone would be; goal 0.15")
    if args.out:
        results = {"versions": versions(), "rounds": args.rounds, "rows": rows, "import_seconds": seconds}
        args.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
