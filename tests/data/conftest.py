"""Data sets for the tests: tiny TFDS ones, and real ones where prepared."""

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def prepared_data_dir():
    """Folder of real data sets, made by `benchmarks/prepare_data.py`."""
    folder = os.environ.get("KERAS_SSL_DATA")
    if not folder:
        pytest.skip("KERAS_SSL_DATA names no folder of prepared data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def tfds():
    """TFDS with the data set `tiny_images`, whose configurations differ."""
    tfds = pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("tensorflow")
    tfds.disable_progress_bar()
    splits = {
        "gray": {"train": (6, 0), "test": (3, 0)},
        "validated": {"train": (4, 0), "validation": (2, 0)},
        "withheld": {"train": (4, 0), "test": (2, -1), "validation": (3, 0)},
        "pool": {"train": (4, 0), "unlabelled": (5, -1)},
        "sizes": {"train": (4, 0)},
        "deep": {"train": (2, 0)},
        "scenes": {"train": (2, 0)},
        "nothing_to_train": {"test": (2, 0)},
    }

    class TinyImages(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.2.3")
        BUILDER_CONFIGS = [
            tfds.core.BuilderConfig(name=name) for name in splits
        ]

        def _info(self):
            kind = self.builder_config.name
            image = tfds.features.Image(
                shape=(None, None, 3) if kind == "sizes" else (4, 5, 1),
                dtype=np.uint16 if kind == "deep" else np.uint8,
            )
            label = tfds.features.ClassLabel(names=["square", "round"])
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {"picture": image, "kind": label}
                ),
                supervised_keys=("picture", "picture")
                if kind == "scenes"
                else ("picture", "kind"),
            )

        def _split_generators(self, dl_manager):
            return {
                split: self._generate_examples(split, *content)
                for split, content in splits[self.builder_config.name].items()
            }

        def _generate_examples(self, split, count, lowest_label):
            kind = self.builder_config.name
            for number in range(count):
                shape = (4 + number, 5, 3) if kind == "sizes" else (4, 5, 1)
                dtype = np.uint16 if kind == "deep" else np.uint8
                label = -1 if lowest_label < 0 else number % 2
                image = np.full(shape, 10 * number + len(split), dtype)
                yield number, {"picture": image, "kind": label}

    return tfds
