"""The backend's primitives on PyTorch; meanings in the package docstring."""

import keras
import torch

from keras_ssl.backend.delivery import Delivery
from keras_ssl.backend.scope import scope


def value_and_grad(function, variables):
    with torch.enable_grad():
        scalar, extra = function()
        # not scalar.backward(): it would also fill .grad of whatever else
        # took part, such as a teacher or a second network
        gradients = torch.autograd.grad(
            scalar,
            [variable.value for variable in variables],
            allow_unused=True,
        )
    return (scalar.detach(), extra), list(gradients)


def input_gradient(function, x):
    with torch.enable_grad(), scope():
        x = x.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(function(x), [x])
    return gradient.detach()


def apply_gradients(optimizer, gradients, variables):
    with torch.no_grad():
        optimizer.apply(gradients, variables)


no_grad = torch.no_grad


class TrainStep:
    def train_step(self, data):
        return self.run_step(data)


def feed(model, batches):
    device = keras.ops.zeros(()).device
    if device.type == "cpu":
        # shows the array's memory and keeps it, where Keras would copy
        return Delivery(batches, torch.from_numpy)

    def to_tensor(array):
        tensor = torch.from_numpy(array)
        if device.type == "cuda":  # from pinned memory it is copied meanwhile
            return tensor.pin_memory().to(device, non_blocking=True)
        return tensor.to(device)

    return Delivery(batches, to_tensor)


def peak_memory():
    if not torch.cuda.is_available():
        return None
    return torch.cuda.max_memory_allocated()
