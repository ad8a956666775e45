import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# tests see neither the user's data nor the network: a download goes nowhere
REAL_DATA = os.environ.pop("MINIVAE_DATA", None) or os.environ.get("MINIVAE_REAL_DATA")
if REAL_DATA:
    os.environ["MINIVAE_REAL_DATA"] = REAL_DATA  # of the fixture below, in every process
if "MINIVAE_TEST_CACHE" not in os.environ:  # an empty cache, the same one for every process of this run
    os.environ["MINIVAE_TEST_CACHE"] = tempfile.mkdtemp(prefix="minivae-tests-")
    atexit.register(shutil.rmtree, os.environ["MINIVAE_TEST_CACHE"], ignore_errors=True)
os.environ["XDG_CACHE_HOME"] = os.environ["MINIVAE_TEST_CACHE"]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # several processes share the cores


def _devices():
    """Backends that a test can run on here: NumPy, the strict stand-in of strict.py, and CuPy where there is a GPU."""
    from minivae.backend import available  # NumPy is loaded after the lines above

    cupy = [pytest.param("cupy", marks=pytest.mark.gpu)]
    return ["numpy", "strict", *cupy * (available("cupy") == "cupy")]


@pytest.fixture(params=_devices())
def device(request):
    """The name of a backend: the test runs on each."""
    import strict

    with strict.registered():
        yield request.param


def pytest_configure(config):
    config.addinivalue_line("markers", "pictures: draws what a training draws at its end")
    config.addinivalue_line("markers", "data: needs the real data sets; set MINIVAE_DATA to their folder")
    config.addinivalue_line("markers", "gpu: needs CuPy and a GPU")


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu"):
        from minivae.backend import load_backend  # NumPy is loaded after the lines above

        try:
            load_backend("cupy")
        except ValueError as reason:
            pytest.skip(str(reason))


@pytest.fixture
def no_pictures(monkeypatch):
    """Trainings end without their pictures, which take longer than they do."""
    monkeypatch.setattr("minivae.cli.training.draw_run", lambda run, data: None)


@pytest.fixture
def data_dir():
    if not REAL_DATA:
        pytest.skip("MINIVAE_DATA is not set")
    return Path(REAL_DATA)
