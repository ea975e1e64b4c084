"""The optimizer of the published semi-supervised benchmarks."""

from typing import Any

import keras
from keras import ops

from keras_ssl import schedules
from keras_ssl.backend import Tensor


@keras.saving.register_keras_serializable("keras_ssl")
class SevenSixteenthsCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate initial * cos(7 pi k / 16 K) at step k of K.

    FixMatch (arXiv 2001.07685; google-research/fixmatch).

    Args:
        initial: learning rate at step 0.
        total_steps: K, the length of the whole training in steps.
    """

    def __init__(self, initial: float = 0.03, total_steps: int = 2**20) -> None:
        super().__init__()
        self.initial = initial
        self.total_steps = total_steps

    def __call__(self, step: Tensor) -> Tensor:
        return self.initial * schedules.cosine_7_16(step, self.total_steps)

    def get_config(self) -> dict[str, Any]:
        return {"initial": self.initial, "total_steps": self.total_steps}


@keras.saving.register_keras_serializable("keras_ssl")
class SGD(keras.optimizers.SGD):
    """Keras' SGD with the papers' weight decay: an L2 penalty on kernels.

    The penalty 0.5 * l2 * ||w||^2 goes through the momentum like any gradient,
    and biases and normalization parameters (vectors) are left out. The
    `weight_decay` of Keras' optimizers is another thing: it shrinks the weights
    beside the momentum, so with momentum 0.9 the same number is ten times
    weaker. (The FixMatch paper is said to lose over 5 points with ten times
    less decay; not checked.)

    Args:
        learning_rate: number or schedule. Defaults to 0.03.
        l2: factor of the penalty. Defaults to 5e-4.
        momentum: defaults to 0.9.
        nesterov: defaults to `True`.
        **kwargs: as `keras.optimizers.SGD`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.03,
        l2: float = 5e-4,
        momentum: float = 0.9,
        nesterov: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            momentum=momentum,
            nesterov=nesterov,
            **kwargs,
        )
        self.l2 = l2

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        if len(variable.shape) > 1:
            gradient = gradient + ops.cast(self.l2, variable.dtype) * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "l2": self.l2}
