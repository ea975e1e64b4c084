"""A peer at work in a process of its own, and what it costs there."""

import contextlib
import ctypes
import gc
import importlib
import os
import signal
import time
import traceback

import numpy as np
import psutil

import peers
from peers.job import RATIO, Job

MEGABYTE = 1e6
CHECKED_BATCHES = 3
PARTS = ("labeled", "weak", "strong")


def serve(connection, name, source, job_options):
    """Makes batches of a peer as asked through a connection.

    First sends how the start went, with the batches to be checked saved in
    `checked_batches`; then answers each number of seconds with `turn`.

    Args:
        connection: one end of a `multiprocessing.Pipe`.
        name: a key of `peers.PEERS`.
        source: path of the store, a `.npy` file.
        job_options: of `Job`, without its images.
    """
    die_with_parent()
    try:
        images = np.load(source)
        memory_before = tree_memory()
        start = time.perf_counter()
        job = Job(images, **job_options)
        peer = peers.PEERS[name]
        module = importlib.import_module("peers." + peer.module)
        batches = iter(module.make(job, **peer.options))
        checked = [arrays(next(batches))]
        first_batch = time.perf_counter() - start
        checked += [arrays(next(batches)) for _ in range(CHECKED_BATCHES - 1)]
        save(checked, checked_batches(source, name))
        batch_bytes = sum(array.nbytes for array in checked[0])
        del checked
        reset_peak()
        connection.send(
            {
                "first_batch_s": round(first_batch, 3),
                "batch_mb": round(batch_bytes / MEGABYTE, 2),
            }
        )
        while (seconds := connection.recv()) is not None:
            connection.send(turn(batches, job, seconds, memory_before))
    except ImportError as error:
        connection.send({"skipped": str(error)})
    except EOFError:
        pass  # the benchmark is gone
    except Exception:
        connection.send({"failed": traceback.format_exc()})
    finally:
        connection.close()


def die_with_parent():
    """Lest a stopped process outlives a benchmark that was killed; Linux."""
    with contextlib.suppress(OSError, AttributeError):
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def turn(batches, job, seconds, memory_before):
    """Draws batches for some seconds; images made, time and memory taken."""
    images_of_batch = (1 + 2 * RATIO) * job.batch_size
    images = 0
    cpu, wall = tree_cpu(), time.perf_counter()
    while not images or time.perf_counter() - wall < seconds:
        next(batches)
        images += images_of_batch
    wall, cpu = time.perf_counter() - wall, tree_cpu() - cpu
    peak = max(tree_memory(), peak_memory()) - memory_before
    return {
        "images": images,
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_mb": peak / MEGABYTE,
    }


def tree_cpu():
    """CPU seconds, user and system, of this process and all its children."""
    total = time.process_time()
    own = os.times()
    total += own.children_user + own.children_system
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its time counts as that of a child that has ended
        total += times.user + times.system
        total += times.children_user + times.children_system
    return total


def tree_memory():
    """Bytes of this process and its children; shared pages count once."""
    process = psutil.Process()
    return sum(
        one.memory_full_info().pss
        for one in [process, *process.children(recursive=True)]
    )


def peak_memory():
    """The most bytes that this process alone ever had since `reset_peak`."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return 1024 * int(line.split()[1])
    return 0


def reset_peak():
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def arrays(batch):
    return tuple(np.array(part) for part in batch)


def checked_batches(source, name):
    """Where a peer leaves the batches that are checked."""
    return f"{source}.{name}.npz"


def save(batches, path):
    flat = {
        f"{step}.{part}": array
        for step, batch in enumerate(batches)
        for part, array in zip(PARTS, batch, strict=True)
    }
    np.savez(path, **flat)


def load(path):
    """The list of batches that `save` wrote."""
    with np.load(path) as file:
        return [
            tuple(file[f"{step}.{part}"] for part in PARTS)
            for step in range(len(file.files) // len(PARTS))
        ]
