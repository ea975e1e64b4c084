"""A generative adversarial network that classifies: two labels for each digit.

    python examples/gan.py

The generator makes images out of noise. The discriminator tells them from real
ones and, where there are labels, the classes from one another: the better the
fakes, the better it has to know what a digit is. Writes fakes as generated.png.
"""

import os
import pathlib

import keras

import keras_ssl
from keras_ssl.networks import Discriminator, Generator
from keras_ssl.sample_grid import grid, save_png

EPOCHS, STEPS_PER_EPOCH = 10, 200

data = keras_ssl.data.load(
    "mnist" if "KERAS_SSL_DATA" in os.environ else "digits"
)
split = data.split(labels_per_class=2, seed=0)
keras.utils.set_random_seed(0)

discriminator = Discriminator(data.num_classes, data.image_shape)
generator = Generator(100, data.image_shape)
model = keras_ssl.methods.get("improved_gan")(
    discriminator, generator=generator
)
model.compile()
batches = split.batches(
    model, batch_size=20, unlabeled_ratio=4, steps_per_epoch=STEPS_PER_EPOCH
)
model.fit(batches, epochs=EPOCHS, verbose=2)

scores = model.evaluate(*split.test, verbose=0, return_dict=True)
print(f"\naccuracy: {scores['accuracy']:.1%}")
path = pathlib.Path("generated.png")
save_png(path, grid(model.generate(50)))
print(f"images that never were: {path}")
