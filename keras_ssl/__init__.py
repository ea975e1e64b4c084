"""Semi-supervised learning on TensorFlow, JAX and PyTorch through Keras 3.

```python
import keras_ssl

data = keras_ssl.data.load("digits")
split = data.split(labels_per_class=2, seed=0)
network = keras_ssl.networks.SmallCNN(
    num_classes=data.num_classes, input_shape=data.image_shape
)
model = keras_ssl.methods.get("fixmatch")(network)
model.compile()
model.fit(split.batches(model), epochs=8)
model.evaluate(*split.test)
```

Importing this package imports neither Keras nor a backend: `data` needs NumPy
only; `methods` and `networks` import Keras when they are first used, and Keras
takes the backend named by the environment variable `KERAS_BACKEND`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the rooms that `__getattr__` opens on first use
    from keras_ssl import (
        data,
        losses,
        methods,
        models,
        networks,
        optimizers,
        schedules,
    )
    from keras_ssl.classifier import SSLClassifier
    from keras_ssl.run_folder import RunFolder
    from keras_ssl.ssl_model import SSLModel

__version__ = "0.1.0"

_CLASSES = {
    "SSLModel": "ssl_model",
    "RunFolder": "run_folder",
    "SSLClassifier": "classifier",
}

__all__ = [
    "__version__",
    "data",
    "methods",
    "models",
    "networks",
    "losses",
    "schedules",
    "optimizers",
    "SSLModel",
    "RunFolder",
    "SSLClassifier",
]


def __getattr__(name: str) -> Any:
    if name == "data":
        return importlib.import_module("keras_ssl.data")
    if name in __all__:  # the others need Keras, and Keras a backend
        importlib.import_module("keras_ssl.backend")
    if name in _CLASSES:
        module = importlib.import_module(f"keras_ssl.{_CLASSES[name]}")
        return getattr(module, name)
    if name in __all__:
        return importlib.import_module(f"keras_ssl.{name}")
    raise AttributeError(
        f"module 'keras_ssl' has no attribute {name!r}; it offers "
        f"{', '.join(__all__)}"
    )


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
