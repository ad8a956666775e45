"""Layers, one file per family. Each stands alone: a value, a cache, and the gradient derived by hand."""

from .activations import ACTIVATIONS, ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from .attention import CausalAttention, Positions
from .base import Layer
from .builders import (
    NORMS,
    conv_critic,
    conv_decoder,
    conv_encoder,
    dense_critic,
    dense_decoder,
    dense_encoder,
    gru_decoder,
    gru_encoder,
    spatial_decoder,
    spatial_encoder,
)
from .classes import ONE, EachClass, of_each_class
from .combine import Blocks, Columns, Join, Network, Put, Reshape, Residual, Sequential, Split, Take
from .condition import ColumnsToChannels
from .conv import Conv2d, ConvTranspose2d
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .halves import Halves, beside, left_and_right
from .initialize import glorot, he
from .lines import LineDecoder, LineEncoder, Recurrent, Transformer
from .masked import MaskedConv2d, MaskedDense
from .norm import BatchNorm, GroupNorm, LayerNorm
from .pool import AvgPool2d, MaxPool2d, Upsample
from .quantize import Quantize
from .recurrent import GRU, GRUCell
from .sequences import next_step, transformer, weights_of
from .spectral import Spectral
from .steps import FromZero, Last, Repeat
from .timed import Denoiser, Timed, conv_denoiser, dense_denoiser, sinusoids
from .upward import Upward

__all__ = [
    "ACTIVATIONS", "ELU", "GELU", "GRU", "NORMS", "ONE", "AvgPool2d", "BatchNorm", "Blocks", "CausalAttention",
    "Columns", "ColumnsToChannels", "Conv2d", "ConvTranspose2d", "Denoiser", "Dense", "Dropout", "EachClass",
    "Embedding", "FromZero", "GRUCell", "GroupNorm", "Halves", "Join", "Last", "Layer", "LayerNorm", "LeakyReLU",
    "LineDecoder", "LineEncoder", "MaskedConv2d", "MaskedDense", "MaxPool2d", "Network", "Positions", "Put",
    "Quantize", "ReLU", "Recurrent", "Repeat", "Reshape", "Residual", "Sequential", "SiLU", "Sigmoid", "Softplus",
    "Spectral", "Split", "Take", "Tanh", "Timed", "Transformer", "Upsample", "Upward", "beside", "conv_critic",
    "conv_decoder", "conv_denoiser", "conv_encoder", "dense_critic", "dense_decoder", "dense_denoiser",
    "dense_encoder", "glorot", "gru_decoder", "gru_encoder", "he", "left_and_right", "next_step", "of_each_class",
    "sinusoids", "spatial_decoder", "spatial_encoder", "transformer", "weights_of",
]  # fmt: skip
