"""A training run: its options, what is built from them, and the folder in which it can be killed and resumed."""

from .build import build_model, build_optimizer, check_run, read_data, start
from .folder import Run, check_out, next_name

__all__ = ["Run", "build_model", "build_optimizer", "check_run", "check_out", "next_name", "read_data", "start"]
