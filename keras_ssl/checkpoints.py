"""Checkpoints: a model with its whole state, each one whole or not there."""

import contextlib
import os
import pathlib
import shutil
import warnings
from collections.abc import Iterator

import keras

from keras_ssl.ssl_model import SSLModel
from keras_ssl.writing import sync

SUFFIX = ".keras"


class Checkpoints:
    """The last few states of a training, and the best one, in a folder.

    The newest is `checkpoint.keras`, the one before it `checkpoint_1.keras` and
    so on. Each is written under another name and renamed, so what has a name
    is whole as far as the disk keeps its word; where it does not, the one
    before takes its place.

    Args:
        folder: where they are, a `pathlib.Path`.
        keep: how many; at least 1.

    Raises:
        ValueError: `keep` is below 1.
    """

    def __init__(self, folder: pathlib.Path, keep: int = 2) -> None:
        if keep < 1:
            raise ValueError(f"keep must be at least 1; received {keep}")
        self.folder = folder
        self.keep = keep

    @property
    def newest(self) -> pathlib.Path:
        """Path of the newest, which need not exist yet."""
        return self._path(0)

    @property
    def best(self) -> pathlib.Path:
        """Path of the best, which need not exist."""
        return self.folder / f"best{SUFFIX}"

    def _path(self, age: int) -> pathlib.Path:
        name = f"checkpoint_{age}" if age else "checkpoint"
        return self.folder / f"{name}{SUFFIX}"

    def paths(self) -> list[pathlib.Path]:
        """Those that exist, newest first, whoever kept how many of them."""
        older = self.folder.glob(f"checkpoint_*{SUFFIX}")
        ages = [path.stem.partition("_")[2] for path in older]
        numbers = sorted(int(age) for age in ages if age.isdecimal())
        return [
            path for path in map(self._path, [0, *numbers]) if path.exists()
        ]

    def save(self, model: SSLModel, is_best: bool = False) -> None:
        """Writes the newest; those before it move on by one place.

        Args:
            model: what to save.
            is_best: whether it is the best as well.

        Raises:
            FloatingPointError: the training is broken, and going on from here
                would be of no use; see `SSLModel.check_weights`.
            OSError: it could not be written; those that are there stay.
        """
        model.check_weights()
        temporary = self.folder / f".checkpoint{SUFFIX}"
        try:
            with _one_process():
                model.save(temporary)
            sync(temporary)
        except BaseException:
            temporary.unlink(missing_ok=True)  # room on a full disk
            raise
        if is_best:  # first, since a resumed run repeats what is not saved
            self._keep_as_best(temporary)
        for age in reversed(range(1, self.keep)):
            if self._path(age - 1).exists():
                os.replace(self._path(age - 1), self._path(age))
        os.replace(temporary, self.newest)

    def _keep_as_best(self, written: pathlib.Path) -> None:
        temporary = self.folder / f".best{SUFFIX}"
        temporary.unlink(missing_ok=True)
        try:
            os.link(written, temporary)  # takes no room
        except OSError:  # not every file system can
            shutil.copyfile(written, temporary)
        os.replace(temporary, self.best)

    def load(self) -> SSLModel:
        """The newest that can be read; a warning names those that cannot.

        Raises:
            FileNotFoundError: there is none.
            ValueError: none can be read, or one is no `SSLModel`.
        """
        paths = self.paths()
        if not paths:
            raise FileNotFoundError(
                f"{self.newest} does not exist; a run saves its first "
                "checkpoint at the end of its first epoch"
            )
        for path in paths[:-1]:
            try:
                return load(path)
            except ValueError as error:
                warnings.warn(
                    f"{error}; going on from the checkpoint before it",
                    stacklevel=2,
                )
        return load(paths[-1])


@contextlib.contextmanager
def _one_process() -> Iterator[None]:
    """Within it, variables are of this process alone.

    Keras makes some as it saves, to look at them. Where several processes train
    together every new one is a meeting of all, and only one of them saves.
    """
    all_devices = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(all_devices)


def load(path: pathlib.Path) -> SSLModel:
    """The model of a file, compiled, ready for `fit(resume=True)`.

    Raises:
        ValueError: the file is damaged, or holds no `SSLModel`.
    """
    from keras_ssl import methods  # noqa: F401  (Keras knows them then)

    try:
        model = keras.saving.load_model(path)
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ValueError(
            f"{path} is damaged or was written by another version; delete it "
            f"to do without it. {reason[:200]}"
        ) from error
    if not isinstance(model, SSLModel):
        raise ValueError(
            f"{path} holds a {type(model).__name__}, expected a "
            "keras_ssl.SSLModel"
        )
    return model
