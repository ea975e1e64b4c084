"""The backend's primitives on PyTorch; meanings in the package docstring."""

import ctypes
import sys

import keras
import torch

from keras_ssl.backend import alone
from keras_ssl.backend.delivery import Delivery
from keras_ssl.backend.layer_calls import replace_calls
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
    def compile(self, *args, **kwargs):
        quicken(self)
        super().compile(*args, **kwargs)

    def train_step(self, data):
        return self.run_step(data)


def quicken(model):
    """Lets a model's layers compute by PyTorch's own kernels what they do.

    Keras composes batch normalization of a dozen operations, turns the input of
    a convolution over in memory and back again and adds the bias in a pass of
    its own: half the time of a step.
    """
    calls = {
        keras.layers.BatchNormalization: _normalize,
        keras.layers.Conv2D: _convolve,
    }
    replace_calls(model, calls)


def _convolve(layer, inputs):
    if layer.data_format != "channels_last":
        return type(layer).call(layer, inputs)
    x = inputs.permute(0, 3, 1, 2)  # a view
    padding = 0
    if layer.padding == "same":
        # below and right of an even side there may be one row more
        (top, bottom), (left, right) = map(
            _same_padding,
            inputs.shape[1:3],
            layer.kernel_size,
            layer.strides,
            layer.dilation_rate,
        )
        padding = top, left
        if padding != (bottom, right):
            sides = left, right, top, bottom
            x, padding = torch.nn.functional.pad(x, sides), 0
    strides = layer.strides
    if layer.kernel_size == (1, 1):
        # the same pixels; oneDNN's backward pass with strides writes where it
        # must not if there are few channels (uxlfoundation/oneDNN issue 6035)
        x, strides = x[:, :, :: strides[0], :: strides[1]], 1
    kernel = keras.ops.convert_to_tensor(layer.kernel).permute(3, 2, 0, 1)
    bias = layer.bias
    outputs = torch.nn.functional.conv2d(
        x,
        kernel,
        None if bias is None else keras.ops.convert_to_tensor(bias),
        strides,
        padding,
        layer.dilation_rate,
        layer.groups,
    ).permute(0, 2, 3, 1)
    return outputs if layer.activation is None else layer.activation(outputs)


def _same_padding(size, kernel, stride, dilation):
    """Rows before and after, as Keras and TensorFlow count them."""
    rows = (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1
    missing = max(rows - size, 0)
    return missing // 2, missing - missing // 2


def _normalize(layer, inputs, training=None, mask=None):
    values = inputs.numel() // inputs.shape[layer.axis]  # of a channel
    is_other = layer.renorm or mask is not None
    if not (training and layer.trainable) or is_other or values < 2:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    # low precision would overflow
    dtype = keras.backend.result_type(inputs.dtype, "float32")
    x = keras.ops.cast(inputs, dtype).movedim(layer.axis, 1)
    moving = layer.moving_mean, layer.moving_variance
    mean, variance = (torch.zeros_like(variable.value) for variable in moving)
    outputs = torch.nn.functional.batch_norm(
        x,
        mean,
        variance,
        None if layer.gamma is None else layer.gamma.value,
        None if layer.beta is None else layer.beta.value,
        training=True,
        momentum=1.0,  # the statistics become this batch's
        eps=layer.epsilon,
    )
    for variable, now in (
        (layer.moving_mean, mean),
        # which PyTorch makes unbiased and Keras does not
        (layer.moving_variance, variance * ((values - 1) / values)),
    ):
        old = variable.value
        variable.assign(torch.lerp(old, now.to(old), 1.0 - layer.momentum))
    outputs = outputs.movedim(1, layer.axis)
    return keras.ops.cast(outputs, layer.compute_dtype)


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


def keep_memory():
    # PyTorch takes each tensor from malloc, and glibc gives those of more than
    # 32 MB back at once: the next step's begin with a fault for every page, a
    # quarter of the time of a step of WRN-28-2
    if sys.platform == "linux" and not torch.cuda.is_available():
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:  # musl has none
            trim_threshold, mmap_max = -1, -4  # of malloc.h
            mallopt(mmap_max, 0)
            mallopt(trim_threshold, -1)


process_count = alone.process_count
process_index = alone.process_index
agreed_to_end = alone.agreed_to_end
