"""What a process of its own has to go through; `run` starts one.

Each function below is a trial: a script that shows nothing on stderr, ends with
code 0 and may return what is to be judged.
"""

import atexit
import collections
import contextlib
import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np


def run(name, *arguments, **environment):
    """Runs a trial in a fresh process and returns what it returned."""
    done = subprocess.run(
        [sys.executable, __file__, name, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout) if done.stdout else None


def images_of(count, height, width, channels=3):
    generator = np.random.default_rng(count)
    return generator.integers(
        0, 256, (count, height, width, channels), np.uint8
    )


def fingerprint(batch):
    digest = hashlib.sha256()
    for name in sorted(batch):
        digest.update(name.encode() + batch[name].tobytes())
    return digest.hexdigest()


def sampler(images, items, stages, **options):
    from keras_ssl import _core

    return _core.Sampler(
        [("a", images, None, items)], [("x", "a", stages)], **options
    )


WEAK = [
    [1, [["flip", 0.5, 0.0, 0.0]]],
    [1, [["crop", 1.0, 0.125, 0.125]]],
]
BLUR = [[8, [["gaussian_blur", 1.0, 3.0, 3.0]]]]
LEARNED = [[1, [["rotate", 1.0, -30.0, 30.0]], {"learned": True}]]


def slow_sampler(seconds=1.0, **options):
    """Takes about so long for a batch, with one thread of an older CPU."""
    size = max(8, int(400 * seconds))
    return sampler(images_of(8, 256, 256), size, BLUR, **options)


# Coming and going


def resources():
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return {
        "bytes": 1024 * int(lines["VmRSS"].split()[0]),
        "anonymous": 1024 * int(lines["RssAnon"].split()[0]),
        "threads": int(lines["Threads"]),
        "files": len(os.listdir("/proc/self/fd")),
    }


def come_and_go(count):
    """Some never start, some are closed, some leave arrays behind."""
    images = images_of(20, 8, 8)
    held = collections.deque(maxlen=16)
    for n in range(int(count)):
        batches = sampler(images, 16, WEAK, threads=1 + n % 2, ring=n % 4)
        if n % 3:
            made = batches.batch(n)
            if n % 2:
                held.append(made)
            if n % 5 == 0:
                batches.batch(n + 1)
        if n % 7 == 0:
            batches.close()
        if n == int(count) // 10:
            before = resources()
    del batches
    return [before, resources()]


def memory_of_ring(images_per_batch, path):
    images = np.memmap(path, np.uint8, "r", shape=(5000, 32, 32, 3))
    if "copy" in path:
        images = np.array(images)
    sampler(images[:10], 2, WEAK, threads=2).batch(0)
    before = resources()["anonymous"]
    most = 0
    with sampler(images, int(images_per_batch), WEAK, threads=2) as batches:
        for step in range(20):
            made = batches.batch(step)
            most = max(most, resources()["anonymous"])
    return [before, most, sum(array.nbytes for array in made.values())]


def first_batch():
    images = images_of(5000, 32, 32)
    start = time.perf_counter()
    import keras_ssl.data  # noqa: F401
    from keras_ssl import _core

    imported = time.perf_counter()
    batches = _core.Sampler(
        [("labeled", images, None, 64), ("unlabeled", images, None, 448)],
        [("x", "labeled", WEAK), ("y", "unlabeled", WEAK)],
    )
    batches.batch(0)
    return [imported - start, time.perf_counter() - imported]


# Instruction sets


def first_use():
    """What a sampler, an op and the question itself make of the choice."""
    from keras_ssl import _core

    uses = [
        lambda: sampler(images_of(2, 4, 4), 1, WEAK),
        lambda: _core.apply_op("flip", images_of(1, 4, 4)[0]),
        _core.engine,
    ]
    heard = []
    for use in uses:
        try:
            use()
            heard.append(_core.engine())
        except Exception as error:
            heard.append(f"{type(error).__name__}: {error}")
    return heard


# Forking


def check_child(batches, expected, number):
    """What the child of number `number` does with the sampler it inherits."""
    signal.alarm(30)
    if number % 5 != 4:
        assert fingerprint(batches.batch(3)) == expected[3]
        assert fingerprint(batches.batch(4)) == expected[4]
    if number % 5 == 1:
        batches.close()
        batches.close()
    if number % 5 == 2:
        grandchild = os.fork()
        assert fingerprint(batches.batch(2)) == expected[2]
        if grandchild == 0:
            os._exit(0)
        assert os.waitpid(grandchild, 0)[1] == 0
    if number % 5 == 3:
        os._exit(0)
    # all others leave through the interpreter's own exit


def forks():
    """While the ring and the threads of the caller are at work."""
    images = images_of(64, 8, 8)
    options = {"threads": 2, "ring": 5}
    batches = sampler(images, 64, LEARNED, **options)
    other = sampler(images, 64, LEARNED, **options)
    expected = [fingerprint(batches.batch(step)) for step in range(5)]
    over = threading.Event()

    def ask():
        step = 0
        while not over.is_set():
            other.batch(step)
            other.set_rates("x", step + 1, [[[1.0, 2.0]]])
            step += 1

    asking = threading.Thread(target=ask)
    asking.start()
    children = []
    for number in range(60):
        batches.batch(number)
        child = os.fork()
        if child == 0:
            return check_child(batches, expected, number)
        children.append(child)
        if number % 4 == 3:
            for child in children:
                assert os.waitpid(child, 0)[1] == 0
            children.clear()
    over.set()
    asking.join()
    for step in range(5):
        assert fingerprint(batches.batch(step)) == expected[step]
    return None


# Exits, of an interpreter that knows nothing of the threads


def exit_live():
    globals()["kept"] = slow_sampler(threads=2, ring=4)


def exit_half_consumed():
    batches = globals()["kept"] = sampler(images_of(64, 32, 32), 64, BLUR)
    globals()["held"] = [batches.batch(step) for step in range(3)]


def exit_with_arrays():
    batches = sampler(images_of(64, 32, 32), 64, BLUR)
    sys.held = batches.batch(0)["x"][3:5]  # dies among the last
    batches.close()
    del batches


def exit_immortal():
    """A sampler that is never destroyed: its threads run to the very end."""
    batches = sampler(images_of(64, 32, 32), 512, BLUR, threads=4, ring=60)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(batches))
    batches.batch(0)


def exit_cycle():
    batches = sampler(images_of(64, 32, 32), 64, BLUR)
    cycle = [batches]
    cycle.append(cycle)
    batches.batch(0)


def exit_at_exit():
    batches = sampler(images_of(64, 32, 32), 64, BLUR)
    batches.batch(0)
    atexit.register(batches.close)
    atexit.register(batches.batch, 1)


def exit_daemon_asks(seconds):
    batches = slow_sampler(0.1, threads=2)

    def ask():
        step = 0
        while True:
            batches.batch(step)
            step += 1

    threading.Thread(target=ask, daemon=True).start()
    time.sleep(float(seconds))


def exit_daemon_waits():
    batches = slow_sampler(1.0, threads=1)
    threading.Thread(target=batches.batch, args=(0,), daemon=True).start()
    time.sleep(0.1)


def exit_daemon_closes(seconds):
    images = images_of(64, 32, 32)

    def come_and_go():
        while True:
            batches = sampler(images, 64, BLUR)
            batches.batch(0)
            batches.close()

    threading.Thread(target=come_and_go, daemon=True).start()
    time.sleep(float(seconds))


# Signals


def interrupted():
    """How long Ctrl-C takes, and whether the batches after it are right."""
    # a job in the background of a shell would ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    expected = fingerprint(slow_sampler(threads=2, ring=0).batch(0))
    batches = slow_sampler(threads=1, ring=0)
    delays = []
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    for _ in range(3):
        threading.Timer(0.12, interrupt).start()
        with contextlib.suppress(KeyboardInterrupt):
            batches.batch(0)
            raise AssertionError("expected to be interrupted")
        delays.append(time.perf_counter() - sent[-1])
    assert fingerprint(batches.batch(0)) == expected
    return delays


def handled():
    """A handler that returns runs during the wait, which then goes on."""
    expected = fingerprint(slow_sampler(threads=2, ring=0).batch(0))
    batches = slow_sampler(threads=1, ring=0)
    times = []
    signal.signal(signal.SIGALRM, lambda *_: times.append(time.perf_counter()))
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.12)
    made = batches.batch(0)
    end = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    assert fingerprint(made) == expected
    return [end - when for when in times]


if __name__ == "__main__":
    answer = globals()[sys.argv[1]](*sys.argv[2:])
    if answer is not None:
        print(json.dumps(answer))
