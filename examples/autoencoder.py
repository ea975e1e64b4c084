"""An autoencoder that also classifies: two labels for each digit.

    python examples/autoencoder.py

Convolutions squeeze an image into a short code; transposed convolutions make
the image out of the code again, which needs no labels, and one dense layer
tells the class from it, which does. Writes what comes back from the codes as
reconstructions.png. Takes about a minute and a half on two CPU cores; with
KERAS_SSL_DATA set to a folder that holds MNIST it learns that.
"""

import os
import pathlib

import keras
import numpy as np

import keras_ssl
from keras_ssl.networks import ConvDecoder, ConvEncoder
from keras_ssl.sample_grid import grid, save_png

EPOCHS, STEPS_PER_EPOCH = 10, 100

data = keras_ssl.data.load(
    "mnist" if "KERAS_SSL_DATA" in os.environ else "digits"
)
split = data.split(labels_per_class=2, seed=0)
print(f"{data}\n{split}\n")


def train(weight):
    """Trains with so much weight on the images that the decoder makes."""
    keras.utils.set_random_seed(0)
    encoder = ConvEncoder(data.num_classes, data.image_shape, code_size=32)
    decoder = ConvDecoder((32,), data.image_shape)
    model = keras_ssl.methods.get("auto_encoder")(
        encoder, decoder=decoder, unlabeled_weight=weight
    )
    model.compile(keras.optimizers.Adam(1e-3))
    batches = split.batches(
        model, batch_size=20, unlabeled_ratio=4, steps_per_epoch=STEPS_PER_EPOCH
    )
    print(f"weight of the reconstruction: {weight}")
    model.fit(batches, epochs=EPOCHS, verbose=2)
    scores = model.evaluate(*split.test, verbose=0, return_dict=True)
    return model, scores["accuracy"]


_, supervised = train(weight=0.0)
model, accuracy = train(weight=1.0)
print(f"\naccuracy of the supervised encoder: {supervised:.1%}")
print(f"accuracy beside a decoder:          {accuracy:.1%}")

images = split.test[0][:20]
rebuilt = model.reconstruct(images)
rows = [images[:10], rebuilt[:10], images[10:], rebuilt[10:]]
path = pathlib.Path("reconstructions.png")
save_png(path, grid(np.concatenate(rows)))
print(f"images and what came back: {path}")
