"""CTAugment: augmentation that learns how far it may go.

ReMixMatch (arXiv 1911.09785), section 3.2.2; details as in
google-research/fixmatch, libml/ctaugment.py. The range of every op is cut into
bins, each with a weight. A probe is a labeled image changed by random ops; how
well the model still tells its class moves the weights of the bins that were
used. Values are then drawn from the bins that do no harm.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_ssl.data.op import Op
from keras_ssl.data.policies import ct_augment

BINS = 17
# those with other bins than one set of 17
SPECIAL = {"identity": (), "posterize": (8,), "rescale": (BINS, 6)}

Weights = list[tuple[NDArray[np.float64], ...]]


class Sampler(Protocol):
    """What draws the probes and takes the rates."""

    def drawn(
        self, view: str, step: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]: ...

    def set_rates(
        self, view: str, step: int, rates: list[list[list[float]]]
    ) -> None: ...


class CTAugment:
    """The rates of a view, learned from the probes of another.

    Batches are made ahead of the step that asks for them, so what is learned at
    step s holds from step `s + delay` on: never for a batch that stands ready
    already, and always for the same batches, however fast the model is.

    Args:
        sampler: `keras_ssl.data.batches.Batches` or `_core.Sampler`.
        learned: name of the view whose policy is `policies.ct_augment(flip)`.
        probe: name of the view, of labeled examples, whose policy is
            `policies.ct_augment(flip, learned=False, cutout=False)`.
        depth: as for `policies.ct_augment`. Defaults to 2.
        threshold: bins whose weight, relative to the largest, is lower are not
            drawn. Defaults to 0.8, as ReMixMatch and FixMatch are run.
        decay: of the weights. Defaults to 0.99.
        delay: steps until what is learned holds; more than the batches that are
            made ahead. Defaults to 4.

    Example:

        learner = CTAugment(batches, learned="strong", probe="probe")
        learner.update(step, proximity)  # after each step
    """

    def __init__(
        self,
        sampler: Sampler,
        learned: str = "strong",
        probe: str = "probe",
        depth: int = 2,
        threshold: float = 0.8,
        decay: float = 0.99,
        delay: int = 4,
    ) -> None:
        if not 0.0 <= threshold <= 1.0 or not 0.0 <= decay < 1.0 or delay < 1:
            raise ValueError(
                "expected a threshold in [0, 1], a decay in [0, 1) and a delay "
                f"of 1 step or more, received {threshold}, {decay}, {delay}"
            )
        self.sampler = sampler
        self.learned = learned
        self.probe = probe
        self.depth = depth
        self.threshold = threshold
        self.decay = decay
        self.delay = delay
        self.weights: Weights = [
            tuple(np.ones(bins) for bins in SPECIAL.get(op.name, (BINS,)))
            for op in _ops()
        ]
        # what the coming batches are drawn with: (from step, rates)
        self._coming: list[tuple[int, list[list[list[float]]]]] = []

    def rates(self) -> list[list[list[float]]]:
        """How likely each bin is, by op and level; the sums do not matter."""

        def rates_of(weights: NDArray[np.float64]) -> list[float]:
            relative = weights + (1 - self.decay)  # so that not all are zero
            relative = relative / relative.max()
            kept: list[float] = np.where(
                relative < self.threshold, 0.0, relative
            ).tolist()
            return kept

        return [[rates_of(bins) for bins in of_op] for of_op in self.weights]

    def update(self, step: int, proximity: ArrayLike) -> None:
        """Learns from the probes of a step.

        Args:
            step: whose batch the probes belong to.
            proximity: float `(batch,)`, in 0 to 1: how close the model's
                probabilities p of each probe come to its label y,
                `1 - 0.5 * sum(abs(p - y))`.

        Raises:
            ValueError: another number of probes than the batch has, or numbers
                outside of 0 to 1.
        """
        choices, levels = self.sampler.drawn(self.probe, step)
        closeness = np.asarray(proximity, np.float64)
        if closeness.shape != choices.shape[:1] or not np.all(
            (closeness >= 0) & (closeness <= 1)
        ):
            raise ValueError(
                f"expected the proximity of {len(choices)} probes, each in "
                f"[0, 1]; received shape {closeness.shape} with values "
                f"{closeness.min(initial=0):g} to {closeness.max(initial=0):g}"
            )
        last = slice(-self.depth, None)  # what comes before them is weak
        for ops, places, close in zip(
            choices[:, last], levels[:, last], closeness, strict=True
        ):
            for op, place in zip(ops, places, strict=True):
                self._move(int(op), place, float(close))
        self._publish(step + self.delay)

    def _move(self, op: int, place: NDArray[np.float64], close: float) -> None:
        for bins, level in zip(self.weights[op], place, strict=False):
            # the factor is the reference's; it keeps a level of 1 inside
            number = int(level * len(bins) * 0.999)
            bins[number] += (1 - self.decay) * (close - bins[number])

    def _publish(self, step: int) -> None:
        rates = self.rates()
        self.sampler.set_rates(self.learned, step, rates)
        kept = [timed for timed in self._coming if timed[0] < step]
        # one more than the delay: the batch of the next step has rates too
        self._coming = [*kept[-self.delay :], (step, rates)]

    def state(self) -> dict[str, Any]:
        """Everything that was learned, as JSON can hold it."""
        return {
            "weights": [
                [bins.tolist() for bins in of_op] for of_op in self.weights
            ],
            "coming": [[step, rates] for step, rates in self._coming],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from `state()`; the next batches are what they would be.

        Raises:
            ValueError: a state of other ops or bins.
        """
        shapes = [[len(bins) for bins in of_op] for of_op in state["weights"]]
        expected = [[len(bins) for bins in of_op] for of_op in self.weights]
        if shapes != expected:
            raise ValueError(
                f"expected weights of bins {expected}, received {shapes}"
            )
        self.weights = [
            tuple(np.asarray(bins, np.float64) for bins in of_op)
            for of_op in state["weights"]
        ]
        self._coming = [(int(step), rates) for step, rates in state["coming"]]
        for step, rates in self._coming:
            self.sampler.set_rates(self.learned, step, rates)


def _ops() -> tuple[Op, ...]:
    """CTAugment's ops, in the order of every such policy."""
    stages = ct_augment(flip=False).stages
    return next(stage.ops for stage in stages if stage.learned)
