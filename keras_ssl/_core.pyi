"""The C++ core: batches, order and image ops. See `csrc/`."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# [draws, [[op name, probability, low, high], ...]], lists as JSON has them;
# options follow as dicts, a size stands first
_Stage = Any
# ("stream" or "stream/pool", images, indices or None for all, items)
_Pool = tuple[str, NDArray[np.uint8], ArrayLike | None, int]
# (name, stream name, stages)
_View = tuple[str, str, Sequence[_Stage]]

class Sampler:
    """Makes batches; a batch is a pure function of the arguments and step.

    A stream is fed by one or several pools: a batch holds `items` examples of
    the first, then those of the second, and so on. Item i that step s takes
    from a pool stands at position `s * items + i` of the pool's endless walk,
    in which every pass is a fresh permutation. Order and draws are keyed by
    the pool's name and that position, so no pool depends on another. The
    arguments `threads` and `ring` never show in a batch.

    Args:
        streams: the pools, (name, images, indices, items) each. Pools named
            "a" and "a/extra" both feed stream "a", in the order given here.
            Images are uint8 of shape (count, height, width, channels),
            C-contiguous, with 1 or 3 channels, one shape for a stream; they
            are not copied, may be memory maps and must not change. `indices`
            choose the rows that make up the pool; None means all.
        views: (name, stream name, stages) each, stages as
            `keras_ssl.data.policies.Policy.to_config` gives them.
        seed: 0 <= seed < 2**64.
        threads: worker threads; 0 is one per CPU this process may use.
        ring: how many batches are made ahead of the one asked for.
        process: which part of every batch to deliver, 0 <= process < processes.
        processes: into how many equal parts the n items of a stream's batch
            are cut; process p delivers those from n * p / processes on.

    Raises:
        ValueError: an argument is not as expected.
        IndexError: an index points outside of its images.
    """

    def __init__(
        self,
        streams: Sequence[_Pool],
        views: Sequence[_View],
        seed: int = 0,
        threads: int = 0,
        ring: int = 2,
        process: int = 0,
        processes: int = 1,
    ) -> None: ...
    def batch(self, step: int) -> dict[str, NDArray[Any]]:
        """The batch of any step; consecutive steps come from the ring.

        Returns:
            `{view: uint8 (batch, height, width, channels)}` and
            `{"index/<stream>": int32 (batch,)}`, the position of each example
            in its stream's pools, counted through all of them; and, of views
            whose policy has "quarter_turn", `{"turns/<view>": int32 (batch,)}`,
            the right angles by which each image was turned. The arrays
            are the caller's own: their memory is used again only after the
            last of them is gone.

        Raises:
            ValueError: the step is negative or beyond 2**63 examples.
            RuntimeError: the sampler is closed.
        """

    def set_rates(
        self, view: str, step: int, rates: Sequence[Sequence[Sequence[float]]]
    ) -> None:
        """From batch `step` on, the view's learned stage draws with these.

        Args:
            view: one whose policy has a learned stage.
            step: batches from here on that stand ready are made anew.
            rates: for each op of the stage, and each of its levels (one,
                "rescale" has two), how likely the bins are into which the
                range is cut; in any unit. Empty: all levels are equally likely.

        Raises:
            ValueError: no such view, or rates that are not as expected.
        """

    def drawn(
        self, view: str, step: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """What a view draws at a step, without making the images.

        Returns:
            Which op of its stage each application took, int32 `(items,
            applications)`, -1 where none was applied; and where in the op's
            range its values lie, float64 `(items, applications, 2)` in [0, 1].
        """

    def close(self) -> None:
        """Joins the threads and lets go of the images; may be called again."""

    @property
    def wait_seconds(self) -> float:
        """The time callers of `batch` have spent waiting, all together."""

    @property
    def threads(self) -> int: ...
    def __enter__(self) -> Sampler: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

def apply_op(
    name: str, image: NDArray[np.uint8], *values: float
) -> NDArray[np.uint8]:
    """One op with explicit parameters on an image (height, width, channels).

    `crop` takes (offset_y, offset_x) and the cutouts (side, center_x,
    center_y) in pixels, `rescale` (fraction, number of the filter); the others
    take their one value, or none.
    """

def add_noise(
    image: NDArray[np.uint8], sigma: float, words: NDArray[np.uint32]
) -> NDArray[np.uint8]:
    """Gaussian noise of `sigma` gray levels, from a word for two values."""

def resized(
    image: NDArray[np.uint8],
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    filter: str,
) -> NDArray[np.uint8]:
    """A part (left, top, right, bottom), scaled as Pillow's `resize` does.

    `filter` is "lanczos", "bicubic", "bilinear", "box", "hamming" or "nearest".
    """

def engines() -> list[str]:
    """The instruction sets this CPU has, of those the core is compiled for."""

def engine() -> str:
    """The one in use: the last of `engines()`.

    Unless the environment variable KERAS_SSL_SIMD named another before the
    first use. The bytes are the same.
    """

def use_engine(name: str) -> None:
    """Uses one of `engines()` from now on."""

def apply_policy(
    stages: Sequence[_Stage],
    image: NDArray[np.uint8],
    seed: int,
    position: int,
    stream: str,
    view: str,
) -> NDArray[np.uint8]:
    """What a sampler shows of an image at a position of a view."""

def index_at(position: int, size: int, seed: int, stream: str) -> int:
    """Which example of a pool of `size` stands at a position of a stream."""

def philox(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    """Philox4x32-10: four random words from four counter and two key words."""
