"""Writing a preset whole or not at all; `preset_folder.py` says what it is."""

import contextlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_ssl import fine_tuning
from keras_ssl.models import model_card, weight_file
from keras_ssl.models.preset_folder import (
    ABOUT,
    CARD,
    CONFIG,
    EXPECTED,
    FORMAT,
    WEIGHTS,
    logits_of,
    model_in,
    sha256,
)
from keras_ssl.ssl_model import SSLModel
from keras_ssl.writing import whole

KEPT_IMAGES = 8
# arguments that tell the sizes of the data sets of one training
SIZES = ("unlabeled_size", "labeled_size")


def save_to_preset(
    model: SSLModel,
    folder: str | os.PathLike[str],
    *,
    about: Mapping[str, Any] | None = None,
    images: NDArray[np.uint8] | None = None,
    float16: bool = False,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a model as a preset, whole or not at all.

    It holds the weights that `predict` uses, the averaged ones where there is
    an average; neither the optimizer nor what the method remembers of single
    examples.

    Args:
        model: an `SSLModel`.
        folder: to be made; its name is the preset's.
        about: what is known of the model, as JSON can hold it. What the model
            itself tells (its method, classes, image shape) is added.
        images: uint8 `(N, H, W, C)`; the first 8 are kept with their logits,
            to compare other backends and machines with. `None`: none are.
        float16: whether kernels are stored in half the bytes. They are
            computed with in float32 all the same.
        overwrite: whether a preset that is there already is replaced.

    Returns:
        Path of the folder.

    Raises:
        FileExistsError: there is such a folder and `overwrite` is `False`, or
            it is no preset.
        OSError: the folder cannot be written; nothing is left of it.

    Example:

    >>> path = model.save_to_preset("mine")
    >>> again = keras_ssl.models.load("mine")
    """
    folder = pathlib.Path(folder)
    _refuse(folder, overwrite)
    with whole(folder) as room:
        room.mkdir()
        with _averages_as_weights(model):
            keras.saving.save_model(model, room, zipped=False)
        shutil.rmtree(room / "assets", ignore_errors=True)
        _edit_config(room / CONFIG)
        weight_file.shrink(room / WEIGHTS, float16, _forgotten(model))
        shown = None if images is None else np.asarray(images[:KEPT_IMAGES])
        if shown is not None:
            # what is read back, which float16 has rounded
            again = model_in(room)
            logits = logits_of(again, shown)
            np.savez_compressed(room / EXPECTED, images=shown, logits=logits)
        about = {
            "format": FORMAT,
            "name": folder.resolve().name,
            **_facts(model),
            **(about or {}),
            "weights": "float16" if float16 else "float32",
            "versions": {"keras": keras.__version__},
            **{k: v for k, v in (about or {}).items() if k == "versions"},
        }
        about["files"] = {
            path.name: sha256(path) for path in sorted(room.iterdir())
        }
        (room / ABOUT).write_text(json.dumps(about, indent=2) + "\n", "utf-8")
        (room / CARD).write_text(model_card.write(about), "utf-8")
    return folder


def _facts(model: SSLModel) -> dict[str, Any]:
    """What the model itself tells."""
    return {
        "class": type(model).__name__,
        "num_classes": int(model.network.output_shape[-1]),
        "image_shape": list(model.network.input_shape[1:]),
        "weights_of_network": int(model.network.count_params()),
        "steps": model.steps_taken(),
    }


@contextlib.contextmanager
def _averages_as_weights(model: SSLModel) -> Iterator[None]:
    """The weights are those that `predict` uses, for a while.

    `model.averaged()` is of no use here: Keras makes variables while it saves.
    """
    weights = [variable for variable, _ in model._averaged_pairs()]
    before = [np.array(ops.convert_to_numpy(weight)) for weight in weights]
    fine_tuning.averaged_weights(model)
    try:
        yield
    finally:
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)


def _edit_config(path: pathlib.Path) -> None:
    """Leaves out of the configuration what belongs to one training."""
    config = json.loads(path.read_text("utf-8"))
    config.pop("compile_config", None)
    for name in SIZES:
        if name in config["config"]:
            config["config"][name] = None
    path.write_text(json.dumps(config), "utf-8")


def _forgotten(model: SSLModel) -> int:
    """How many of the model's own last variables remember single examples."""
    size = getattr(model, "unlabeled_size", None)
    own = [*model._trainable_variables, *model._non_trainable_variables]
    count = 0
    while size and count < len(own) and own[-1 - count].shape[:1] == (size,):
        count += 1
    return count


def _refuse(folder: pathlib.Path, overwrite: bool) -> None:
    """Raises the error for a folder that must not be replaced."""
    if folder.exists() and not (overwrite and (folder / ABOUT).exists()):
        what = "is no preset" if overwrite else "exists; pass overwrite=True"
        raise FileExistsError(f"{folder} {what}, or choose another folder")
