"""Layers, one file per family. Each stands alone: a value, a cache, and the gradient derived by hand."""

from .activations import ACTIVATIONS, ReLU, Sigmoid, SiLU, Softplus, Tanh
from .base import Layer
from .builders import conv_decoder, conv_encoder, dense_decoder, dense_encoder
from .combine import Blocks, Network, Reshape, Sequential, Split
from .conv import Conv2d, ConvTranspose2d
from .dense import Dense
from .dropout import Dropout
from .initialize import glorot, he
from .norm import LayerNorm

__all__ = [
    "ACTIVATIONS",
    "Blocks",
    "Conv2d",
    "ConvTranspose2d",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Network",
    "ReLU",
    "Reshape",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Split",
    "Tanh",
    "conv_decoder",
    "conv_encoder",
    "dense_decoder",
    "dense_encoder",
    "glorot",
    "he",
]
