"""A training step of `GammaLadder`: that of `Ladder`, with the top's cost."""

from native.ladder import make as make
