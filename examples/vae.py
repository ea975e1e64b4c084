"""A variational autoencoder that classifies: two labels for each digit.

    python examples/vae.py

M2 explains an image by its class and by a style, and learns both from images
without labels too: it adds up what each class would make of them. So it can
write every digit on demand. Writes a column for each as written.png.
"""

import os
import pathlib

import keras
import numpy as np

import keras_ssl
from keras_ssl.sample_grid import grid, save_png

EPOCHS, STEPS_PER_EPOCH = 10, 200

data = keras_ssl.data.load(
    "mnist" if "KERAS_SSL_DATA" in os.environ else "digits"
)
split = data.split(labels_per_class=2, seed=0)
keras.utils.set_random_seed(0)

method = keras_ssl.methods.get("m2")
network = keras_ssl.networks.get(method.default_network)(
    num_classes=data.num_classes, input_shape=data.image_shape
)
model = method(network)
model.compile()
batches = split.batches(
    model, batch_size=20, unlabeled_ratio=4, steps_per_epoch=STEPS_PER_EPOCH
)
model.fit(batches, epochs=EPOCHS, verbose=2)

scores = model.evaluate(*split.test, verbose=0, return_dict=True)
print(f"\naccuracy: {scores['accuracy']:.1%}")
path = pathlib.Path("written.png")
classes = np.arange(50) % data.num_classes
save_png(path, grid(model.generate(50, classes), columns=data.num_classes))
print(f"a column for each class: {path}")
