import os
from pathlib import Path

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "data: needs the real data sets; set MINIVAE_DATA to their folder")


@pytest.fixture(scope="session")
def real_data_dir():
    return os.environ.get("MINIVAE_DATA")


@pytest.fixture
def data_dir(real_data_dir):
    if not real_data_dir:
        pytest.skip("MINIVAE_DATA is not set")
    return Path(real_data_dir)


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch, real_data_dir):
    """Tests see neither the user's data nor the network: a download goes nowhere."""
    monkeypatch.delenv("MINIVAE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/nonexistent")
