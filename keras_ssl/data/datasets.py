"""Data sets by name: scikit-learn's digits and those of TFDS."""

import os

import numpy as np

from keras_ssl.data import tfds_reader
from keras_ssl.data.arrays import from_arrays
from keras_ssl.data.dataset import Dataset, Pair
from keras_ssl.data.image_size import checked_image_size, resize

# The mirror image of a digit or letter is another sign, or none at all.
MIRRORING_CHANGES_LABELS = {
    "binary_alpha_digits",
    "cmaterdb",
    "digits",
    "emnist",
    "kmnist",
    "mnist",
    "mnist_corrupted",
    "omniglot",
    "qmnist",
    "svhn",
    "svhn_cropped",
}
NAMES = (
    "digits",
    "mnist",
    "fashion_mnist",
    "kmnist",
    "emnist",
    "cifar10",
    "cifar100",
    "svhn_cropped",
    "stl10",
    "eurosat",
)
DIGITS_TRAIN = 1297


def names() -> tuple[str, ...]:
    """Returns the names of common data sets that `load` reads.

    Any other image classification data set of TFDS can be loaded by its TFDS
    name as well.

    Returns:
        Tuple of strings.

    Example:

    >>> import keras_ssl
    >>> "cifar10" in keras_ssl.data.names()
    True
    """
    return NAMES


def load(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    image_size: tuple[int, int] | None = None,
    flip: bool | None = None,
) -> Dataset:
    """Loads a data set by name.

    `"digits"` is bundled with scikit-learn: 1,797 real handwritten digits of
    8x8 pixels, 0..16 scaled to 0..255. They are stored writer after writer,
    so the test set, the last 500, is mostly by other hands than the training
    set, the first 1,297.

    Any other name is one of TensorFlow Datasets (TFDS), which downloads and
    prepares it on first use. The decoded arrays are then kept in
    `<data_dir>/keras_ssl/` and memory-mapped by later calls, which import
    neither TFDS nor TensorFlow.

    Args:
        name: `"digits"` or a TFDS name, with configuration and version if
            wanted: `"mnist"`, `"emnist/letters"`, `"cifar10:3.0.2"`.
        data_dir: Folder of prepared TFDS data sets. By default the
            environment variable `KERAS_SSL_DATA`, else TFDS' own default.
        image_size: `(height, width)` to resize every image to (Pillow,
            bilinear). Needed where images have several sizes.
        flip: Whether a mirrored image keeps its label. By default it does,
            except for digits and letters.

    Returns:
        A `Dataset`. Images read from the cache are read-only memory maps.

    Raises:
        ImportError: If scikit-learn, TFDS or Pillow is needed and missing.
        OSError: If TFDS cannot download or prepare the data set.
        ValueError: For an unknown name (with the closest known ones), or a
            data set that does not consist of labeled 8-bit images.

    Sources:
        Digits: https://archive.ics.uci.edu/dataset/80 (its test part);
        the others: https://www.tensorflow.org/datasets/catalog/overview

    Example:

    >>> import keras_ssl
    >>> images, labels = keras_ssl.data.load("digits").train
    >>> images.shape, images.dtype, labels.dtype
    ((1297, 8, 8, 1), dtype('uint8'), dtype('int32'))
    """
    image_size = checked_image_size(image_size)
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"name must be a string such as 'digits'; received {name!r}. "
            "Arrays go through keras_ssl.data.from_arrays"
        )
    if flip is None:
        stem = name.partition(":")[0].partition("/")[0]
        flip = stem not in MIRRORING_CHANGES_LABELS
    if name == "digits":
        return from_arrays(
            *_digits(image_size), name=name, flip=flip, num_classes=10
        )
    train, test, about = tfds_reader.read(name, data_dir, image_size)
    return from_arrays(
        train,
        test,
        name=name,
        flip=flip,
        num_classes=about["num_classes"],
        class_names=about["class_names"],
    )


def _digits(image_size: tuple[int, int] | None) -> tuple[Pair, Pair]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "'digits' is bundled with scikit-learn: pip install scikit-learn"
        ) from error
    bunch = load_digits()
    images = np.round(bunch.images * 255 / 16).astype(np.uint8)[..., None]
    if image_size:
        images = np.stack([resize(image, image_size) for image in images])
    labels = bunch.target.astype(np.int32)
    train, test = slice(DIGITS_TRAIN), slice(DIGITS_TRAIN, None)
    return (images[train], labels[train]), (images[test], labels[test])
