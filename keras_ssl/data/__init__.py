"""Data: images in, labeled and unlabeled index sets out.

    import keras_ssl

    data = keras_ssl.data.load("digits")       # or any TFDS image data set
    data = keras_ssl.data.from_arrays((images, labels))  # or your own
    data = keras_ssl.data.from_folder("labeled/", "unlabeled/")
    data = keras_ssl.data.from_table((rows, labels))     # numbers
    data = keras_ssl.data.from_npz("images.npz")
    data = keras_ssl.data.from_torch(dataset)     # or from_hugging_face
    split = data.split(labels_per_class=10, seed=0)

Importing this package needs NumPy alone. Keras, TensorFlow Datasets,
scikit-learn and Pillow are imported by the calls that use them.
"""

from keras_ssl.data import policies
from keras_ssl.data.array_file import from_npz
from keras_ssl.data.arrays import from_arrays
from keras_ssl.data.dataset import Dataset
from keras_ssl.data.datasets import load, names
from keras_ssl.data.folders import from_folder
from keras_ssl.data.objects import from_hugging_face, from_torch
from keras_ssl.data.split import Split
from keras_ssl.data.tables import from_table

__all__ = [
    "Dataset",
    "Split",
    "from_arrays",
    "from_folder",
    "from_hugging_face",
    "from_npz",
    "from_table",
    "from_torch",
    "load",
    "names",
    "policies",
]
