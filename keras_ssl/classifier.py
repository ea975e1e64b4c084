"""SSLClassifier: scikit-learn's interface to the methods."""

from typing import Any, Self

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from keras_ssl import methods, networks
from keras_ssl.data import from_arrays
from keras_ssl.data.tables import Levels, table_policies

VIEWS = {"identity", "weak", "medium", "strong"}  # that a row can have


class SSLClassifier(ClassifierMixin, BaseEstimator):
    """Learns from labeled and unlabeled rows; -1 marks the unlabeled ones.

    Images are uint8 arrays `(N, H, W)` or `(N, H, W, C)`. Anything else is a
    table of finite numbers `(N, features)`: each feature becomes a level from 0
    to 255, its mean 127 and a standard deviation 32 levels
    (`keras_ssl.data.tables`), and augmentation is noise and, for the strong
    view, features replaced by their mean (`table_policies`).

    As in `sklearn.semi_supervised` the label -1 means unknown, unless the
    labels are words; of words, "" does.

    Args:
        method: name of a method; see `methods.names()`.
        network: name of a network, or a function of `num_classes` and
            `input_shape` that returns one. `None`: "small_cnn" for images,
            "mlp" for tables.
        epochs: defaults to 10.
        steps_per_epoch: defaults to 100.
        batch_size: labeled rows in a batch; at most all of them.
        unlabeled_ratio: unlabeled rows per labeled one. `None`: the method's
            own, or fewer if there are not as many.
        flip: whether a mirrored image keeps its label.
        arguments: dict of further arguments of the method, such as
            `{"threshold": 0.8}`. `None`: there are none.
        random_state: an integer that decides weights, order and augmentation.
        verbose: as `keras.Model.fit`.

    Attributes:
        classes_: the known labels, sorted.
        model_: the trained `SSLModel`.
        n_features_in_: features of a row; images have none.

    Example:

    >>> import numpy as np
    >>> images, labels = split.dataset.train
    >>> known = np.full(len(labels), -1)
    >>> known[split.labeled] = labels[split.labeled]
    >>> classifier = keras_ssl.SSLClassifier(epochs=1, steps_per_epoch=2)
    >>> classifier.fit(images, known).predict(images[:3]).shape
    (3,)
    """

    def __init__(
        self,
        method: str = "fixmatch",
        network: Any = None,
        epochs: int = 10,
        steps_per_epoch: int = 100,
        batch_size: int = 64,
        unlabeled_ratio: int | None = None,
        flip: bool = False,
        arguments: dict[str, Any] | None = None,
        random_state: int = 0,
        verbose: int = 0,
    ) -> None:
        self.method = method
        self.network = network
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.batch_size = batch_size
        self.unlabeled_ratio = unlabeled_ratio
        self.flip = flip
        self.arguments = arguments
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803
        """Trains a model.

        Args:
            X: table or images; see the class.
            y: `(N,)`, a label for each row, -1 (of words "") where unknown.

        Returns:
            The classifier.

        Raises:
            ValueError: the shapes do not fit, or fewer than two classes are
                known.
        """
        if y is None:
            raise ValueError(
                "SSLClassifier requires y to be passed, but the target y is "
                "None: mark unknown labels with -1"
            )
        self.is_table_ = not _is_images(X)
        rows, given = self._validated(X, y=y)
        check_classification_targets(given)
        if self.is_table_:
            self.levels_ = Levels.of(rows)
        images = self._images(rows)
        known = given != ("" if given.dtype.kind in "OUS" else -1)
        self.classes_ = np.unique(given[known])
        if len(self.classes_) < 2:
            raise ValueError(
                "expected labels of at least two classes; received "
                f"{len(self.classes_)} class (-1 marks rows without a label)"
            )
        labels = np.full(len(given), -1, np.int32)
        labels[known] = np.searchsorted(self.classes_, given[known])
        split = from_arrays(
            (images, labels),
            num_classes=len(self.classes_),
            flip=self.flip,
        ).split_given(seed=self.random_state)
        self.model_ = self._model(images.shape[1:])
        self.model_.compile()
        batch_size = min(self.batch_size, len(split.labeled))
        most = max(1, len(split.unlabeled) // batch_size)
        batches = split.batches(
            self.model_,
            batch_size=batch_size,
            unlabeled_ratio=self.unlabeled_ratio
            or min(self.model_.unlabeled_ratio, most),
            seed=self.random_state,
            steps_per_epoch=self.steps_per_epoch,
            augmentation=table_policies(images.shape[2])
            if self.is_table_
            else None,
        )
        self.model_.fit(batches, epochs=self.epochs, verbose=self.verbose)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Probabilities `(N, classes)`, in the order of `classes_`."""
        check_is_fitted(self)
        if self.is_table_ == _is_images(X):
            raise ValueError(
                f"expected {'a table' if self.is_table_ else 'images'}, as fit "
                f"got; received an array of shape {np.asarray(X).shape}"
            )
        images = self._images(self._validated(X, reset=False))
        logits = self.model_.predict(images, batch_size=500, verbose=0)
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return odds / odds.sum(axis=-1, keepdims=True)

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """The most probable class of each row, one of `classes_`."""
        best = self.predict_proba(X).argmax(axis=-1)
        return self.classes_[best]

    def _model(self, shape: tuple[int, ...]) -> Any:
        method = methods.get(self.method)
        others = {str(policy) for _, policy in method.views.values()} - VIEWS
        if self.is_table_ and others:
            raise ValueError(
                f"method {self.method!r} shows images {', '.join(others)}, "
                "which rows of a table cannot be; choose another one"
            )
        keras.utils.set_random_seed(self.random_state)
        make = self.network or ("mlp" if self.is_table_ else "small_cnn")
        make = networks.get(make) if isinstance(make, str) else make
        network = make(num_classes=len(self.classes_), input_shape=shape)
        arguments = {"seed": self.random_state, **(self.arguments or {})}
        return method(network, **arguments)

    def _validated(self, rows: ArrayLike, **options: Any) -> Any:
        """Rows, and labels if there are any, as scikit-learn checks them."""
        is_image = not self.is_table_
        dtype = np.uint8 if is_image else np.float64
        return validate_data(
            self, rows, allow_nd=is_image, dtype=dtype, **options
        )

    def _images(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """Images `(N, H, W, C)`; a row is 1 by features by 1."""
        if self.is_table_:
            return self.levels_(rows)
        return rows if rows.ndim == 4 else rows[..., None]


def _is_images(rows: ArrayLike) -> bool:
    found = np.asarray(rows)
    return found.ndim > 2 and found.dtype == np.uint8
