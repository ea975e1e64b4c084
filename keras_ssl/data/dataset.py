"""A data set as plain data: images, labels, names."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from keras_ssl.data import draw, policies
from keras_ssl.data.split import Split

Pair = tuple[NDArray[np.uint8], NDArray[np.int32]]  # images and labels

FINGERPRINT_IMAGES = 64


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images, labels and what they mean. Plain data; made by `load` and
    `from_arrays`.

    Attributes:
        name: Name of the data set.
        train: Pair of images, uint8 `(N, H, W, C)`, and labels, int32
            `(N,)`, -1 where unknown.
        test: The same for the test set, all labels known, or `None`.
        num_classes: Number of classes.
        class_names: Tuple of `num_classes` strings.
        flip: Whether a mirrored image keeps its label. `weak` and `strong`
            mirror images only if so.
        classes: Where only some classes of a larger data set are known, their
            numbers there; else `None`.
        files: Path of the file of each training image, where they are files;
            else `None`.
        own_policies: Policies named "weak", "medium" and "strong" that suit
            data other than photographs; `None`: the published ones.

    Example:

    >>> import keras_ssl
    >>> keras_ssl.data.load("digits")
    <Dataset digits: 1297 train, 500 test, 8x8x1, 10 classes>
    """

    name: str
    train: Pair
    test: Pair | None
    num_classes: int
    class_names: tuple[str, ...]
    flip: bool = True
    classes: tuple[int, ...] | None = None
    files: tuple[str, ...] | None = None
    own_policies: Mapping[str, policies.Policy] | None = None

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.image_shape))
        test = f"{len(self.test[1])} test" if self.test else "no test"
        return (
            f"<Dataset {self.name}: {len(self.train[1])} train, {test}, "
            f"{shape}, {self.num_classes} classes>"
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)`."""
        height, width, channels = self.train[0].shape[1:]
        return height, width, channels

    @property
    def weak(self) -> policies.Policy:
        """The recommended weak augmentation, a `policies.Policy`."""
        own = self.own_policies
        return own["weak"] if own else policies.weak(flip=self.flip)

    @property
    def medium(self) -> policies.Policy:
        """Strong augmentation with a single op, a `policies.Policy`."""
        own = self.own_policies
        return own["medium"] if own else policies.medium(flip=self.flip)

    @property
    def strong(self) -> policies.Policy:
        """The recommended strong augmentation, a `policies.Policy`."""
        own = self.own_policies
        return own["strong"] if own else policies.strong(flip=self.flip)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the training set, to recognize it by.

        It covers the number, shape and labels of the training images and the
        bytes of 64 of them, evenly spaced, so that it is quick for any size.
        """
        images, labels = self.train
        digest = hashlib.sha256(repr(images.shape).encode())
        digest.update(np.ascontiguousarray(labels, "<i4").data)
        for number in range(FINGERPRINT_IMAGES):
            image = images[number * len(images) // FINGERPRINT_IMAGES]
            digest.update(np.ascontiguousarray(image).data)
        return digest.hexdigest()

    def split(
        self,
        labels_per_class: int,
        seed: int = 0,
        validation_per_class: int = 0,
        classes: Sequence[int | str] | None = None,
        unlabeled_classes: Sequence[int | str] | None = None,
    ) -> Split:
        """Chooses which training images count as labeled.

        With `classes` the split is an open set: the model learns these alone,
        numbered in their order here, and is tested on them alone, while the
        unlabeled images may show others. `split.dataset` is the data set as
        the model knows it: take `num_classes` from there.

        Args:
            labels_per_class: Labeled images of each class, at least 1.
            seed: Integer that decides which ones.
            validation_per_class: Images of each class held out of training,
                labeled and unlabeled alike. Default 0.
            classes: Numbers or names of the classes to learn. Default: all.
            unlabeled_classes: Numbers or names of the classes whose images
                are unlabeled ones, whether labels show them or not. Default:
                all classes, and images whose class is unknown.

        Returns:
            A `Split`. In an open set the labels of other classes are -1 in
            `split.dataset` and in `split.labels_of_unlabeled`.

        Raises:
            ValueError: If a class has too few labels, or is unknown or named
                twice.

        Sources:
            Open sets: Saito et al., "OpenMatch", arXiv 2105.14148, with all
            images unlabeled, outliers included. Mismatched classes: Oliver et
            al., "Realistic evaluation of deep semi-supervised learning
            algorithms", arXiv 1804.09170: on CIFAR-10 `classes` 2 to 7, the
            animals, and four `unlabeled_classes`; of their published runs the
            one with no mismatch has (4, 5, 6, 7), 25 % has (0, 5, 6, 7) and
            100 % has (0, 1, 8, 9).

        Example:

        >>> import keras_ssl
        >>> data = keras_ssl.data.load("digits")
        >>> data.split(labels_per_class=2, seed=0)
        <Split digits: 20 labeled, 1297 unlabeled, seed 0>
        >>> mismatched = data.split(
        ...     labels_per_class=2, classes=[2, 3, 5], unlabeled_classes=[5, 6]
        ... )
        >>> mismatched
        <Split digits: 6 labeled, 261 unlabeled, seed 0>
        >>> mismatched.dataset.num_classes, mismatched.dataset.class_names
        (3, ('2', '3', '5'))
        """
        return draw.balanced(
            self,
            labels_per_class,
            seed,
            validation_per_class,
            classes,
            unlabeled_classes,
        )

    def split_given(
        self, seed: int = 0, validation_per_class: int = 0
    ) -> Split:
        """Takes all known labels: whoever has labeled images has chosen.

        Args:
            seed: Integer that decides which images are held out. Default 0.
            validation_per_class: Images of each class held out of training.
                Default 0.

        Returns:
            A `Split`: labeled are the training images whose label is not -1,
            unlabeled all of them, both but for validation. Its
            `labels_per_class` is `None`.

        Raises:
            ValueError: If a class has no label left to learn from.

        Example:

        >>> import keras_ssl, numpy as np
        >>> images = np.zeros((6, 32, 32, 3), np.uint8)
        >>> labels = np.array([0, 1, 1, -1, -1, -1])  # the last three: unknown
        >>> keras_ssl.data.from_arrays((images, labels)).split_given()
        <Split arrays: 3 labeled, 6 unlabeled, seed 0>
        """
        return draw.given(self, seed, validation_per_class)

    def split_long_tailed(
        self,
        labeled_first: int,
        unlabeled_first: int | None,
        imbalance: float,
        unlabeled_imbalance: float | None = None,
        seed: int = 0,
        validation_per_class: int = 0,
    ) -> Split:
        """Chooses labeled and unlabeled images with exponentially fewer of
        each next class.

        Of C classes, class k (from 1) gets
        `N_k = labeled_first * imbalance ** (-(k-1) / (C-1))` labeled images,
        cut to whole numbers, and likewise M_k further, unlabeled ones. As in
        USB's benchmark, the labeled images are part of the unlabeled ones too,
        which are N_k + M_k in number. The test set stays balanced.

        Args:
            labeled_first: N_1, labeled images of the largest class.
            unlabeled_first: M_1, further unlabeled images of the largest
                class; `None`: every training image is unlabeled, those with
                label -1 included (USB's STL-10).
            imbalance: gamma_l, largest over smallest labeled class, at least
                1; a negative one reverses the order of the classes.
            unlabeled_imbalance: gamma_u, the same for the unlabeled images; 1
                gives each class M_1 of them. By default `imbalance`.
            seed: Integer that decides which images. Default 0.
            validation_per_class: Images of each class held out of training,
                the same number for each. Default 0.

        Returns:
            A `Split`, its `labels_per_class` `None`.

        Raises:
            ValueError: If a class has too few labels or would get none, or an
                imbalance lies between -1 and 1.

        Sources:
            Kim et al., "Distribution Aligning Refinery of Pseudo-label"
            (DARP), arXiv 2007.08844; Wei et al., "CReST", arXiv 2102.09559;
            Wang et al., "USB", arXiv 2208.07204, whose CIFAR-10 settings are
            (1500, 3000, 100), (1500, 3000, 100, -100), (1500, 3000, 150),
            (500, 4000, 100), ... in the order of the arguments here.

        Example:

        >>> import keras_ssl
        >>> data = keras_ssl.data.load("digits")
        >>> split = data.split_long_tailed(20, 80, imbalance=10, seed=0)
        >>> split.labeled_counts.tolist()
        [20, 15, 11, 9, 7, 5, 4, 3, 2, 2]
        """
        return draw.long_tailed(
            self,
            labeled_first,
            unlabeled_first,
            imbalance,
            unlabeled_imbalance,
            seed,
            validation_per_class,
        )
