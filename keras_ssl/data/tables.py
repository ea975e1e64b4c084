"""Tables of numbers, a row for each example, as the sampler reads them.

The sampler, the networks and the methods know images of bytes. A row becomes
one of 1 by features by 1: the mean of a feature is the level 127, a standard
deviation 32 levels, so levels reach four deviations to either side. What lies
further out is taken for the outermost level. `table_policies` says what a weak
and a strong view of a row are.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_ssl.data.arrays import from_arrays
from keras_ssl.data.dataset import Dataset
from keras_ssl.data.policies import Op, Policy, Stage

MIDDLE = 127.0  # the level of a feature's mean, and of a masked one
PER_DEVIATION = 32.0  # levels for each standard deviation


@dataclasses.dataclass(frozen=True, eq=False)
class Levels:
    """How the numbers of a table become bytes. Made by `Levels.of`.

    Attributes:
        means: float64 `(F,)`.
        deviations: float64 `(F,)`, 1 where all rows are the same.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.data.tables import Levels
    >>> table = np.array([[1.0, 7.0], [3.0, 7.0]])
    >>> Levels.of(table)(table)[:, 0, :, 0].tolist()
    [[95, 127], [159, 127]]
    """

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, table: ArrayLike) -> "Levels":
        """The levels that suit the rows of a table `(N, F)`."""
        rows = np.asarray(table, np.float64)
        deviations = rows.std(axis=0)
        # a constant feature may deviate by what adding it up has rounded off
        constant = rows.max(axis=0) == rows.min(axis=0)
        return cls(rows.mean(axis=0), np.where(constant, 1.0, deviations))

    def __call__(self, table: ArrayLike) -> NDArray[np.uint8]:
        """Rows `(N, F)` as uint8 `(N, 1, F, 1)`."""
        rows = np.asarray(table, np.float64)
        scaled = (rows - self.means) / self.deviations
        levels = np.clip(MIDDLE + PER_DEVIATION * scaled, 0, 255)
        return levels.round().astype(np.uint8)[:, None, :, None]


def from_table(
    train: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike] | None = None,
    *,
    levels: Levels | None = None,
    name: str = "table",
    **arguments: Any,
) -> Dataset:
    """Makes a data set of a table.

    Args:
        train: Pair `(rows, labels)`: finite numbers `(N, F)`; labels integer
            `(N,)`, -1 where unknown.
        test: The same for the test set, without -1, or `None`.
        levels: How numbers become bytes. By default `Levels.of` the training
            rows, labeled and unlabeled.
        name: Name of the data set.
        **arguments: `num_classes` and `class_names`, as `from_arrays`.

    Returns:
        A `Dataset` of images 1 by F by 1, whose weak and strong views are
        those of `table_policies`.

    Raises:
        ValueError: If something does not fit.

    Example:

    >>> import keras_ssl
    >>> rows = [[0.1, 5.0], [0.2, 6.0], [0.3, 5.5], [0.4, 6.5]]
    >>> keras_ssl.data.from_table((rows, [0, 1, -1, -1]))
    <Dataset table: 4 train, no test, 1x2x1, 2 classes>
    """
    rows = _checked(train, "train")
    levels = levels or Levels.of(rows)
    tested = None
    if test is not None:
        tested_rows = _checked(test, "test")
        if tested_rows.shape[1] != rows.shape[1]:
            raise ValueError(
                f"test rows must have {rows.shape[1]} features, as train; "
                f"received {tested_rows.shape[1]}"
            )
        tested = levels(tested_rows), test[1]
    data = from_arrays(
        (levels(rows), train[1]), tested, name=name, flip=False, **arguments
    )
    return dataclasses.replace(data, own_policies=table_policies(rows.shape[1]))


def _checked(
    pair: tuple[ArrayLike, ArrayLike], part: str
) -> NDArray[np.float64]:
    rows = np.asarray(pair[0])
    if rows.ndim != 2 or rows.dtype.kind not in "biuf" or 0 in rows.shape:
        raise ValueError(
            f"{part} rows must be numbers of shape (N, features); received "
            f"{rows.dtype} {rows.shape}. Write words as columns of 0 and 1"
        )
    rows = rows.astype(np.float64)
    if not np.isfinite(rows).all():
        place = tuple(int(x) for x in np.argwhere(~np.isfinite(rows))[0])
        raise ValueError(
            f"{part} rows must be finite; received {rows[place]} in row "
            f"{place[0]}, feature {place[1]}. Fill gaps first, for instance "
            "with sklearn.impute.SimpleImputer"
        )
    return rows


def table_policies(features: int) -> dict[str, Policy]:
    """Weak, medium and strong views of rows that are 1 by features by 1.

    Weak is noise of a sixteenth of a standard deviation (2 of its 32 levels);
    strong is noise of up to a quarter of one, and a fifth of the features,
    drawn one by one, at their mean; medium is the same with half as many.

    Args:
        features: how many a row has.

    Returns:
        dict from "weak", "medium" and "strong" to a policy.

    Raises:
        ValueError: fewer than one feature.
    """
    if features < 1:
        raise ValueError(f"features must be at least 1; received {features}")
    side = 1e-6 / features  # of a square that covers a single feature
    masked, noise = Op("cutout_gray", side, side), Op("noise", 2, 8)

    def view(part: int) -> Policy:
        return Policy((noise, Stage((masked,), -(-features // part))))

    return {
        "weak": Policy((Op("noise", 2, 2),)),
        "medium": view(10),
        "strong": view(5),
    }
