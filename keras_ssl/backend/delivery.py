"""Handing batches to Keras' training loop without a copy on the way."""

import itertools

import keras

# `fit` takes such an adapter as it is; Keras has no public name for the class
from keras.src.trainers.data_adapters.data_adapter import DataAdapter


class Delivery(DataAdapter):
    """Endless batches in order, each handed over when the loop asks for it.

    Keras wraps a `PyDataset` in an adapter of its own, which copies every batch
    under PyTorch and sends it through a `tf.data` generator under TensorFlow.
    Its loops run just as well on any iterable of tensors. Batches are asked for
    in the loop's own thread, so an error rises there as it is and nothing is
    left running.

    Args:
        batches: `batches[i]` is batch i, a structure of NumPy arrays.
        to_tensor: makes an array what the step takes; `None` leaves it.
    """

    num_batches = None
    batch_size = None

    def __init__(self, batches, to_tensor=None):
        self.batches = batches
        self.to_tensor = to_tensor
        self.on_epoch_begin = batches.on_epoch_begin
        self.on_epoch_end = batches.on_epoch_end

    def __iter__(self):
        for i in itertools.count():
            batch = self.batches[i]
            if self.to_tensor is not None:
                batch = keras.tree.map_structure(self.to_tensor, batch)
            yield batch

    def _itself(self):
        return self

    get_jax_iterator = get_tf_dataset = get_torch_dataloader = _itself
