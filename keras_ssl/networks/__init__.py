"""Networks: functions that return a Keras model from images to logits.

They take images as `SSLModel` normalizes them and end in logits; any other
built `keras.Model` of this kind serves as well.
"""

import functools
from collections.abc import Callable
from typing import Any

from keras_ssl import backend as _backend  # noqa: F401  (before Keras loads)
from keras_ssl import registry
from keras_ssl.networks.auto_encoder import (
    ConvDecoder,
    ConvEncoder,
    Discriminator,
    Generator,
)
from keras_ssl.networks.conv_large import ConvLarge
from keras_ssl.networks.gan import DCGAN, GanConv, GanMLP
from keras_ssl.networks.ladder import LadderConv, LadderMLP
from keras_ssl.networks.mlp import MLP
from keras_ssl.networks.small_cnn import SmallCNN
from keras_ssl.networks.vae import (
    AuxiliaryClassifier,
    CodeClassifier,
    DenseClassifier,
)
from keras_ssl.networks.what_where import WhatWhereCNN
from keras_ssl.networks.wide_resnet import WideResNet

NETWORKS = {
    "small_cnn": SmallCNN,
    "mlp": MLP,
    "dense_classifier": DenseClassifier,
    "code_classifier": CodeClassifier,
    "auxiliary_classifier": AuxiliaryClassifier,
    "conv_large": ConvLarge,
    "ladder_mlp": LadderMLP,
    "ladder_conv_fc": functools.partial(LadderConv, "fc"),
    "ladder_conv_small": functools.partial(LadderConv, "small"),
    "ladder_conv_large": functools.partial(LadderConv, "large"),
    "gan_mlp": GanMLP,
    "gan_conv": GanConv,
    "dcgan": DCGAN,
    "wide_resnet_28_2": functools.partial(WideResNet, depth=28, width=2),
    "wide_resnet_28_8": functools.partial(WideResNet, depth=28, width=8),
    "discriminator": Discriminator,
    "conv_encoder": ConvEncoder,
    "adversarial_encoder": functools.partial(
        Discriminator, hidden=(1000, 1000), scale=0.01
    ),
    "what_where_cnn": WhatWhereCNN,
}

__all__ = [
    "AuxiliaryClassifier",
    "CodeClassifier",
    "DenseClassifier",
    "MLP",
    "ConvLarge",
    "LadderConv",
    "LadderMLP",
    "SmallCNN",
    "ConvDecoder",
    "ConvEncoder",
    "Discriminator",
    "Generator",
    "WhatWhereCNN",
    "DCGAN",
    "GanConv",
    "GanMLP",
    "WideResNet",
    "get",
    "names",
]


def names() -> list[str]:
    """The names that `get` takes."""
    return list(NETWORKS)


def get(name: str) -> Callable[..., Any]:
    """The function that makes a network.

    Args:
        name: one of `names()`.

    Returns:
        A function of `num_classes`, `input_shape`, `activation` and `momentum`
        that returns a `keras.Model`.

    Raises:
        ValueError: no network has this name; the closest names are listed.

    Example:

    >>> network = get("mlp")(num_classes=10, input_shape=(28, 28, 1))
    """
    return registry.look_up(NETWORKS, "network", name)
