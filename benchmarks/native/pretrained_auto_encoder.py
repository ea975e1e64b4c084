"""A training step of the first stage of `PretrainedAutoEncoder`."""

from native.auto_encoder import make as make
