"""A preset on disk, checked when it is read; `preset_saving.py` writes it.

| file | what it holds |
| --- | --- |
| `config.json`, `metadata.json`, `model.weights.h5` | the model, Keras' own |
| `expected.npz` | a few images and the logits that they get |
| `preset.json` | what is known of the model, and the SHA-256 of the others |
| `README.md` | the model card, made of `preset.json` |
"""

import hashlib
import json
import pathlib
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_ssl.models import initializers
from keras_ssl.ssl_model import SSLModel

FORMAT = 1
ABOUT = "preset.json"
CARD = "README.md"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
EXPECTED = "expected.npz"


def read(folder: pathlib.Path) -> dict[str, Any]:
    """What is known of a preset.

    Args:
        folder: where it is.

    Returns:
        The content of its `preset.json`.

    Raises:
        ValueError: the folder holds no preset, or one of a newer version.
    """
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        version = int(about["format"])
    except FileNotFoundError:
        raise ValueError(
            f"{folder} is no preset: it has no {ABOUT}. One is made by "
            "model.save_to_preset(folder) or keras-ssl save-preset RUN"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / ABOUT} is damaged: {error!r}") from None
    if version > FORMAT:
        raise ValueError(
            f"the preset {folder} was written by a newer version of keras_ssl "
            f"(its format is {version}, this version reads {FORMAT}): "
            "pip install --upgrade keras_ssl"
        )
    return dict(about)


def verify(folder: pathlib.Path) -> dict[str, Any]:
    """Reads what is known of a preset, once all its files have proved whole.

    Args:
        folder: where it is.

    Returns:
        As `read`.

    Raises:
        ValueError: as `read`; or a file is missing or has another SHA-256.
    """
    about = read(folder)
    for name, expected in about["files"].items():
        found = sha256(folder / name) if (folder / name).exists() else "no file"
        if found != expected:
            raise ValueError(
                f"{folder / name} is damaged: expected SHA-256 {expected}, "
                f"received {found}. Download or write the preset again"
            )
    return about


def sha256(path: pathlib.Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_model(folder: pathlib.Path, weights: bool = True) -> SSLModel:
    """The model of a preset; see `models.load`.

    Args:
        folder: where it is.
        weights: whether it gets the trained weights.

    Returns:
        An `SSLModel`, not compiled, at step 0.

    Raises:
        ValueError: as `verify`; or the model cannot be made of what is there.
    """
    about = verify(folder)
    try:
        model = model_in(folder) if weights else _untrained(folder)
    except Exception as error:
        made_with = about.get("versions", {}).get("keras")
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ValueError(
            f"the preset {folder}, written with Keras {made_with}, cannot be "
            f"read with Keras {keras.__version__}. A network of your own "
            f"classes needs their module imported first. {reason[:300]}"
        ) from error
    if not isinstance(model, SSLModel):
        raise ValueError(
            f"{folder} holds a {type(model).__name__}, expected a "
            "keras_ssl.SSLModel"
        )
    model.step.assign(0)
    model.is_pretrained = weights
    return model


def logits_of(
    model: SSLModel, images: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Logits of a few images in one pass, which compiles nothing."""
    logits = model(ops.convert_to_tensor(images), training=False)
    return ops.convert_to_numpy(ops.cast(logits, "float32"))


def difference(folder: pathlib.Path, model: SSLModel) -> float:
    """The largest difference of a model's logits from those of its preset.

    Args:
        folder: of the preset.
        model: what `load_model` made of it.

    Raises:
        ValueError: the preset holds no predictions.
    """
    if not (folder / EXPECTED).exists():
        raise ValueError(
            f"{folder} holds no predictions to compare with: it was saved "
            "without images=..."
        )
    with np.load(folder / EXPECTED) as expected:
        found = logits_of(model, expected["images"])
        return float(np.abs(found - expected["logits"]).max())


def model_in(folder: pathlib.Path) -> Any:
    """The model, without the time that first weights would take."""
    from keras_ssl import methods  # noqa: F401  (Keras knows them then)

    with initializers.skipped():
        return keras.saving.load_model(folder, compile=False)


def _untrained(folder: pathlib.Path) -> Any:
    from keras_ssl import methods  # noqa: F401

    return keras.saving.deserialize_keras_object(
        json.loads((folder / CONFIG).read_text("utf-8"))
    )
