"""A trained network for other classes: new head, frozen parts.

```python
model = keras_ssl.models.load(name, num_classes=5)
model.freeze("backbone")  # only the head learns, or
model = keras_ssl.fine_tuning.with_lora(model, rank=4)  # little else, or
model.compile(layer_decay=0.75)  # each layer slower than the one after it
```
"""

import copy
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import keras

from keras_ssl.predictor import copied, own_value, predictor

if TYPE_CHECKING:  # what it is mixed into, and what it is a part of
    from keras import Model

    from keras_ssl.ssl_model import SSLModel
else:
    Model = object


class FineTuning(Model):
    """The part of `SSLModel` that says which layers learn."""

    network: keras.Model

    def predictor(self) -> keras.Model:
        """A plain Keras model from uint8 images to probabilities, with the
        weights that `predict` uses; see `keras_ssl.predictor`.
        """
        return predictor(self)

    def freeze(self, what: str | Iterable[str] = "backbone") -> None:
        """Keeps layers of the network as they are.

        As `layer.trainable = False`: a frozen batch normalization uses its
        moving statistics in training too. A compiled model is compiled anew.

        Args:
            what: "backbone", all layers before the head (see `head`);
                "nothing", so that all learn again; or the names of layers.

        Raises:
            ValueError: the network has no such layer, or no head.
        """
        names = {layer.name for layer in self.network.layers}
        if what == "backbone":
            frozen = names - set(head(self.network))
        elif what == "nothing":
            frozen = set()
        else:
            frozen = {what} if isinstance(what, str) else set(what)
        if not frozen <= names:
            raise ValueError(
                "expected 'backbone', 'nothing' or names of layers among "
                f"{', '.join(sorted(names))}; received {what!r}"
            )
        for layer in self.network.layers:
            set_trainable(layer, layer.name not in frozen)
        if self.compiled:
            self.compile_from_config(self.get_compile_config())


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


def averaged_weights(model: "SSLModel") -> None:
    """Puts the average, which `predict` uses, in the place of the weights."""
    for variable, average in model._averaged_pairs():
        variable.assign(own_value(average))


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
            if not old.trainable:
                set_trainable(new, False)
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
    averaged_weights(model)
    return _around(network_with_classes(model.network, num_classes), model)


def with_lora(model: "SSLModel", rank: int) -> "SSLModel":
    """A model whose backbone learns by low-rank matrices alone.

    Before the head (see `head`) every layer that has Keras' `enable_lora`
    keeps its kernel and learns a product of two thin matrices beside it; all
    others are frozen. The head learns as before. A saved model holds the
    sums, so a training that is resumed begins its products at 0. Hu et al.,
    "LoRA", arXiv 2106.09685.

    Args:
        model: what was trained.
        rank: of the products, at least 1.

    Returns:
        A new model of the same method, not compiled.

    Raises:
        ValueError: see `head`; or no layer can.
    """
    averaged_weights(model)
    network = copied(model.network)
    heads = set(head(network))
    enabled = 0
    for layer in network.layers:
        if layer.name in heads:
            continue
        set_trainable(layer, True)  # what was frozen as a whole, too
        for leaf in _leaves(layer):
            if hasattr(leaf, "enable_lora"):
                leaf.enable_lora(rank)
                enabled += 1
            else:
                leaf.trainable = False
    if not enabled:
        raise ValueError(
            f"no layer of {network.name!r} before its head has enable_lora: "
            "expected keras.layers.Dense, EinsumDense, Conv2D or Embedding"
        )
    return _around(network, model)


def set_trainable(layer: Any, value: bool) -> None:
    """Of a layer and of each within it.

    Under TensorFlow `layer.trainable = False` does nothing where it is False
    already, and a backbone of KerasHub that was read from its config is False
    while its layers are not.
    """
    for part in layer._flatten_layers():
        part.trainable = value


def _leaves(layer: Any) -> Iterator[Any]:
    """The layers that a layer consists of, itself if of none.

    A backbone of KerasHub has an `enable_lora` of its own, for attention alone.
    """
    for part in layer._flatten_layers():
        if not list(part._flatten_layers(include_self=False)):
            yield part


def _around(network: keras.Model, model: "SSLModel") -> "SSLModel":
    """A model of the same method around another network.

    The method's other networks keep their weights, unless their shapes depend
    on the number of classes.
    """
    arguments = {
        name: value
        for name, value in model.get_config().items()
        if name not in ("network", "frozen") and not _is_model(value)
    }
    made = type(model)(network, **arguments)
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
