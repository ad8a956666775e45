"""kill -9 at random moments, then --resume, or the same command where no run folder came to be: the same bytes.

Four moments here; `MINIVAE_KILLS=20 python -m pytest tests/test_kill.py` for twenty.
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from test_runs import content

KILLS = int(os.environ.get("MINIVAE_KILLS", "4"))
COMMAND = [sys.executable, "-m", "minivae", "train", "--hidden", "64", "--epochs", "6", "--batch-size", "32"]


def run(*options, kill_after=None):
    """(exit code, stderr) of the command, killed after some seconds if it still runs then."""
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        if kill_after is not None:
            time.sleep(kill_after)
            process.kill()
        error = process.communicate()[1]
    return process.returncode, error


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_kill_at_random_moments(tmp_path):
    began = time.perf_counter()
    assert run("--out", str(tmp_path / "whole")) == (0, "")
    seconds = time.perf_counter() - began
    rng, resumed = np.random.default_rng(), 0  # a new set of moments every time; any of them must pass
    # a quarter in the first hundred milliseconds, the rest spread over the run
    moments = [rng.uniform(0, 0.1) if i % 4 == 0 else rng.uniform(0.1, seconds) for i in range(KILLS)]
    for i, moment in enumerate(moments):
        out = tmp_path / f"killed-{i}"
        run("--out", str(out), kill_after=moment)
        if out.exists():
            assert (out / "last.safetensors").exists()
            options = ["--resume", "--out", str(out)]
            resumed += 1
        else:
            options = ["--out", str(out)]
        assert run(*options) == (0, ""), moment
        assert content(out) == content(tmp_path / "whole"), f"killed after {moment:.3f} s of {seconds:.3f} s"
        assert not list(out.glob(".*"))
        assert not list(tmp_path.glob(".*"))
    print(f"{KILLS} kills, {resumed} resumed, {KILLS - resumed} before there was a run")
