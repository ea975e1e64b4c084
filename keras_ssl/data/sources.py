"""Unlabeled batches mixed from several sources in fixed proportions.

Images scraped, or left over from elsewhere, may outnumber the data set's own by
far. Mixed in proportions of their own they take the share of a batch that the
user gives them, whatever their number; each source is walked in an order of its
own, every image of it equally often.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_ssl.data.arrays import check_same_shape, checked_images
from keras_ssl.data.split import Split

OWN = "own"


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Where some of the unlabeled images of a batch come from.

    Attributes:
        name: `"own"` for the split's unlabeled images, or the user's name.
        images: uint8 `(N, H, W, C)`, the user's own array, never a copy.
        rows: int64, which of them; `None`: all.
        truth: int32, their labels, -1 where unknown.
        items: How many of them each batch holds.
    """

    name: str
    images: NDArray[np.uint8]
    rows: NDArray[np.int64] | None
    truth: NDArray[np.int32]
    items: int

    def pool(
        self, stream: str
    ) -> tuple[str, NDArray[np.uint8], NDArray[np.int64] | None, int]:
        """Returns the pool that `_core.Sampler` feeds `stream` with."""
        name = stream if self.name == OWN else f"{stream}/{self.name}"
        return name, self.images, self.rows, self.items


def mixed(
    split: Split,
    size: int,
    unlabeled_sources: Mapping[str, ArrayLike] | None = None,
    source_ratio: Mapping[str, int] | None = None,
) -> list[Source]:
    """Divides an unlabeled batch among sources.

    Args:
        split: A `Split`; its unlabeled images are the source `"own"`.
        size: Unlabeled images in a batch.
        unlabeled_sources: Further images, uint8 `(N, H, W, C)` of the data
            set's shape, by name. Default: none.
        source_ratio: Parts of a batch for each name and `"own"`, whole numbers
            of at least 1 whose sum divides `size`: `{"own": 5, "web": 2}`.
            Needed where there are sources.

    Returns:
        List of `Source`, `"own"` first; their `items` add up to `size`.

    Raises:
        ValueError: If names, parts or images do not fit.
    """
    others = dict(unlabeled_sources or {})
    parts = _parts(others, source_ratio, size)
    own = split.dataset.train[0]
    sources = [
        Source(
            OWN, own, split.unlabeled, split.labels_of_unlabeled, parts.pop(OWN)
        )
    ]
    for name, items in parts.items():
        images = checked_images(others[name], f"unlabeled source {name!r}")
        check_same_shape(own, images, f"unlabeled source {name!r}")
        unknown = np.full(len(images), -1, np.int32)
        sources.append(Source(name, images, None, unknown, items))
    return sources


def _parts(
    others: Mapping[str, ArrayLike],
    source_ratio: Mapping[str, int] | None,
    size: int,
) -> dict[str, int]:
    """Returns the items of each source in a batch, `"own"` first."""
    for name in others:
        if not isinstance(name, str) or name in ("", OWN) or "/" in name:
            raise ValueError(
                "names of unlabeled_sources are strings without '/', other "
                f"than {OWN!r}, the data set's own images; received {name!r}"
            )
    names = [OWN, *others]
    if source_ratio is None and not others:
        source_ratio = {OWN: 1}
    if source_ratio is None or set(source_ratio) != set(names):
        example = dict.fromkeys(names, 1)
        raise ValueError(
            f"source_ratio must give the parts of {', '.join(map(repr, names))}"
            f", such as {example}; received {source_ratio}"
        )
    parts = {name: source_ratio[name] for name in names}
    for name, part in parts.items():
        if not isinstance(part, int | np.integer) or part < 1:
            raise ValueError(
                "parts of source_ratio are whole numbers of at least 1; "
                f"received {part!r} for {name!r}"
            )
    whole = sum(parts.values())
    if size % whole:
        raise ValueError(
            f"the parts of source_ratio, {whole} in all, must divide the "
            f"unlabeled images of a batch; received {parts} for {size} of "
            "them. Pass another batch_size or unlabeled_ratio, or other parts"
        )
    return {name: int(part) * size // whole for name, part in parts.items()}
