"""SSLModel: where a method meets Keras.

A method subclasses it, declares the views it needs and writes its objective;
the concatenated forward pass, the step and the moving average are here, once;
`compile` and `fit` in `fitting.py`, what a file holds in `saving.py`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import keras
from keras import ops

from keras_ssl import backend, schedules
from keras_ssl.backend import Tensor
from keras_ssl.fine_tuning import FineTuning
from keras_ssl.fitting import Fitting
from keras_ssl.saving import Saving

# what batch normalization counts, which is not averaged a second time
STATISTICS = ("moving_mean", "moving_variance")


def sum_of(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of a dict's values."""
    return sum(terms.values())


class SSLModel(Fitting, FineTuning, Saving, backend.TrainStep, keras.Model):
    """A classifier that learns from labeled and unlabeled images.

    Args:
        network: a built `keras.Model` from normalized images
            `(batch, height, width, channels)` to logits `(batch, classes)`. It
            is trained in place.
        ema_decay: decay of the moving average of the trainable weights that
            `evaluate`, `predict` and `export` use, warmed up as
            `schedules.warm_decay`; 0 switches it off. Defaults to 0.999.
        seed: of the noise that a method draws inside its step. Defaults to 0.
        **kwargs: as `keras.Model` (`name`).

    Images are uint8, 0 to 255; the model itself scales them to `pixel_range`,
    -1 to 1 as in google-research/fixmatch unless a method says otherwise.

    A subclass says:

    - `views`: what a batch holds, name -> `(stream, policy)`; the streams are
      "labeled" and "unlabeled" (any other name walks the unlabeled pool in an
      order of its own), the policies "weak", "strong" and "identity";
    - `terms`: the names of the loss terms that `objective` returns;
    - `monitors`: the names of what it reports beside them;
    - `unlabeled_ratio`: unlabeled examples per labeled one in a batch (mu);
    - `pixel_range`: what its network sees for the bytes 0 and 255;
    - `default_network`: the name of the network that the paper trains;
    - `objective(batch)`: the equations.

    Raises:
        ValueError: the network is not built.
    """

    views: Mapping[str, tuple[str, Any]] = {"labeled": ("labeled", "weak")}
    terms: tuple[str, ...] = ("supervised", "unlabeled")
    monitors: tuple[str, ...] = ()
    unlabeled_ratio: int = 1
    pixel_range: tuple[float, float] = (-1.0, 1.0)
    default_network: str = "small_cnn"

    def __init__(
        self,
        network: keras.Model,
        ema_decay: float = 0.999,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not network.built:
            raise ValueError(
                "expected a built network (one whose weights exist); call it "
                f"once on a batch of images first. Received: {network}"
            )
        self.network = network
        self.ema_decay = ema_decay
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)
        self.step = self.add_weight(
            shape=(), dtype="int32", trainable=False, name="step",
            initializer="zeros",
        )  # fmt: skip
        # places and not the variables, which Keras would track a second time;
        # chosen by kind and not by `trainable`, so that a model with a layer
        # that was frozen meanwhile loads what it saved
        self._averaged_places = [
            place
            for place, variable in enumerate(network.variables)
            if ema_decay
            and "float" in keras.backend.standardize_dtype(variable.dtype)
            and variable.name not in STATISTICS
        ]
        self.averages = [
            self._average_of(network.variables[place])
            for place in self._averaged_places
        ]
        self.trackers = {
            name: keras.metrics.Mean(name=name)
            for name in (*self.terms, *self.monitors)
        }
        self.total_steps: int | None = None
        self._recorded: set[str] = set()
        self.built = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable("keras_ssl")(cls)

    # What a method writes, and what it writes it with ----------------------

    def objective(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The loss terms of one batch.

        Args:
            batch: dict of the views, uint8 `(batch, height, width, channels)`;
                "labels", int32 `(batch,)`, of the labeled stream; "index",
                int32, the position of each unlabeled example in its pool; and
                "truth", int32, its label, only where a benchmark asked for it.

        Returns:
            dict from each name in `terms` to a scalar. Their sum is minimized.
        """
        raise NotImplementedError

    def build_state(self, unlabeled_size: int) -> None:
        """Makes the state that needs the number of unlabeled examples."""

    def normalize(self, images: Tensor) -> Tensor:
        """uint8 images as float32 in `pixel_range`; layers cast further."""
        self._check_uint8(images)
        low, high = self.pixel_range
        return ops.cast(images, "float32") / (255.0 / (high - low)) + low

    def _check_uint8(self, images: Tensor) -> None:
        dtype = keras.backend.standardize_dtype(images.dtype)
        if dtype != "uint8":
            raise ValueError(
                "expected uint8 images with values 0 to 255, received "
                f"{dtype}; scale images in 0..1 by 255 and cast: "
                "(255 * images).round().astype('uint8')"
            )

    def logits(self, *views: Tensor) -> list[Tensor]:
        """Logits of several views from one pass over all of them together.

        One pass means that batch normalization sees the labeled and unlabeled
        examples as one batch, as in every reference implementation.

        Args:
            *views: uint8 images, or floats that are normalized already.

        Returns:
            A list of float32 logits `(batch, classes)`, one for each view.
        """
        images = ops.concatenate([self._as_floats(view) for view in views])
        logits = ops.cast(self.network(images, training=True), "float32")
        parts, begin = [], 0
        for view in views:
            # TensorFlow learns the batch size only when the step runs
            end = begin + (view.shape[0] or ops.shape(view)[0])
            parts.append(logits[begin:end])
            begin = end
        return parts

    def _as_floats(self, images: Tensor) -> Tensor:
        is_float = "float" in keras.backend.standardize_dtype(images.dtype)
        return images if is_float else self.normalize(images)

    def progress(self) -> Tensor:
        """How much of the training is done, a float32 scalar from 0 to 1."""
        if self.total_steps is None:
            raise ValueError(
                "the length of the training is unknown; pass "
                "compile(total_steps=...), or steps_per_epoch to fit"
            )
        return schedules.linear_ramp(self.step, self.total_steps)

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

    # The step --------------------------------------------------------------

    def run_step(self, data: Any) -> dict[str, Tensor]:
        """One training step on `(views, labels)`; returns what is reported."""
        views, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        for name in self.views:
            self._check_uint8(views[name])
        batch = {
            name: ops.convert_to_tensor(value)
            for name, value in {**views, "labels": labels}.items()
        }
        self._recorded = set()
        terms = self.update(batch)
        if set(terms) != set(self.terms):
            raise ValueError(
                f"{type(self).__name__}.objective must return the terms "
                f"{self.terms}; received {tuple(terms)}"
            )
        with backend.no_grad():
            self.monitor(**terms)
            self._loss_tracker.update_state(ops.stop_gradient(sum_of(terms)))
            self._update_averages()
            self.step.assign_add(1)
            trackers = {"loss": self._loss_tracker, **self.trackers}
            return {
                name: tracker.result()
                for name, tracker in trackers.items()
                if name == "loss" or name in self._recorded
            }

    def update(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Changes the weights once; returns the loss terms.

        The default is one gradient step on the sum of the objective's terms. A
        method with several networks or optimizers overrides it, with one
        `descend` for each of its phases.
        """
        return self.descend(lambda: self.objective(batch))

    def descend(
        self,
        terms_of: Callable[[], dict[str, Tensor]],
        part: str | None = None,
    ) -> dict[str, Tensor]:
        """One gradient step on the sum of the terms that `terms_of()` returns.

        Args:
            terms_of: the equations, a function without arguments that returns
                a dict of scalars.
            part: the one of `parts` whose variables change, by its own
                optimizer. `None`, the default: everything that is trainable.

        Returns:
            The terms, before the step.
        """
        optimizer, variables = self.optimizer, self.trainable_variables
        if part is not None:
            optimizer, variables = optimizer.parts[part], self.parts()[part]

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            terms = terms_of()
            return optimizer.scale_loss(sum_of(terms)), terms

        (_, terms), gradients = backend.value_and_grad(loss, variables)
        backend.apply_gradients(optimizer, gradients, variables)
        return terms

    # The moving average ----------------------------------------------------

    def _average_of(self, variable: keras.Variable) -> keras.Variable:
        average = self.add_weight(
            shape=variable.shape, dtype=variable.dtype, trainable=False,
            name="average_" + variable.path.replace("/", "_"),
        )  # fmt: skip
        # a copy: under JAX two variables may not share one donated buffer
        average.assign(ops.convert_to_numpy(variable))
        return average

    def average_decay(self) -> Tensor:
        """The decay of the moving average at this step."""
        return schedules.warm_decay(self.step, self.ema_decay)

    def _averaged_pairs(self) -> list[tuple[keras.Variable, keras.Variable]]:
        variables = self.network.variables
        places = zip(self._averaged_places, self.averages, strict=True)
        return [(variables[place], average) for place, average in places]

    def _update_averages(self) -> None:
        decay = self.average_decay()
        for variable, average in self._averaged_pairs():
            keep = ops.cast(decay, average.dtype)
            new = ops.stop_gradient(variable.value)
            average.assign(keep * average + (1 - keep) * new)

    def averaged(self) -> AbstractContextManager[Any]:
        """A scope in which the network has its averaged weights.

        Batch normalization's statistics are the network's own, as in the
        reference implementations; updates inside the scope are dropped.
        """
        return backend.scope(
            (variable, average.value)
            for variable, average in self._averaged_pairs()
        )

    # What Keras asks for ---------------------------------------------------

    def call(self, images: Any, training: bool = False) -> Tensor:
        """Logits of uint8 images, from the averaged weights unless training."""
        if isinstance(images, dict):  # Keras traces the model on a batch
            images = images["labeled"]
        images = self.normalize(images)
        if training or not self.averages:
            return self.network(images, training=training)
        with self.averaged():
            return self.network(images, training=False)

    def get_metrics_result(self) -> dict[str, Any]:
        """What evaluation reports: the loss and the compiled metrics only."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            # TensorFlow builds the compiled metrics in the first evaluation,
            # but asks for results after an epoch of training already
            if metric.name in self.trackers or not getattr(
                metric, "built", True
            ):
                continue
            result = metric.result()
            results.update(
                result if isinstance(result, dict) else {metric.name: result}
            )
        return results
