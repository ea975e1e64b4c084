"""Two labels for each digit: a classifier alone, and with unlabeled images.

    make demo

Takes about a minute and a half on two CPU cores.
"""

import time

import keras
import numpy as np
from sklearn.semi_supervised import LabelSpreading

import keras_ssl

EPOCHS, STEPS_PER_EPOCH = 20, 250

data = keras_ssl.data.load("digits")
split = data.split(labels_per_class=2, seed=0)
print(f"{data}\n{split}\n")


def train(method):
    """Trains one method on the split; returns its accuracy and seconds."""
    keras.utils.set_random_seed(0)
    network = keras_ssl.networks.SmallCNN(
        num_classes=data.num_classes, input_shape=data.image_shape
    )
    model = keras_ssl.methods.get(method)(network)
    model.compile()
    batches = split.batches(
        model,
        batch_size=32,
        unlabeled_ratio=4,
        steps_per_epoch=STEPS_PER_EPOCH,
        reveal_truth=True,  # only to report how right the pseudo-labels are
    )
    print(f"{method}: {EPOCHS * STEPS_PER_EPOCH} steps")
    begun = time.perf_counter()
    model.fit(batches, epochs=EPOCHS, verbose=2)
    seconds = time.perf_counter() - begun
    scores = model.evaluate(*split.test, verbose=0, return_dict=True)
    return scores["accuracy"], seconds


def spread_labels():
    """scikit-learn's way, for comparison: labels spread to near neighbors."""
    (images, labels), (test_images, test_labels) = data.train, data.test
    known = np.full(len(labels), -1)
    known[split.labeled] = labels[split.labeled]
    begun = time.perf_counter()
    model = LabelSpreading(kernel="rbf", gamma=0.25, max_iter=100)
    model.fit(images.reshape(len(images), -1) / 16, known)
    guesses = model.predict(test_images.reshape(len(test_images), -1) / 16)
    return np.mean(guesses == test_labels), time.perf_counter() - begun


rows = {
    "supervised, 20 labeled images": train("supervised"),
    "FixMatch, and 1297 unlabeled": train("fixmatch"),
    "scikit-learn's LabelSpreading": spread_labels(),
}
print(f"\n{'':32}{'test accuracy':>14}{'seconds':>9}")
for name, (accuracy, seconds) in rows.items():
    print(f"{name:32}{100 * accuracy:12.1f} %{seconds:9.1f}")
print(
    "\nGo on with another method, data set or backend:\n"
    "  keras-ssl train --method flexmatch --data digits --labels-per-class 4 "
    "--out runs/flexmatch\n"
    "  keras-ssl train --help"
)
