"""Peers side by side: the same work in minivae, PyTorch and JAX, checked to be the same, then timed in turns."""
