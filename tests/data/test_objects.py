"""Data sets of PyTorch and of Hugging Face, read example by example."""

import numpy as np
import pytest
from PIL import Image

from keras_ssl.data import from_hugging_face, from_torch

GRAY = np.arange(48, dtype=np.uint8).reshape(6, 8)
COLORED = np.arange(144, dtype=np.uint8).reshape(6, 8, 3)


class Items(list):
    """A data set with names of classes, as torchvision's have."""

    classes = ("cat", "dog")


class Tensor:
    """What a tensor of another framework looks like from outside."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def numpy(self):
        return self.values

    def __array__(self, dtype=None, copy=None):
        return self.values


def test_a_torch_data_set_becomes_arrays():
    train = Items([(GRAY, 0), (GRAY + 1, 1), (GRAY + 2, None), (GRAY, -1)])
    data = from_torch(
        train, unlabeled=[GRAY + 9, (GRAY + 8, 1)], test=[(GRAY, 1)], flip=False
    )
    assert data.class_names == ("cat", "dog")
    assert not data.flip
    assert data.train[1].tolist() == [0, 1, -1, -1, -1, -1]
    np.testing.assert_array_equal(data.train[0][4, ..., 0], GRAY + 9)
    assert data.test[1].tolist() == [1]


@pytest.mark.parametrize(
    "image",
    [
        COLORED,
        COLORED.transpose(2, 0, 1),
        Tensor(COLORED.transpose(2, 0, 1)),
        Tensor(COLORED.transpose(2, 0, 1).astype(np.float32) / 255),
        Image.fromarray(COLORED),
    ],
    ids=["H, W, C", "C, H, W", "tensor", "floats", "Pillow"],
)
def test_images_of_every_kind_are_the_same_bytes(image):
    data = from_torch([(image, 0), (COLORED, np.int64(1))])
    np.testing.assert_array_equal(data.train[0][0], COLORED)


def test_gray_images_among_colored_ones_become_such():
    data = from_torch([(GRAY, 0), (COLORED, 1), (Image.fromarray(GRAY), 1)])
    for place in (0, 2):
        np.testing.assert_array_equal(
            data.train[0][place], np.stack([GRAY] * 3, axis=-1)
        )


def test_several_sizes_need_one():
    items = [(GRAY, 0), (GRAY[:4], 1), (Image.fromarray(COLORED), 0)]
    with pytest.raises(ValueError, match="several sizes, 4 x 8, 6 x 8; pass"):
        from_torch(items)
    data = from_torch(items, image_size=(5, 5))
    assert data.image_shape == (5, 5, 3)


def test_a_data_set_of_torch_itself():
    torch = pytest.importorskip("torch")
    from torch.utils.data import Subset, TensorDataset

    images = torch.arange(4 * 3 * 36, dtype=torch.uint8).reshape(4, 3, 6, 6)
    dataset = TensorDataset(images, torch.tensor([0, 1, -1, 1]))
    data = from_torch(Subset(dataset, [1, 2, 3, 0]))
    assert data.train[1].tolist() == [1, -1, 1, 0]
    np.testing.assert_array_equal(
        data.train[0][0], images[1].numpy().transpose(1, 2, 0)
    )


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([(GRAY / 1.0, 0)], "train image 0: expected floats from 0 to 1"),
        ([(GRAY, 0), (GRAY - 1.5, 0)], "train image 1: .* that normalize"),
        ([(GRAY.astype(np.int64), 0)], "expected uint8, or floats"),
        ([(GRAY[0], 0)], r"expected \(H, W\)"),
        ([("a.png", 0)], "train image 0: expected"),
        ([(GRAY, 0.5), (GRAY, 1)], "labels must be integers"),
        ([], "at least one image; received none"),
        (iter([(GRAY, 0)]), "which has no length"),
    ],
)
def test_examples_that_do_not_fit(items, message):
    with pytest.raises(ValueError, match=message):
        from_torch(items)


class Rows:
    """What a `datasets.Dataset` looks like from outside."""

    def __init__(self, columns, names=None):
        self.columns = columns
        self.column_names = list(columns)
        feature = type("ClassLabel", (), {"names": names})() if names else None
        self.features = {"label": feature}

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, place):
        return {name: x[place] for name, x in self.columns.items()}


def test_a_hugging_face_data_set_becomes_arrays():
    pictures = [Image.fromarray(GRAY + i) for i in range(3)]
    train = Rows({"image": pictures, "label": [1, -1, 0]}, ["cat", "dog"])
    data = from_hugging_face(
        train, Rows({"image": pictures}), test=train.__class__(
            {"image": pictures[:1], "label": [1]}
        ), name="pets",
    )  # fmt: skip
    assert data.name == "pets"
    assert data.class_names == ("cat", "dog")
    assert data.train[1].tolist() == [1, -1, 0, -1, -1, -1]
    np.testing.assert_array_equal(data.train[0][2, ..., 0], GRAY + 2)


def test_labels_may_be_words_in_columns_of_any_name():
    train = Rows({"img": [GRAY] * 3, "species": ["dog", "", "cat"]})
    test = Rows({"img": [GRAY], "species": ["dog"]})
    names = {"image": "img", "label": "species"}
    data = from_hugging_face(train, test=test, **names)
    assert data.class_names == ("cat", "dog")
    assert data.train[1].tolist() == [1, -1, 0]
    assert data.test[1].tolist() == [1]
    test.columns["species"] = ["cow"]
    with pytest.raises(ValueError, match="test: unknown class 'cow'"):
        from_hugging_face(train, test=test, **names)


def test_what_is_no_part_of_a_hugging_face_data_set():
    train = Rows({"image": [GRAY], "labels": [0]})
    with pytest.raises(ValueError, match="'label'. Did you mean labels"):
        from_hugging_face(train)
    with pytest.raises(ValueError, match="expected a datasets.Dataset"):
        from_hugging_face([(GRAY, 0)])
    parts = Rows({})
    parts.column_names = {"train": ["image"], "test": ["image"]}
    with pytest.raises(ValueError, match=r"pass dataset\['train'\]"):
        from_hugging_face(parts)


def test_a_data_set_of_hugging_face_itself():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        image=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"])
    )
    rows = {
        "image": [Image.fromarray(GRAY), Image.fromarray(GRAY + 1)],
        "label": [1, 0],
    }
    dataset = datasets.Dataset.from_dict(rows, features=features)
    data = from_hugging_face(dataset, dataset.remove_columns("label"))
    assert data.class_names == ("cat", "dog")
    assert data.train[1].tolist() == [1, 0, -1, -1]
    np.testing.assert_array_equal(data.train[0][1, ..., 0], GRAY + 1)
    with pytest.raises(ValueError, match=r"pass dataset\['train'\]"):
        from_hugging_face(datasets.DatasetDict(train=dataset))
