"""Trained models by name, and trained models as folders.

```python
model = keras_ssl.models.load("fixmatch_small_cnn_digits_20")
logits = model.predict(images)  # uint8 (N, H, W, C)
```

A preset is a folder: a model as Keras writes it unzipped (so that
`keras.saving.load_model` reads it too, after `import keras_ssl.methods`), and
beside it what is known of the model, `preset.json`, with the SHA-256 of each
file; a few images with the logits that the model gives them; and a model card.
Those in `keras_ssl/models/presets/` come with the package and need no network.
"""

import fnmatch
import pathlib
from typing import Any

from keras_ssl import backend as _backend  # noqa: F401  (before Keras loads)
from keras_ssl import fine_tuning, registry
from keras_ssl.models import hubs, preset_folder
from keras_ssl.models.preset_saving import save_to_preset
from keras_ssl.ssl_model import SSLModel

SHIPPED = pathlib.Path(__file__).parent / "presets"

__all__ = [
    "check",
    "describe",
    "find",
    "list_presets",
    "load",
    "push",
    "save_to_preset",
]


def list_presets(pattern: str = "*") -> list[str]:
    """Names of the presets that come with the package.

    Args:
        pattern: as in a shell: `"fixmatch*"`. Defaults to all.

    Returns:
        A sorted list of names.

    Example:

    >>> keras_ssl.models.list_presets("fixmatch*digits*")
    ['fixmatch_small_cnn_digits_20']
    """
    names = sorted(
        path.parent.name for path in SHIPPED.glob(f"*/{preset_folder.ABOUT}")
    )
    return fnmatch.filter(names, pattern)


def find(name: str) -> pathlib.Path:
    """The folder of a preset; one on a hub is downloaded.

    Args:
        name: one of `list_presets()`; a folder; `"hf://owner/repository"`,
            with `@revision` if wanted; or
            `"kaggle://owner/model/framework/variation"`.

    Returns:
        Path of a folder that holds a preset; its files are not checked yet.

    Raises:
        ValueError: there is no such preset; the closest names are listed.
        ImportError: the hub's client is not installed.
        OSError: the download failed. Called again, it goes on.
    """
    name = str(name)
    if hubs.is_handle(name):
        return hubs.download(name)
    if name in list_presets():
        return SHIPPED / name
    if pathlib.Path(name).is_dir():
        return pathlib.Path(name)
    raise ValueError(
        registry.unknown("preset", name, list_presets())
        + "; nor is there a folder of this name"
    )


def describe(name: str) -> dict[str, Any]:
    """What is known of a preset: how it was made and what it scores.

    Args:
        name: as `find`.

    Returns:
        The content of its `preset.json`: among others "method", "network",
        "data", "labels_per_class", "class_names", "image_shape", "score",
        "license" and "files".

    Raises:
        ValueError: there is no such preset, or a newer version wrote it.

    Example:

    >>> about = keras_ssl.models.describe("fixmatch_small_cnn_digits_20")
    >>> about["method"], about["data"], about["labels_per_class"]
    ('fixmatch', 'digits', 2)
    """
    return preset_folder.read(find(name))


def load(
    name: str, num_classes: int | None = None, weights: bool = True
) -> SSLModel:
    """A trained model.

    It classifies uint8 images: `model.predict(images)` are logits. It has the
    weights that its score was measured with, its average, and no optimizer:
    `compile` it to evaluate or to train it further. Its steps count from 0.

    Args:
        name: as `find`.
        num_classes: number of classes to learn anew: the layers from the
            classification on begin with new weights, all others are kept. By
            default, and where the preset has as many, the model as it is.
        weights: `False`: the same model, untrained.

    Returns:
        An `SSLModel`, not compiled.

    Raises:
        ValueError: there is no such preset, a file of it is missing or damaged,
            a newer version wrote it, or its network has no classification
            layer that could be replaced.
        ImportError, OSError: see `find`.

    Example:

    >>> model = keras_ssl.models.load("fixmatch_small_cnn_digits_20")
    >>> model.predict(split.test[0][:4], verbose=0).shape
    (4, 10)
    >>> model = keras_ssl.models.load(
    ...     "fixmatch_small_cnn_digits_20", num_classes=3
    ... )
    """
    model = preset_folder.load_model(find(name), weights)
    if num_classes is not None:
        model = fine_tuning.with_classes(model, num_classes)
    return model


def check(name: str) -> float:
    """Compares the predictions of a preset here with those it was made with.

    Args:
        name: as `find`.

    Returns:
        The largest difference between two logits.

    Raises:
        ValueError: as `load`; or the preset holds no predictions.
    """
    folder = find(name)
    return preset_folder.difference(folder, preset_folder.load_model(folder))


def push(folder: str, handle: str) -> None:
    """Uploads a preset to a hub, where its client is logged in.

    Args:
        folder: as `find`: what to upload.
        handle: `"hf://..."` or `"kaggle://..."`: where to.

    Raises:
        ValueError: the preset is damaged, or the handle is none.
        ImportError: the hub's client is not installed.
        OSError: the upload failed.
    """
    source = find(folder)
    preset_folder.verify(source)
    hubs.upload(source, handle)
