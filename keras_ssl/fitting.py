"""`compile` and `fit`: Keras' own, with the published recipe as default."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_ssl import (
    backend,
    layer_rates,
    legs,
    optimizer_groups,
    optimizers,
)
from keras_ssl.guarding import Guard

if TYPE_CHECKING:  # what it is mixed into
    from keras import Model
else:
    Model = object

# arguments of `fit` about arrays, which Keras refuses beside a data set or
# makes something of
BESIDE = {"sample_weight", "class_weight", "validation_split"}


class Fitting(Model):
    """The part of `SSLModel` that decides how long and on what it trains."""

    _stage = ""
    is_pretrained = False  # weights come from another training

    def default_optimizer(
        self, total_steps: int
    ) -> keras.optimizers.Optimizer | dict[str, keras.optimizers.Optimizer]:
        """The method's published optimizer for a training of this length.

        Unless a method says otherwise the one of the shared recipe: SGD with
        Nesterov momentum 0.9, an L2 penalty of 5e-4 on the kernels and the
        learning rate 0.03 * cos(7 pi k / 16 K). FixMatch (arXiv 2001.07685;
        google-research/fixmatch).

        Returns:
            An optimizer; for a method with `parts`, a dict from each to its
            own.
        """
        return optimizers.SGD(
            optimizers.SevenSixteenthsCosine(0.03, total_steps)
        )

    def parts(self) -> dict[str, list[keras.Variable]]:
        """What has an optimizer of its own: name -> the variables it changes.

        Empty, the default: one optimizer changes everything.
        """
        return {}

    def stages(self) -> dict[str, float]:
        """Stages of the training: name -> the part of the training, 0 to 1, at
        whose end it ends.

        A step may be another computation in each; `self.stage` tells which.
        `fit` lets stages end with an epoch. Empty, the default: there is one.
        """
        return {}

    @property
    def stage(self) -> str:
        """Name of the present stage, the first before `fit`; "" without any."""
        return self._stage or next(iter(self.stages()), "")

    def start(self, batches: Any) -> None:
        """Called by `fit` before the very first step.

        For what a method sets by looking at data, such as data-dependent first
        weights (unless it `is_pretrained`).

        Args:
            batches: what `fit` got; `batches[i]` is `(views, labels)`.
        """

    def refresh(self) -> None:
        """Called by `fit` before each epoch, outside of the step.

        For what a method finds out by looking at all that it remembers, such
        as pseudo-labels that stand for an epoch. The rest of an interrupted
        epoch goes on with what was found for it.
        """

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        metrics: Any = "auto",
        total_steps: int | None = None,
        layer_decay: float | None = None,
        skip_broken: bool = False,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`, with the published recipe as default.

        Args:
            optimizer: "auto" is `default_optimizer`, its schedule stretched
                over the length of the training; or any Keras optimizer. For a
                method with `parts`, a dict from each to an optimizer, or one
                that each gets a copy of.
            loss: of `evaluate`, not of training; "auto" is cross-entropy.
            metrics: of `evaluate`; "auto" is accuracy.
            total_steps: the length of the whole training in steps, for the
                schedule and the ramps. `None`: what `fit` is asked to run.
            layer_decay: for fine-tuning, what the learning rate of each layer
                is multiplied by against that of the next; see
                `layer_rates.factors`. `None`: all learn alike.
            skip_broken: a step whose loss or new weights are not finite is
                left out, and counted as "broken" in what is reported. `False`,
                the default: the training ends there with FloatingPointError.
            **kwargs: as `keras.Model.compile`.
        """
        asked = {"optimizer": optimizer, "loss": loss, "metrics": metrics}
        # another backend that loads the model compiles as it does best itself
        asked["jit_compile"] = kwargs.get("jit_compile", "auto")
        self._automatic = [
            name for name, value in asked.items() if value == "auto"
        ]
        self._asked_steps = self.total_steps = total_steps
        if "optimizer" in self._automatic:
            optimizer = self.default_optimizer(total_steps or 2**20)
        optimizer = optimizer_groups.for_parts(optimizer, self.parts())
        self._layer_decay = layer_decay
        self.skip_broken = skip_broken
        if layer_decay is not None:
            optimizer = self._layer_wise(optimizer, layer_decay)
        if "loss" in self._automatic:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if "metrics" in self._automatic:
            metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
        )
        # TensorFlow would build it inside the first trace, and load_weights
        # skips an optimizer that has no variables yet
        self.optimizer.build(self.parts() or self.trainable_variables)

    def _layer_wise(self, optimizer: Any, decay: float) -> Any:
        if self.parts():
            raise ValueError(
                f"{type(self).__name__} has an optimizer for each of "
                f"{', '.join(self.parts())}; layer_decay is for methods with "
                "one"
            )
        if isinstance(optimizer, layer_rates.LayerWise):  # was saved
            return optimizer
        return layer_rates.LayerWise(
            keras.optimizers.get(optimizer),
            layer_rates.factors(self.network, self.trainable_variables, decay),
        )

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        if config:
            config.update(dict.fromkeys(self._automatic, "auto"))
            config["total_steps"] = self._asked_steps
            config["layer_decay"] = self._layer_decay
            config["skip_broken"] = self.skip_broken
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        *,
        epochs: int = 1,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        resume: bool = False,
        shuffle: bool = False,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `keras.Model.fit`, on batches made by `Split.batches`.

        Args:
            x: `keras_ssl.data.batches.Batches`; or any Keras data set of
                `(views, labels)`.
            epochs: number of the last epoch, as in Keras: this call runs
                `epochs - initial_epoch` of them.
            initial_epoch: defaults to 0.
            steps_per_epoch: defaults to the batches' own.
            resume: continue an interrupted training. The epochs then count
                from the model's first step ever, and what is left of `epochs`
                is run, from the middle of an epoch if it stopped there; the
                reported averages of that epoch are those of its remainder.
            shuffle: defaults to `False`: the sampler has its own order.
            callbacks: a list, as in Keras. Defaults to none.
            **kwargs: as `keras.Model.fit`.

        Batches always continue where the model stands: what an interrupted run
        has not seen yet comes next.

        Returns:
            `keras.callbacks.History`.

        Raises:
            FloatingPointError: a loss was not finite; see `check_finite`.
        """
        callbacks = [Guard(), *(callbacks or ())]
        taken = self.steps_taken()
        is_ours = hasattr(x, "from_step")
        if is_ours:
            self.build_state(x.unlabeled_size)
            steps_per_epoch = steps_per_epoch or x.steps_per_epoch
        elif y is None and hasattr(x, "__len__"):
            steps_per_epoch = steps_per_epoch or len(x)
        if not taken:
            self.start(x)
        plan = legs.plan(taken, epochs, initial_epoch, steps_per_epoch, resume)
        if steps_per_epoch:
            length = sum((end - begin) * steps for begin, end, steps in plan)
            self._set_total_steps(taken + length)
            plan = legs.cut(plan, taken, self._stage_ends(steps_per_epoch))
            legs.check(plan, self.steps_per_execution)
        # what does not go with a data set is for Keras to judge
        is_plain = y is not None or shuffle or not BESIDE.isdisjoint(kwargs)
        is_rest = bool(resume and taken % (steps_per_epoch or 1))
        history = None
        for begin, end, steps in plan:
            self._enter_stage(steps_per_epoch)
            refresh = [] if is_rest else [_before_epochs(self.refresh)]
            is_rest = False
            data = x.from_step(self.steps_taken()) if is_ours else x
            if is_ours and not is_plain:
                data = backend.feed(self, data)
            part = super().fit(
                data,
                y,
                epochs=end,
                initial_epoch=begin,
                steps_per_epoch=steps,
                shuffle=shuffle,
                callbacks=[*refresh, *callbacks],
                **kwargs,
            )
            history = legs.joined(history, part)
            if self.stop_training:
                break
        return history

    def steps_taken(self) -> int:
        """Number of training steps that made the present weights, an int."""
        return int(ops.convert_to_numpy(self.step))

    def _set_total_steps(self, total_steps: int) -> None:
        total_steps = self._asked_steps or total_steps
        if total_steps == self.total_steps:
            return
        self.total_steps = total_steps
        if "optimizer" in self._automatic:
            fresh = self.default_optimizer(total_steps)
            optimizer_groups.take_schedule(self.optimizer, fresh)
        self.train_function = None  # its trace holds the old length

    def _stage_ends(self, steps_per_epoch: int) -> dict[str, int]:
        """The step at which each stage ends, a whole number of epochs."""
        epochs = (self.total_steps or 0) / steps_per_epoch
        ends: dict[str, int] = {}
        for place, (name, part) in enumerate(self.stages().items()):
            # every stage has an epoch at least, where there are enough
            epoch = max(round(part * epochs), place + 1)
            ends[name] = epoch * steps_per_epoch
        return ends

    def _enter_stage(self, steps_per_epoch: int | None) -> None:
        """Sets `self.stage` to the one that the next step belongs to."""
        if not self.stages():
            return
        if not steps_per_epoch:
            raise ValueError(
                f"{type(self).__name__} is trained in stages "
                f"({', '.join(self.stages())}) and needs to know the steps of "
                "an epoch: pass steps_per_epoch"
            )
        taken, stage = self.steps_taken(), list(self.stages())[-1]
        for name, end in reversed(self._stage_ends(steps_per_epoch).items()):
            stage = name if taken < end else stage
        if stage != self.stage:
            self._stage = stage
            self.train_function = None  # its trace is of another computation


def _before_epochs(call: Callable[[], None]) -> keras.callbacks.Callback:
    """A callback that calls `call` before each epoch."""
    return keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: call()
    )
