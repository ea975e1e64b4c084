"""SPDL: threads, one batch to a task; the same OpenCV ops as opencv_loop."""

import numpy as np
from spdl.pipeline import PipelineBuilder

from peers.opencv_loop import Augmenter


def make(job):
    augmenter = Augmenter(job)

    def tasks():
        rng = np.random.default_rng(job.seed)
        yield from enumerate(job.rows(rng))

    def batch(task):
        step, rows = task
        return augmenter.batch(np.random.default_rng((job.seed, step)), rows)

    pipeline = (
        PipelineBuilder()
        .add_source(tasks())
        .pipe(batch, concurrency=job.threads, output_order="input")
        .add_sink(2)
        .build(num_threads=job.threads)
    )
    with pipeline.auto_stop():
        yield from pipeline
