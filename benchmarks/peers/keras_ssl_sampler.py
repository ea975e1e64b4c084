"""The sampler of keras_ssl, as `Batches` uses it."""

import itertools

import numpy as np

from keras_ssl import _core
from keras_ssl.data import policies
from peers.job import LABELED, RATIO


def make(job):
    weak = policies.weak(flip=True).to_config()
    strong = policies.strong(flip=True, draws=job.draws).to_config()
    sampler = _core.Sampler(
        streams=[
            ("labeled", job.images, np.arange(LABELED), job.batch_size),
            ("unlabeled", job.images, None, RATIO * job.batch_size),
        ],
        views=[
            ("labeled", "labeled", weak),
            ("weak", "unlabeled", weak),
            ("strong", "unlabeled", strong),
        ],
        seed=job.seed,
        threads=job.threads,
    )
    for step in itertools.count():
        batch = sampler.batch(step)
        yield batch["labeled"], batch["weak"], batch["strong"]
