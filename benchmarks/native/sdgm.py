"""A training step of `SDGM`: that of `ADGM`, other things given."""

from native.adgm import make as make
