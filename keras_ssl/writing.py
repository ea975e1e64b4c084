"""Files and folders that are written whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator


@contextlib.contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Within it there is another path to write to, which becomes `path`.

    At the end of the block the bytes of a file have reached the disk, and what
    was written is renamed. Where the block ends with an error what was at
    `path` stays, and nothing else does.

    Args:
        path: of a file or a folder, which may be there; the folders above it
            are made.

    Yields:
        A path beside it, of the same ending, where nothing is yet.

    Example:

    >>> import pathlib
    >>> from keras_ssl.writing import whole
    >>> with whole("scores/first.txt") as unfinished:
    ...     number = unfinished.write_text("93.4")
    >>> pathlib.Path("scores/first.txt").read_text()
    '93.4'
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]  # others may be writing the same
    unfinished = path.with_name(f".{mark}-{path.name}")
    try:
        yield unfinished
        if unfinished.is_file():
            sync(unfinished)
        if path.is_dir():  # which nothing can be renamed to
            old = path.with_name(f".{mark}-old-{path.name}")
            path.rename(old)
            unfinished.rename(path)
            shutil.rmtree(old)
        else:
            os.replace(unfinished, path)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.unlink(missing_ok=True)


def sync(path: pathlib.Path) -> None:
    """Waits until a file's bytes have reached the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
