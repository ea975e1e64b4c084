"""A run folder: everything that a training needs to go on, and what it found.

| file | what it holds |
| --- | --- |
| `config.json` | the arguments of the run and the versions it was made with |
| `config.toml` | the arguments alone, for `keras-ssl train --config` |
| `split.json` | which examples are labeled |
| `history.jsonl` | one line for each finished epoch |
| `labels.json` | labels given since, by `keras-ssl label` |
| `checkpoint.keras` | the model with its whole state, as of the last save |
| `result.json` | the test scores, once the run is complete |

Every file but the history is written under a temporary name and renamed, and
the history only ever grows by whole lines, so a run that is cut off at any
moment can be continued.
"""

import contextlib
import json
import os
import pathlib
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import keras

from keras_ssl.ssl_model import SSLModel


class RunFolder(keras.callbacks.Callback):
    """Keeps a training on disk; give it to `fit` as a callback.

    Args:
        path: the folder; made if needed.
        save_every: steps between checkpoints inside an epoch. `None`, the
            default: at the end of each epoch only.

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
        self, path: str | os.PathLike[str], save_every: int | None = None
    ) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.save_every = save_every
        self._interrupted = False
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> pathlib.Path:
        """Path of the checkpoint, which need not exist yet."""
        return self.path / "checkpoint.keras"

    # Small files ------------------------------------------------------------

    def write(self, name: str, values: dict[str, Any]) -> None:
        """Writes a dict as `<name>.json`, whole or not at all."""
        self.write_text(f"{name}.json", json.dumps(values, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Writes a small file of that name, whole or not at all."""
        temporary = self.path / f".{name}"
        temporary.write_text(text, "utf-8")
        _put_in_place(temporary, self.path / name)

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

    def save_model(self, model: keras.Model) -> None:
        """Writes the checkpoint, whole or not at all."""
        temporary = self.path / ".checkpoint.keras"
        model.save(temporary)
        _put_in_place(temporary, self.checkpoint)

    def load_model(self) -> SSLModel:
        """The model as last saved, compiled, ready for `fit(resume=True)`.

        Raises:
            FileNotFoundError: nothing has been saved yet.
            ValueError: the checkpoint is damaged or no `SSLModel`.
        """
        if not self.checkpoint.exists():
            raise FileNotFoundError(
                f"{self.checkpoint} does not exist; a run saves its first "
                "checkpoint at the end of its first epoch"
            )
        from keras_ssl import methods  # noqa: F401  (Keras knows them then)

        try:
            model = keras.saving.load_model(self.checkpoint)
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ValueError(
                f"{self.checkpoint} is damaged or was written by another "
                f"version; delete it to start again. {reason[:200]}"
            ) from error
        if not isinstance(model, SSLModel):
            raise ValueError(
                f"{self.checkpoint} holds a {type(model).__name__}, expected "
                "a keras_ssl.SSLModel"
            )
        return model

    # Ctrl-C -----------------------------------------------------------------

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within it, Ctrl-C ends the training in order; a second one at once.

        The step is finished, the model saved and KeyboardInterrupt raised.
        Python's own way may lose it: raised inside a callback of the garbage
        collector, as JAX has one, it is printed and forgotten.

        Example:

        >>> run = keras_ssl.RunFolder("runs/first")
        >>> with run.interruptible():
        ...     history = model.fit(batches, epochs=20, callbacks=[run])
        """

        def interrupt(signum: int, frame: Any) -> None:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        self._interrupted = False
        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
            if self._interrupted:
                raise KeyboardInterrupt
        finally:
            signal.signal(signal.SIGINT, before)
            self._interrupted = False

    # What fit calls ---------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()
        self._unsaved = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._unsaved += 1
        is_due = self.save_every and self._unsaved >= self.save_every
        if is_due or self._interrupted:
            self.save_model(self.model)  # .model, under JAX, fetches the state
            self._unsaved = 0
        if self._interrupted:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        entry = {"epoch": epoch + 1, "step": self.model.steps_taken()}
        entry["seconds"] = round(time.perf_counter() - self._began, 3)
        entry.update({k: float(v) for k, v in sorted((logs or {}).items())})
        with open(self.path / "history.jsonl", "a+b") as file:
            if file.tell() and self._last_byte(file) != b"\n":
                file.write(b"\n")  # after a line that was cut off
            file.write(json.dumps(entry).encode() + b"\n")
        self.save_model(self.model)
        if self._interrupted:
            raise KeyboardInterrupt

    @staticmethod
    def _last_byte(file: Any) -> bytes:
        file.seek(-1, os.SEEK_END)
        return bytes(file.read(1))


def _put_in_place(temporary: pathlib.Path, final: pathlib.Path) -> None:
    """Renames a finished file, once its bytes have reached the disk."""
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, final)
