"""A peer that takes part in the benchmark: its start, its turns, its result."""

import contextlib
import multiprocessing
import os
import statistics

import psutil

import peer_check
import peer_process
import peers

PATIENCE = 180  # seconds for a start or a turn


class Contestant:
    """A peer in its process, stopped unless it starts or has its turn.

    Args:
        name: a key of `peers.PEERS`.
        job: the `Job` that it does.
        source: path of the job's images, from where the process reads them.
    """

    def __init__(self, name, job, source):
        self.name, self.peer, self.job = name, peers.PEERS[name], job
        self.turns = []
        # of NumPy and PyTorch, which read it when they are imported
        os.environ["OMP_NUM_THREADS"] = str(job.threads)
        context = multiprocessing.get_context("spawn")
        self.connection, end = context.Pipe()
        options = {**vars(job)}
        del options["images"]
        self.process = context.Process(
            target=peer_process.serve, args=(end, name, source, options)
        )
        self.process.start()
        end.close()
        self.start = self._receive()
        if "first_batch_s" in self.start:
            self._stop()
            path = peer_process.checked_batches(source, name)
            self.start["check"] = peer_check.check(
                self.peer, peer_process.load(path), job.images, job.batch_size
            )
            os.remove(path)

    @property
    def fit(self):
        """Whether it runs and its batches are the job."""
        return self.start.get("check", {}).get("problems") == []

    def turn(self, seconds):
        """Lets it work for some seconds while everybody else is stopped."""
        for process in self._tree():
            process.resume()
        self.connection.send(seconds)
        answer = self._receive()
        self._stop()
        if "failed" in answer:
            self.start = answer
        else:
            self.turns.append(answer)

    def dismiss(self):
        """Asks it to end by itself."""
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            for process in self._tree():
                process.resume()
            self.connection.send(None)

    def close(self, patience=5):
        """Sees to it that it has ended."""
        self.process.join(patience)
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.join()

    def result(self):
        """Its part of a line of results."""
        result = {
            "peer": self.name,
            "threads": self.job.threads,
            "delivers": self.peer.delivers,
            "per_image": self.peer.per_image,
            **self.start,
        }
        if "skipped" in self.start:
            result["install"] = self.peer.install
        if not (self.fit and self.turns):
            return result
        turns = self.turns
        return {
            **result,
            "cpu_s_per_1000": spread(
                1000 * turn["cpu_s"] / turn["images"] for turn in turns
            ),
            "images_per_s": spread(
                turn["images"] / turn["wall_s"] for turn in turns
            ),
            "peak_mb": round(max(turn["peak_mb"] for turn in turns), 1),
        }

    def _receive(self):
        with contextlib.suppress(EOFError, ConnectionError):
            if self.connection.poll(PATIENCE):
                return self.connection.recv()
            return {"failed": f"no answer in {PATIENCE} seconds"}
        return {"failed": "its process ended"}

    def _stop(self):
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def _tree(self):
        try:
            process = psutil.Process(self.process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def spread(values):
    """Median, smallest and largest, to four digits."""
    values = list(values)
    return {
        name: float(f"{of(values):.4g}")
        for name, of in (
            ("median", statistics.median),
            ("min", min),
            ("max", max),
        )
    }
