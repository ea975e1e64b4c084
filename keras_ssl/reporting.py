"""What a training reports: the loss' terms and what is told beside them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_ssl.backend import Tensor

if TYPE_CHECKING:  # what it is mixed into
    from keras import Model
else:
    Model = object


class Reporting(Model):
    """The part of `SSLModel` that keeps averages over an epoch."""

    terms: tuple[str, ...] = ("supervised", "unlabeled")
    monitors: tuple[str, ...] = ()
    skip_broken: bool
    _broken: keras.metrics.Metric
    _stacked: Callable[[Mapping[str, Tensor]], Tensor]

    def _begin_trackers(self) -> None:
        self.trackers = {
            name: keras.metrics.Mean(name=name)
            for name in (*self.terms, *self.monitors)
        }
        self._recorded: set[str] = set()

    def monitor(self, **values: Tensor | tuple[Tensor, Tensor]) -> None:
        """Reports values beside the loss: averaged over the epoch.

        Args:
            **values: each name one of `monitors`; an array, or a pair of an
                array and the weight of each of its elements.
        """
        for name, value in values.items():
            value, weight = value if isinstance(value, tuple) else (value, None)
            if name not in self.trackers:
                raise ValueError(
                    f"{type(self).__name__} reports {name!r}, which is missing "
                    f"in its terms {self.terms} and monitors {self.monitors}"
                )
            value = ops.stop_gradient(ops.cast(value, "float32"))
            self.trackers[name].update_state(value, sample_weight=weight)
            self._recorded.add(name)

    def monitor_guesses(
        self, batch: dict[str, Tensor], guess: Tensor, mask: Tensor
    ) -> None:
        """Reports how many pseudo-labels are used and how many are right.

        Args:
            batch: the batch; only with its "truth" can the second be known.
            guess: int32 `(batch,)`.
            mask: float32 `(batch,)`, 1 where the guess is used.
        """
        self.monitor(mask_rate=mask)
        if "truth" in batch:
            known = ops.cast(batch["truth"] >= 0, "float32")
            self.monitor(
                pseudo_label_accuracy=(guess == batch["truth"], mask * known)
            )

    def confident(
        self, batch: dict[str, Tensor], q: Tensor, threshold: Any
    ) -> Tensor:
        """1 where max q >= threshold, else 0; reported as `monitor_guesses`.

        Args:
            batch: the batch.
            q: probabilities `(batch, classes)`; argmax q is the guess.
            threshold: a number, or one for each example.

        Returns:
            float32 `(batch,)`, without gradient.
        """
        q = ops.stop_gradient(q)
        mask = ops.cast(ops.max(q, axis=-1) >= threshold, "float32")
        guess = ops.cast(ops.argmax(q, axis=-1), "int32")
        self.monitor_guesses(batch, guess, mask)
        return mask

    def _report(
        self, terms: Mapping[str, Tensor], sound: Tensor
    ) -> dict[str, Tensor]:
        """Records the terms of a step; what was recorded in it, averaged."""
        self._broken.update_state(self._stacked(terms), sound, self.step.value)
        weight = None
        if self.skip_broken:
            weight = ops.cast(sound, "float32")
            terms = {k: ops.where(sound, v, 0.0) for k, v in terms.items()}
        self.monitor(**{name: (v, weight) for name, v in terms.items()})
        loss = ops.stop_gradient(sum(terms.values()))
        self._loss_tracker.update_state(loss, sample_weight=weight)
        shown: dict[str, keras.metrics.Metric] = {"loss": self._loss_tracker}
        shown.update(
            (name, tracker)
            for name, tracker in self.trackers.items()
            if name in self._recorded
        )
        if self.skip_broken:
            shown["broken"] = self._broken
        return {name: tracker.result() for name, tracker in shown.items()}

    def get_metrics_result(self) -> dict[str, Any]:
        """What evaluation reports: the loss and the compiled metrics only."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            # TensorFlow builds the compiled metrics in the first evaluation,
            # but asks for results after an epoch of training already
            ours = metric is self._broken or metric.name in self.trackers
            if ours or not getattr(metric, "built", True):
                continue
            result = metric.result()
            results.update(
                result if isinstance(result, dict) else {metric.name: result}
            )
        return results
