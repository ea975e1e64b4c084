"""The learning rates and optimizers of the papers, where Keras has others."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_ssl import schedules
from keras_ssl.backend import Tensor

if TYPE_CHECKING:
    from keras.optimizers import SGD as KerasSGD
else:
    # what Keras makes of it on this backend: PyTorch's changes all variables in
    # a few calls, but only where the class is this very one
    KerasSGD = type(keras.optimizers.SGD.__new__(keras.optimizers.SGD))


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
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate, then a straight line down to 0.

    Rasmus et al., NeurIPS 2015 (ladder networks).

    Args:
        initial: learning rate until the line begins.
        total_steps: the length of the whole training in steps.
        constant: the part of the training, 0 to 1, at which the line begins.
            Defaults to 0.67; with 1 there is no line.
    """

    def __init__(
        self,
        initial: float,
        total_steps: int,
        constant: float = 0.67,
    ) -> None:
        super().__init__()
        self.initial = initial
        self.total_steps = total_steps
        self.constant = constant

    def __call__(self, step: Tensor) -> Tensor:
        if self.constant >= 1:
            return ops.convert_to_tensor(self.initial, "float32")
        begin = self.constant * self.total_steps
        done = (ops.cast(step, "float32") - begin) / (self.total_steps - begin)
        return self.initial * (1.0 - ops.clip(done, 0.0, 1.0))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial": self.initial,
            "total_steps": self.total_steps,
            "constant": self.constant,
        }


@keras.saving.register_keras_serializable("keras_ssl")
class SGD(KerasSGD):
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

    def _backend_update_step(
        self,
        grads: list[Tensor],
        trainable_variables: list[keras.Variable],
        learning_rate: Tensor,
    ) -> None:
        pairs = zip(grads, trainable_variables, strict=True)
        super()._backend_update_step(
            [self._with_penalty(g, v) for g, v in pairs],
            trainable_variables,
            learning_rate,
        )

    def _with_penalty(self, gradient: Tensor, variable: Any) -> Tensor:
        if len(variable.shape) < 2:
            return gradient
        return gradient + self.l2 * variable.value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "l2": self.l2}


def falling_descent(
    rate: float, falls: list[int], momentum: float
) -> keras.optimizers.Optimizer:
    """Gradient descent with momentum and a rate that falls to a tenth.

    Args:
        rate: learning rate at first.
        falls: steps after which it falls, in order, each at least 0.
        momentum: 0 to 1.
    """
    rates = [rate / 10**count for count in range(len(falls) + 1)]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(falls, rates)
    return keras.optimizers.SGD(schedule, momentum)


@keras.saving.register_keras_serializable("keras_ssl")
class RootedAdam(keras.optimizers.Adam):
    """Keras' Adam with epsilon under the root.

        theta <- theta - rate * m / sqrt(v + epsilon)

    with m and v corrected for their bias. The form of openai/improved-gan: at
    their epsilon of 1e-8 weights with gradients below 1e-4 hardly move, where
    with 1e-8 beside the root they move as much as any.

    Args:
        **kwargs: as `keras.optimizers.Adam`; `epsilon` defaults to 1e-8.
    """

    def __init__(self, *args: Any, epsilon: float = 1e-8, **kwargs: Any):
        super().__init__(*args, epsilon=epsilon, **kwargs)

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        place = self._get_variable_index(variable)
        m, v = self._momentums[place], self._velocities[place]
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        self.assign_add(m, (1 - self.beta_1) * (gradient - m))
        self.assign_add(v, (1 - self.beta_2) * (ops.square(gradient) - v))
        m_hat = m / (1 - ops.power(ops.cast(self.beta_1, m.dtype), step))
        v_hat = v / (1 - ops.power(ops.cast(self.beta_2, v.dtype), step))
        self.assign_sub(
            variable, rate * m_hat * ops.rsqrt(v_hat + self.epsilon)
        )
