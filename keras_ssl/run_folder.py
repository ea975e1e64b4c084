"""A run folder: everything that a training needs to go on, and what it found.

| file | what it holds |
| --- | --- |
| `config.json` | the arguments of the run and the versions it was made with |
| `config.toml` | the arguments alone, for `keras-ssl train --config` |
| `split.json` | which examples are labeled |
| `history.jsonl` | one line for each finished epoch |
| `labels.json` | labels given since, by `keras-ssl label` |
| `checkpoint.keras` | the model with its whole state, as of the last save |
| `checkpoint_1.keras` | the one before it, should the last one be damaged |
| `best.keras` | the model after its best epoch, if one was asked for |
| `result.json` | the test scores, once the run is complete |

Every file but the history is written under a temporary name and renamed, and
the history only ever grows by whole lines, so a run that is cut off at any
moment can be continued.
"""

import contextlib
import json
import math
import os
import pathlib
import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_ssl import backend
from keras_ssl.checkpoints import Checkpoints, load
from keras_ssl.ending import Ending, end
from keras_ssl.ssl_model import SSLModel
from keras_ssl.writing import whole


class RunFolder(keras.callbacks.Callback):
    """Keeps a training on disk; give it to `fit` as a callback.

    Where several processes train one model each has it as a callback, and the
    first of them writes.

    Args:
        path: the folder; made if needed.
        save_every: steps between checkpoints inside an epoch. `None`, the
            default: at the end of each epoch only.
        save_minutes: also save inside an epoch when the last save was so many
            minutes ago. `None`, the default: never.
        keep: number of checkpoints. Defaults to 2: if the last one proves to
            be damaged, the one before it takes its place.
        best: the model after its best epoch is kept besides, best by this name
            in the history, such as "val_accuracy"; the lowest where the name
            ends in "loss" or "error". `None`, the default: it is not kept.

    Raises:
        ValueError: `keep` is below 1.

    Example:

    >>> run = keras_ssl.RunFolder("runs/first")
    >>> history = model.fit(batches, epochs=20, callbacks=[run])
    >>> # later, perhaps in another process
    >>> model = keras_ssl.RunFolder("runs/first").load_model()
    >>> history = model.fit(
    ...     batches, epochs=20, resume=True, callbacks=[run]
    ... )
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        save_every: int | None = None,
        save_minutes: float | None = None,
        keep: int = 2,
        best: str | None = None,
    ) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.save_every = save_every
        self.save_minutes = save_minutes
        self.checkpoints = Checkpoints(self.path, keep)
        self.best = best
        self.ending = Ending()
        self.path.mkdir(parents=True, exist_ok=True)

    # Small files ------------------------------------------------------------

    def write(self, name: str, values: dict[str, Any]) -> None:
        """Writes a dict as `<name>.json`, whole or not at all."""
        self.write_text(f"{name}.json", json.dumps(values, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Writes a small file of that name, whole or not at all."""
        with whole(self.path / name) as unfinished:
            unfinished.write_text(text, "utf-8")

    def read(self, name: str) -> dict[str, Any] | None:
        """The dict written as `<name>.json`, or `None` if there is none.

        Raises:
            ValueError: the file is damaged.
        """
        file = self.path / f"{name}.json"
        try:
            return json.loads(file.read_text())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ValueError(f"{file} is damaged: {error}") from None

    def history(self) -> list[dict[str, Any]]:
        """The finished epochs, oldest first, a dict each.

        An epoch that was run twice, because the run was cut off between its
        end and the next checkpoint, appears as it ran last.
        """
        file = self.path / "history.jsonl"
        epochs = {}
        for line in file.read_text().splitlines() if file.exists() else ():
            try:
                entry = json.loads(line)
            except ValueError:  # the last line of a run that was cut off
                continue
            epochs[entry["epoch"]] = entry
        return [epochs[number] for number in sorted(epochs)]

    # The model --------------------------------------------------------------

    def save_model(self, model: SSLModel) -> None:
        """Writes the checkpoint, whole or not at all."""
        self.checkpoints.save(model)

    def load_model(self, best: bool = False) -> SSLModel:
        """The model as last saved, compiled, ready for `fit(resume=True)`.

        Where the last checkpoint is damaged the one before it, with a warning.

        Args:
            best: the model after its best epoch instead. Defaults to `False`.

        Raises:
            FileNotFoundError: nothing has been saved yet.
            ValueError: no checkpoint can be read, or it is no `SSLModel`.
        """
        if not best:
            return self.checkpoints.load()
        if not self.checkpoints.best.exists():
            raise FileNotFoundError(
                f"{self.checkpoints.best} does not exist; it is kept where "
                'RunFolder(best="val_accuracy") was asked for it'
            )
        return load(self.checkpoints.best)

    def batch(
        self, step: int, data_dir: str | None = None
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.int32]]:
        """The batch that a step of `keras-ssl train` got, made anew.

        The same bytes on every machine: a batch is a function of the run's
        arguments, its split and the step. To repeat the step itself, resume
        from a checkpoint before it.

        Args:
            step: its number, from 1, as messages and the history have it; it
                need not have been taken yet.
            data_dir: folder of prepared TensorFlow Datasets. `None`, the
                default: the environment variable KERAS_SSL_DATA, else TFDS'
                own.

        Returns:
            `(views, labels)` as `keras_ssl.data.batches.Batches` gives them.

        Raises:
            ValueError: the run was not made by the command, was begun with
                other augmentation than there is now, or `step` is below 1.

        Example:

            # after: keras-ssl train --out runs/pets
            views, labels = keras_ssl.RunFolder("runs/pets").batch(57)
        """
        from keras_ssl import run_data  # which begins runs as well

        return run_data.batch(self, step, data_dir)

    def _is_best(self, entry: dict[str, Any]) -> bool:
        """Whether an epoch is better than all before it."""
        if self.best not in entry:
            raise ValueError(
                f"the best epoch is asked for by {self.best!r}; an epoch "
                f"reports {', '.join(entry)}"
            )
        others = [
            other[self.best]
            for other in self.history()
            if other["epoch"] < entry["epoch"] and self.best in other
        ]
        if self.best.endswith(("loss", "error")):
            return entry[self.best] < min(others, default=math.inf)
        return entry[self.best] > max(others, default=-math.inf)

    # What fit calls, and what is around it -----------------------------------

    def interruptible(self) -> contextlib.AbstractContextManager[None]:
        """Within it, Ctrl-C ends the training in order; a second one at once.

        The step is finished, the model saved and KeyboardInterrupt raised;
        `Terminated`, which is one, where it was SIGTERM, as schedulers send it
        before they take a machine away. Python's own way may lose the former:
        raised inside a callback of the garbage collector, as JAX has one, it
        is printed and forgotten.

        Of several processes that train one model it is enough that one is told
        to: all end after the same step.

        Example:

        >>> run = keras_ssl.RunFolder("runs/first")
        >>> with run.interruptible():
        ...     history = model.fit(batches, epochs=20, callbacks=[run])
        """
        return self.ending.handled()

    def on_train_begin(self, logs: Any = None) -> None:
        self._saved = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()
        self._saved_at = self._at = -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # where several steps are executed at once this is the last of them
        self._at = batch
        is_last = batch + 1 == self.params.get("steps")
        # on_epoch_end saves, and ends, once the history has the epoch
        asked = self.ending.signal if is_last else self.ending.asked()
        if asked or (self._is_due() and not is_last):
            self._save()
        if not is_last:
            end(asked)

    def _is_due(self) -> bool:
        unsaved = self._at - self._saved_at
        if self.save_every and unsaved >= self.save_every:
            return True
        idle = time.perf_counter() - self._saved
        return self.save_minutes is not None and idle >= 60 * self.save_minutes

    def _save(self, is_best: bool = False) -> None:
        if backend.process_index() > 0:
            return
        # .model, under JAX, fetches the state
        self.checkpoints.save(self.model, is_best)
        self._saved_at, self._saved = self._at, time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.check_finite()  # the history, too, is of sound epochs
        entry = {"epoch": epoch + 1, "step": self.model.steps_taken()}
        entry["seconds"] = round(time.perf_counter() - self._began, 3)
        entry.update({k: float(v) for k, v in sorted((logs or {}).items())})
        is_best = self.best is not None and self._is_best(entry)
        if backend.process_index() == 0:
            self._add_to_history(entry)
        self._save(is_best)
        end(self.ending.asked())

    def _add_to_history(self, entry: dict[str, Any]) -> None:
        with open(self.path / "history.jsonl", "a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # after a line that was cut off
            file.write(json.dumps(entry).encode() + b"\n")
