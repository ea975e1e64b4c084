"""Counted: methods whose terms are weighed by the numbers of examples."""

from typing import Any

from keras_ssl.ssl_model import SSLModel


class Counted(SSLModel):
    """An `SSLModel` that knows how many examples the first training had.

    A subclass has arguments `labeled_size` and `unlabeled_size`, which `fit`
    fills in.
    """

    labeled_size: int | None = None

    def start(self, batches: Any) -> None:
        """Remembers the numbers of examples of the first training."""
        for name in ("labeled_size", "unlabeled_size"):
            found = getattr(self, name) or getattr(batches, name, None)
            setattr(self, name, found)

    def count(self, stream: str) -> int:
        """Number of "labeled" or of "unlabeled" examples.

        Raises:
            ValueError: nobody has told it.
        """
        name = f"{stream}_size"
        size: int | None = getattr(self, name)
        if not size:
            raise ValueError(
                f"{type(self).__name__} weighs its terms by the number of "
                f"{stream} examples, which only keras_ssl's own batches tell: "
                f"pass {name}=..."
            )
        return size
