"""The methods: one file each, one line each here.

```python
model = keras_ssl.methods.get("fixmatch")(network)  # == methods.FixMatch
```
"""

from keras_ssl import backend as _backend  # noqa: F401  (before Keras loads)
from keras_ssl import registry
from keras_ssl.methods.adamatch import AdaMatch as AdaMatch
from keras_ssl.methods.dash import Dash as Dash
from keras_ssl.methods.defixmatch import DeFixMatch as DeFixMatch
from keras_ssl.methods.entropy_minimization import (
    EntropyMinimization as EntropyMinimization,
)
from keras_ssl.methods.fixmatch import FixMatch as FixMatch
from keras_ssl.methods.flexmatch import FlexMatch as FlexMatch
from keras_ssl.methods.freematch import FreeMatch as FreeMatch
from keras_ssl.methods.ict import ICT as ICT
from keras_ssl.methods.mean_teacher import MeanTeacher as MeanTeacher
from keras_ssl.methods.mixmatch import MixMatch as MixMatch
from keras_ssl.methods.pi_model import PiModel as PiModel
from keras_ssl.methods.pseudo_label import PseudoLabel as PseudoLabel
from keras_ssl.methods.refixmatch import ReFixMatch as ReFixMatch
from keras_ssl.methods.sequencematch import SequenceMatch as SequenceMatch
from keras_ssl.methods.softmatch import SoftMatch as SoftMatch
from keras_ssl.methods.supervised import Supervised as Supervised
from keras_ssl.methods.temporal_ensembling import (
    TemporalEnsembling as TemporalEnsembling,
)
from keras_ssl.methods.uda import UDA as UDA
from keras_ssl.methods.vat import VAT as VAT
from keras_ssl.ssl_model import SSLModel

METHODS = {
    "supervised": Supervised,
    "entropy_minimization": EntropyMinimization,
    "pseudo_label": PseudoLabel,
    "pi_model": PiModel,
    "temporal_ensembling": TemporalEnsembling,
    "mean_teacher": MeanTeacher,
    "vat": VAT,
    "ict": ICT,
    "mixmatch": MixMatch,
    "uda": UDA,
    "fixmatch": FixMatch,
    "dash": Dash,
    "flexmatch": FlexMatch,
    "adamatch": AdaMatch,
    "softmatch": SoftMatch,
    "freematch": FreeMatch,
    "defixmatch": DeFixMatch,
    "refixmatch": ReFixMatch,
    "sequencematch": SequenceMatch,
}


def names() -> list[str]:
    """The names that `get` takes, oldest paper first."""
    return list(METHODS)


def get(name: str) -> type[SSLModel]:
    """The class of a method.

    Args:
        name: one of `names()`.

    Returns:
        A subclass of `keras_ssl.SSLModel`; call it on a network.

    Raises:
        ValueError: no method has this name; the closest names are listed.
    """
    return registry.look_up(METHODS, "method", name)
