"""A trained network for other classes: new head, frozen parts, slow layers."""

import copy
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from keras_ssl.ssl_model import SSLModel


def head(network: keras.Model) -> list[str]:
    """Names of the layers that are made for the number of classes.

    They begin with the last layer that has as many units or filters as there
    are classes; what follows it, such as a normalization, belongs to it.

    Args:
        network: a functional `keras.Model` that ends in logits.

    Raises:
        ValueError: the network is not functional, or has no such layer.
    """
    classes = network.output_shape[-1]
    if not hasattr(network, "_operations_by_depth") and not getattr(
        network, "outputs", None
    ):
        raise ValueError(
            "expected a functional network, whose layers are known; received "
            f"{network}"
        )
    names: list[str] = []
    for layer in reversed(network.layers):
        names.insert(0, layer.name)
        size = getattr(layer, "units", getattr(layer, "filters", None))
        if size == classes:
            return names
        if size is not None:
            break
    raise ValueError(
        f"the network {network.name!r} has no last layer with {classes} units "
        "or filters that could be replaced; make a network that ends in such a "
        "layer, keras.layers.Dense(num_classes)"
    )


def network_with_classes(network: keras.Model, num_classes: int) -> keras.Model:
    """The network with a new head, its other weights copied.

    Args:
        network: a functional `keras.Model` that ends in logits.
        num_classes: how many there shall be.

    Returns:
        A new `keras.Model`.

    Raises:
        ValueError: see `head`.
    """
    replaced = set(head(network))
    config = copy.deepcopy(network.get_config())
    first = True
    for layer in config["layers"]:
        settings = layer["config"]
        name = settings["name"] if "name" in settings else layer.get("name")
        if name not in replaced:
            continue
        layer.pop("build_config", None)  # the shape it had
        if first:
            kind = "units" if "units" in settings else "filters"
            settings[kind] = num_classes
        first = False
    made = type(network).from_config(config)
    if made.output_shape[-1] != num_classes:
        raise ValueError(
            f"a new head for {network.name!r} ends in {made.output_shape[-1]} "
            f"outputs, expected {num_classes}"
        )
    for old, new in zip(network.layers, made.layers, strict=True):
        if old.name not in replaced:
            new.set_weights(old.get_weights())
    return made


def with_classes(model: "SSLModel", num_classes: int) -> "SSLModel":
    """A model of the same method for another number of classes.

    The network has a new head and keeps all other weights; so do the method's
    other networks whose shapes do not depend on the classes.

    Args:
        model: what was trained.
        num_classes: how many there shall be.

    Returns:
        `model` itself if it has as many, else a new one, not compiled.

    Raises:
        ValueError: see `head`.
    """
    if num_classes == model.network.output_shape[-1]:
        return model
    if num_classes < 1:
        raise ValueError(
            f"num_classes must be at least 1; received {num_classes}"
        )
    if model.averages:  # what predict uses
        for variable, average in model._averaged_pairs():
            variable.assign(average)
    arguments = {
        name: value
        for name, value in model.get_config().items()
        if name != "network" and not _is_model(value)
    }
    made = type(model)(
        network_with_classes(model.network, num_classes), **arguments
    )
    others = [layer for layer in model.layers if layer is not model.network]
    fresh = [layer for layer in made.layers if layer is not made.network]
    for old, new in zip(others, fresh, strict=False):
        shapes = [tuple(w.shape) for w in new.weights]
        if shapes and shapes == [tuple(w.shape) for w in old.weights]:
            new.set_weights(old.get_weights())
    made.is_pretrained = True
    return made


def _is_model(value: Any) -> bool:
    return isinstance(value, dict) and "class_name" in value
