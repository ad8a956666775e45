"""kill -9 at random moments, then --resume, or the same command where no run folder came to be: the same bytes.

Four moments here; `MINIVAE_KILLS=20 python -m pytest tests/test_kill.py` for twenty.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_runs import content

KILLS = int(os.environ.get("MINIVAE_KILLS", "4"))
ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # two processes run at a time
COMMAND = [sys.executable, "-m", "minivae", "train", "--hidden", "64", "--epochs", "6", "--batch-size", "32"]


def run(*options, kill_after=None):
    """(exit code, stderr) of the command, killed after some seconds if it still runs then."""
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
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
    rng = np.random.default_rng()  # a new set of moments every time; any of them must pass
    # a quarter in the first hundred milliseconds, the rest spread over the run
    moments = [rng.uniform(0, 0.1) if i % 4 == 0 else rng.uniform(0.1, seconds) for i in range(KILLS)]

    def kill_and_resume(i):
        """Whether there was a run to resume; each kill in a folder of its own."""
        folder = tmp_path / f"killed-{i}"
        folder.mkdir()
        out, moment = folder / "run", moments[i]
        run("--out", str(out), kill_after=moment)
        exists = out.exists()
        assert not exists or (out / "last.safetensors").exists()
        assert run(*["--resume"] * exists, "--out", str(out)) == (0, ""), moment
        assert content(out) == content(tmp_path / "whole"), f"killed after {moment:.3f} s of {seconds:.3f} s"
        assert not list(out.rglob(".*"))
        assert [path.name for path in folder.iterdir()] == ["run"]
        return exists

    with ThreadPoolExecutor(2) as pool:
        resumed = sum(pool.map(kill_and_resume, range(KILLS)))
    print(f"{KILLS} kills, {resumed} resumed, {KILLS - resumed} before there was a run")
