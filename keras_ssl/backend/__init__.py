"""What Keras' public API leaves out, for whichever backend the process uses.

Keras has no gradient operation, and under JAX a training step must carry its
state as values. The three modules of this package, one per backend, offer the
same few names; a method written with them and `keras.ops` runs on all three:

| name | meaning |
| --- | --- |
| `value_and_grad(function, variables)` | scalar, its extra result and the gradients; variable updates made by `function` are kept |
| `input_gradient(function, x)` | gradient of a scalar `function(x)` by `x`; variable updates are dropped, and no gradient flows through the result |
| `apply_gradients(optimizer, gradients, variables)` | one optimizer step |
| `scope(overrides)` | variables read as other values, every update dropped |
| `no_grad()` | no gradient recording |
| `TrainStep` | mixin whose `train_step` calls `self.run_step(data)` |
| `feed(model, batches)` | what `model.fit` takes for `batches` so that they reach the step by the shortest way |
| `peak_memory()` | the most bytes held on the accelerator so far, `None` without one |
| `keep_memory()` | host memory that is freed stays with this process for the next step; for processes of one's own |
| `process_count()`, `process_index()` | how many processes train this model together, and which this one is |
| `agreed_to_end(call)` | whether they, as one of them was told to end, end at this call, which all count alike |

All but those from `feed` on are made for the inside of a training step: under JAX a
variable's value lives in the step's scope and nowhere else.
"""  # noqa: E501

import importlib
import importlib.util
import json
import os
import sys
from typing import Any

Tensor = Any  # the backend's, or Keras' symbolic one; neither has a common type
NAMES = ("tensorflow", "jax", "torch")


def installed() -> list[str]:
    """Names of the backends that this Python can import, in Keras' order."""
    return [name for name in NAMES if importlib.util.find_spec(name)]


def _configured() -> str | None:
    """The backend of Keras' configuration file, or `None`."""
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    try:
        with open(os.path.join(home, "keras.json")) as file:
            return json.load(file).get("backend")
    except (OSError, ValueError, AttributeError):
        return None


def choose() -> None:
    """Makes sure that Keras, imported next, finds a backend that exists.

    The environment variable `KERAS_BACKEND` decides, then Keras' own
    configuration file. Where that file names a backend that is not installed
    (Keras writes "tensorflow" there unasked), the first installed one is taken.

    Raises:
        ImportError: no backend is installed, or the one asked for is not.
    """
    available = installed()
    if not available:
        raise ImportError(
            "keras_ssl needs one of TensorFlow, JAX or PyTorch and found none; "
            "install one: pip install 'keras_ssl[jax]' (the smallest), "
            "'keras_ssl[tensorflow]' or 'keras_ssl[torch]'"
        )
    configured = _configured()
    fallback = configured if configured in available else available[0]
    wanted = os.environ.get("KERAS_BACKEND") or fallback  # "" is unset
    os.environ["KERAS_BACKEND"] = wanted
    if wanted not in NAMES:
        raise ImportError(
            f"KERAS_BACKEND must be one of {', '.join(NAMES)}; "
            f"received {wanted!r}"
        )
    if wanted not in available:
        raise ImportError(
            f"KERAS_BACKEND is {wanted!r}, which is not installed: "
            f"pip install 'keras_ssl[{wanted}]', or set KERAS_BACKEND to "
            f"{' or '.join(available)}"
        )


if "keras" not in sys.modules:
    choose()

import keras  # noqa: E402  (the backend had to be chosen first)

if keras.backend.backend() not in NAMES:
    raise ImportError(
        f"keras_ssl runs on {', '.join(NAMES)}; Keras is running on "
        f"{keras.backend.backend()!r}. Set KERAS_BACKEND before importing Keras"
    )
_backend = importlib.import_module(
    f"keras_ssl.backend.{keras.backend.backend()}"
)

from keras_ssl.backend.scope import scope as scope  # noqa: E402

value_and_grad = _backend.value_and_grad
input_gradient = _backend.input_gradient
apply_gradients = _backend.apply_gradients
no_grad = _backend.no_grad
TrainStep = _backend.TrainStep
feed = _backend.feed
peak_memory = _backend.peak_memory
keep_memory = _backend.keep_memory
process_count = _backend.process_count
process_index = _backend.process_index
agreed_to_end = _backend.agreed_to_end
