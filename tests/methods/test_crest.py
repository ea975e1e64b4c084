"""CReST: generations whose new labels favor the rare classes."""

import cases
import keras
import numpy as np
import numpy_oracle as oracle
import pytest

from keras_ssl.methods import CReST
from keras_ssl.refining import surest

BATCH = cases.batch(CReST, 0)
VIEWS, LABELS = BATCH


@pytest.mark.parametrize("alignment", [0.4, None])
def test_the_objective_equals_the_oracle(alignment):
    made = cases.model(
        "crest", alignment=alignment, unlabeled_weight=3.0, threshold=0.8
    )
    made.generation.assign(2)
    labeled, weak, strong = oracle.network_logits(
        made.network, *(VIEWS[name] for name in made.views)
    )
    q = oracle.softmax(weak)
    if alignment is not None:
        t = 1 - 0.6 * 2 / 5
        counts = np.bincount(LABELS, minlength=cases.CLASSES)
        model = (127 * 0.25 + q.mean(axis=0)) / 128
        q = q * counts**t / model
        q /= q.sum(axis=1, keepdims=True)
    mask = q.max(axis=1) >= 0.8
    assert 0 < mask.sum() < len(mask)
    added = (VIEWS["index"] % (cases.CLASSES + 1)) - 1
    there = added >= 0
    assert 0 < there.sum() < len(there)
    of_added = there * oracle.cross_entropy(np.maximum(added, 0), weak)
    known = np.mean(oracle.cross_entropy(LABELS, labeled))
    loss = oracle.cross_entropy(q.argmax(axis=1), strong)
    found, monitors = oracle.evaluate(made, BATCH)
    assert found == {
        "supervised": pytest.approx(
            (8 * known + 40 * np.mean(of_added)) / (8 + 32), rel=1e-5
        ),
        "unlabeled": pytest.approx(3 * np.mean(mask * loss), rel=1e-4),
    }
    assert monitors["mask_rate"] == pytest.approx(mask.mean())


class Seen(keras.callbacks.Callback):
    """Weights, averages and the optimizer's state as an epoch begins."""

    def __init__(self):
        super().__init__()
        self.begins, self.added, self.generations = [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        made = self.model
        self.generations.append(int(oracle.value(made.generation)))
        self.added.append(oracle.value(made.added))
        values = [*made.network.weights, *made.averages]
        values += made.optimizer.variables
        self.begins.append([oracle.value(value) for value in values])

    def on_epoch_end(self, epoch, logs=None):
        made = self.model
        known = (made.guess, made.confidence, made.counts)
        self.known = [oracle.value(value) for value in known]


def test_each_generation_begins_anew_with_more_labels():
    made = CReST(cases.network(), generations=2)
    made.compile()
    seen = Seen()
    stream = cases.Stream(CReST, steps_per_epoch=3)
    made.fit(stream, epochs=2, verbose=0, callbacks=[seen])
    assert seen.generations == [0, 1]
    assert (made.labeled_size, made.unlabeled_size) == (8, cases.POOL)
    for first, second in zip(*seen.begins, strict=True):
        np.testing.assert_array_equal(first, second)
    assert (seen.added[0] == -1).all()
    made.fit(stream, epochs=3, initial_epoch=2, verbose=0, callbacks=[seen])
    # a longer training has longer generations: the second goes on
    assert seen.generations == [0, 1, 1]
    last = oracle.value(made.optimizer.iterations)
    assert last == 6


def test_what_was_guessed_is_added_by_frequency():
    made = oracle.at_progress(cases.model("crest"), 0.0)
    made.compile(total_steps=1000)
    for step in range(3):
        made.objective(oracle.tensors(cases.batch(CReST, step)))
    known = (made.guess, made.confidence, made.counts)
    known = [oracle.value(value) for value in known]
    assert known[2].sum() == 18
    made.refresh()  # the first generation goes on
    assert oracle.value(made.generation) == 0
    oracle.at_progress(made, 0.4)
    made.refresh()
    assert oracle.value(made.generation) == 2
    assert oracle.value(made.first_step) == 400
    expected = surest(1 / 3, *known)
    assert 0 < np.sum(expected >= 0) < np.sum(known[0] >= 0)
    np.testing.assert_array_equal(oracle.value(made.added), expected)
    assert oracle.value(made.average_decay()) == pytest.approx(0.1)


def test_unknown_numbers_of_labels_are_a_clear_error():
    made = cases.model("crest", labeled_size=None)
    with pytest.raises(ValueError, match="labeled_size"):
        made.objective(oracle.tensors(BATCH))
