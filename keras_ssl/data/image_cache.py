"""Decoded image files on disk: one array of bytes, mapped into memory.

    <cache>/<key>/
        images.raw    uint8 (N, H, W, C), image after image
        about.json    the shape, which files these are, which were skipped
    <cache>/.building-<key>/
        images.raw, state.json     what an interrupted call has come to

The key covers the files' names, sizes and times and how they are decoded, so
changed files make a new cache. A call that was cut off goes on where it
stopped.
"""

import concurrent.futures
import contextlib
import hashlib
import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ssl.data import image_files
from keras_ssl.writing import whole

VERSION = 1
PORTION = 256  # images between two marks to go on from


def default_folder() -> Path:
    """Where decoded files are kept unless somebody says otherwise."""
    home = os.environ.get("KERAS_SSL_DATA")
    if home:
        return Path(home) / "keras_ssl" / "folders"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "keras_ssl" / "folders"


def images_of(
    paths: list[str],
    image_size: tuple[int, int],
    channels: int,
    cache: str | os.PathLike[str] | None = None,
    show_progress: bool | None = None,
) -> tuple[NDArray[np.uint8], list[int], list[tuple[str, str]]]:
    """Decodes files, once.

    Args:
        paths: files.
        image_size: `(height, width)`; see `image_files.decode`.
        channels: 1 or 3.
        cache: folder to keep the pixels in. Default: `default_folder()`. Where
            it cannot be written to, they are held in memory.
        show_progress: whether to count on the standard error stream. Default:
            on a terminal.

    Returns:
        uint8 `(N, H, W, C)`, a read-only memory map; the place of each in
        `paths`; and the files that could not be read, with the reason.
    """
    root = Path(cache) if cache is not None else default_folder()
    shape = (*image_size, channels)
    folder = root / _key(paths, shape)
    if show_progress is None:
        show_progress = sys.stderr.isatty()
    if not (folder / "about.json").exists():
        room = root / f".building-{folder.name}"
        try:
            room.mkdir(parents=True, exist_ok=True)
            os.listdir(room)
            writable = os.access(room, os.W_OK)
        except OSError:
            writable = False
        if not writable:
            return _in_memory(paths, shape)
        with _alone(room) as alone:
            if not alone:  # another process is at it
                return _in_memory(paths, shape)
            if not (folder / "about.json").exists():
                _build(room, paths, shape, show_progress)
                with contextlib.suppress(FileExistsError):
                    room.rename(folder)
    return _read(folder, paths)


def _key(paths: list[str], shape: tuple[int, ...]) -> str:
    digest = hashlib.sha256(repr((VERSION, shape)).encode())
    for path in paths:
        try:
            status = os.stat(path)
            mark = (path, status.st_size, status.st_mtime_ns)
        except OSError:
            mark = (path, -1, -1)
        digest.update(os.fsencode(repr(mark)))
    return digest.hexdigest()[:32]


def _read(
    folder: Path, paths: list[str]
) -> tuple[NDArray[np.uint8], list[int], list[tuple[str, str]]]:
    try:
        about = json.loads((folder / "about.json").read_text("utf-8"))
        shape, kept = tuple(about["shape"]), about["kept"]
        if not len(kept):
            raise ValueError("no image could be read")
        images = np.memmap(
            folder / "images.raw", np.uint8, "r", shape=(len(kept), *shape)
        )
    except (OSError, ValueError, KeyError) as error:
        if "about" in locals() and not about.get("kept"):
            reasons = "; ".join(
                f"{p}: {why}" for p, why in about["skipped"][:3]
            )
            raise ValueError(
                f"none of {len(paths)} images could be read: {reasons}"
            ) from None
        raise ValueError(f"{folder} is damaged, delete it: {error}") from error
    return images, kept, [(path, why) for path, why in about["skipped"]]


def _decoded(
    places: range, paths: list[str], shape: tuple[int, ...]
) -> Iterator[tuple[int, Any]]:
    """Each place with its pixels, or with the reason why there are none."""

    def one(place: int) -> tuple[int, Any]:
        try:
            return place, image_files.decode(
                paths[place], (shape[0], shape[1]), shape[2]
            )
        except (OSError, ValueError) as error:
            return place, " ".join(str(error).split())[:200]

    workers = min(32, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        numbers = iter(places)
        # a portion at a time, so that no queue of images grows in memory
        while portion := list(itertools.islice(numbers, PORTION)):
            yield from pool.map(one, portion)


def _in_memory(
    paths: list[str], shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], list[int], list[tuple[str, str]]]:
    images, kept, skipped = [], [], []
    for place, found in _decoded(range(len(paths)), paths, shape):
        if isinstance(found, str):
            skipped.append((paths[place], found))
        else:
            images.append(found)
            kept.append(place)
    if not images:
        raise ValueError(f"none of {len(paths)} images could be read")
    return np.stack(images), kept, skipped


def _build(
    room: Path, paths: list[str], shape: tuple[int, ...], show_progress: bool
) -> None:
    """Decodes all files into a folder, from where an earlier call came to."""
    state: dict[str, Any] = {"done": 0, "kept": [], "skipped": []}
    with contextlib.suppress(OSError, ValueError):
        state = json.loads((room / "state.json").read_text("utf-8"))
    size = int(np.prod(shape))
    raw = room / "images.raw"
    length = raw.stat().st_size if raw.exists() else 0
    if length < size * len(state["kept"]):  # less than was marked
        state = {"done": 0, "kept": [], "skipped": []}
    began = time.monotonic()
    with open(raw, "r+b" if raw.exists() else "w+b") as file:
        file.truncate(size * len(state["kept"]))
        file.seek(0, os.SEEK_END)
        places = range(state["done"], len(paths))
        for place, found in _decoded(places, paths, shape):
            if isinstance(found, str):
                state["skipped"].append((paths[place], found))
            else:
                file.write(found.data)
                state["kept"].append(place)
            state["done"] = place + 1
            if state["done"] % PORTION == 0:
                file.flush()
                _write(room / "state.json", state)
                if show_progress:
                    _show(state["done"], len(paths), began)
        file.flush()
        os.fsync(file.fileno())
    if show_progress:
        _show(len(paths), len(paths), began)
        print(file=sys.stderr)
    about = {"shape": shape, **{k: state[k] for k in ("kept", "skipped")}}
    _write(room / "about.json", about)
    (room / "state.json").unlink(missing_ok=True)


def _write(path: Path, content: dict[str, Any]) -> None:
    with whole(path) as unfinished:
        unfinished.write_text(json.dumps(content), "utf-8")


def _show(done: int, total: int, began: float) -> None:
    seconds = time.monotonic() - began
    print(
        f"\rreading images: {done:,} of {total:,}, {seconds:.0f} s",
        end="",
        file=sys.stderr,
        flush=True,
    )


@contextlib.contextmanager
def _alone(room: Path) -> Iterator[bool]:
    """Whether no other process is at work in a folder; none comes meanwhile."""
    try:
        import fcntl
    except ImportError:  # not on this system
        yield True
        return
    with open(room.with_name(room.name + ".lock"), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            with contextlib.suppress(OSError):
                os.unlink(file.name)


def remove(cache: str | os.PathLike[str] | None = None) -> None:
    """Deletes everything that was decoded.

    Args:
        cache: as `images_of`.
    """
    root = Path(cache) if cache is not None else default_folder()
    shutil.rmtree(root, ignore_errors=True)
