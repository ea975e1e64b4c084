"""How long the sampler takes for the batch of a FixMatch step.

One batch is 64 labeled weak, 448 unlabeled weak and the same 448 strong images
of 32x32x3, from an array in memory. Prints microseconds of wall and of CPU time
per image, the best of several rounds.

    python benchmarks/sampler.py --threads 1 2
"""

import argparse
import time

import numpy as np

from keras_ssl import _core
from keras_ssl.data import policies

LABELED, UNLABELED = 64, 448


def measure(threads, batches, rounds):
    """Best (wall, CPU) microseconds per image over the rounds."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10_000, 32, 32, 3), dtype=np.uint8)
    weak = policies.weak(flip=True).to_config()
    strong = policies.strong(flip=True).to_config()
    sampler = _core.Sampler(
        streams=[
            ("labeled", images, np.arange(250), LABELED),
            ("unlabeled", images, None, UNLABELED),
        ],
        views=[
            ("labeled", "labeled", weak),
            ("weak", "unlabeled", weak),
            ("strong", "unlabeled", strong),
        ],
        threads=threads,
    )
    count = batches * (LABELED + 2 * UNLABELED)
    best_wall = best_cpu = float("inf")
    for round_ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        for step in range(batches):
            sampler.batch(round_ * batches + step)
        best_wall = min(best_wall, (time.perf_counter() - wall) / count)
        best_cpu = min(best_cpu, (time.process_time() - cpu) / count)
    sampler.close()
    return 1e6 * best_wall, 1e6 * best_cpu


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'threads':>7}{'wall us/image':>15}{'CPU us/image':>14}")
    for threads in options.threads:
        wall, cpu = measure(threads, options.batches, options.rounds)
        print(f"{threads:7}{wall:15.2f}{cpu:14.2f}")


if __name__ == "__main__":
    main()
