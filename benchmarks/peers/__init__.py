"""Peers of the sampler: libraries that can do the same job, each in a file.

Every module offers `make(job, **options)`, an iterator over batches
`(labeled, weak, strong)` of the job described in `job.py`. A new peer is such a
module and an entry here.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

BYTES, FLOATS = "uint8 NHWC", "float32 NCHW"


@dataclasses.dataclass(frozen=True)
class Peer:
    """What the benchmark and its report have to know of a peer.

    Args:
        label: how the report calls it.
        module: its file here.
        packages: what it runs on, as its package index names it.
        threads: "one" if it knows none, "most" if it is shown with the largest
            number asked for, "each" if with every number asked for, "all" if
            also with one for each core.
        options: of `make`.
        delivers: type and layout of its batches.
        normalized: whether USB's mean and deviation were applied.
        per_image: whether every image gets ops of its own; a batch that shares
            its ops is a weaker job.
        note: in what else its job differs.
    """

    label: str
    module: str
    packages: tuple[str, ...] = ()
    threads: str = "one"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    delivers: str = BYTES
    normalized: bool = False
    per_image: bool = True
    note: str = ""

    def thread_counts(self, asked: list[int]) -> list[int]:
        """With how many threads the peer is shown, where `asked` were."""
        if self.threads == "one":
            return [1]
        if self.threads == "most":
            return [max(asked)]
        cores = {os.cpu_count() or 1} if self.threads == "all" else set()
        return sorted({*asked, *cores})

    @property
    def install(self) -> str:
        return "pip install " + " ".join(self.packages)


CPU_TORCH = "torch==2.13.0"
PEERS = {
    "keras_ssl": Peer("keras_ssl", "keras_ssl_sampler", threads="all"),
    "opencv": Peer(
        "OpenCV, whole batches where it can",
        "opencv_loop",
        ("opencv-python-headless",),
    ),
    "opencv_images": Peer(
        "OpenCV, image by image",
        "opencv_images",
        ("opencv-python-headless",),
    ),
    "spdl": Peer(
        "SPDL, OpenCV ops",
        "spdl_threads",
        ("spdl", "opencv-python-headless"),
        threads="most",
    ),
    "pillow": Peer("Pillow, Python loop", "pillow_loop", ("pillow",)),
    "usb": Peer(
        "Pillow in DataLoaders, as USB, 2+2 workers",
        "torch_loader",
        ("pillow", CPU_TORCH),
        delivers=FLOATS,
        normalized=True,
    ),
    "albumentations": Peer(
        "Albumentations",
        "albumentations_loop",
        ("albumentations", "opencv-python-headless"),
        note="brightness, contrast and sharpness of its own",
    ),
    "tf.data": Peer(
        "tf.data, TensorFlow ops",
        "tf_data",
        ("tensorflow-cpu==2.21.0",),
        threads="most",
    ),
    "dali": Peer(
        "DALI on the CPU",
        "dali_cpu",
        ("nvidia-dali-cuda120",),
        threads="each",
    ),
    "torchvision": Peer(
        "torchvision v2, image by image",
        "torchvision_v2",
        ("torchvision==0.28.0", CPU_TORCH),
        delivers="uint8 NCHW",
    ),
    "torchvision_batch": Peer(
        "torchvision v2, whole batch",
        "torchvision_v2",
        ("torchvision==0.28.0", CPU_TORCH),
        options={"whole_batch": True},
        delivers="uint8 NCHW",
        per_image=False,
        note="one draw of ops and values for a batch",
    ),
    "kornia": Peer(
        "Kornia, image by image",
        "kornia_tensors",
        ("kornia", CPU_TORCH),
        options={"per_image": True},
        delivers=FLOATS,
        note="brightness and contrast of its own",
    ),
    "kornia_batch": Peer(
        "Kornia, whole batch",
        "kornia_tensors",
        ("kornia", CPU_TORCH),
        delivers=FLOATS,
        per_image=False,
        note="one draw of ops for a batch",
    ),
}
