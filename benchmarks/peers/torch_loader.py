"""Pillow in a PyTorch DataLoader, the way of USB and TorchSSL.

One loader for each split, two worker processes each. An example is cropped,
flipped, augmented and made a normalized float32 tensor by itself; the reflected
border is made by NumPy for every image, as torchvision does it.
"""

import random

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.utils import data

from peers.job import GRAY, HIGH, LABELED, LOW, MEAN, RATIO, STD
from peers.pillow_ops import FUNCTIONS

WORKERS = 2


class Examples(data.Dataset):
    """Weak and, of the unlabeled ones, strong views of images."""

    def __init__(self, job, strong):
        self.images, self.strong, self.draws = job.images, strong, job.draws
        channels = job.shape[2]
        self.mean = torch.tensor(MEAN[:channels]).view(channels, 1, 1)
        self.std = torch.tensor(STD[:channels]).view(channels, 1, 1)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        image = self.images[row]
        image = Image.fromarray(image if image.shape[2] == 3 else image[..., 0])
        weak = self.tensor(crop_and_flip(image))
        if not self.strong:
            return weak
        return weak, self.tensor(augment(crop_and_flip(image), self.draws))

    def tensor(self, image):
        array = np.array(image)
        array = array if array.ndim == 3 else array[..., None]
        pixels = torch.from_numpy(array).permute(2, 0, 1).contiguous()
        return pixels.to(torch.float32).div(255).sub_(self.mean).div_(self.std)


def crop_and_flip(image):
    width, height = image.size
    pad_x, pad_y = width // 8, height // 8
    array = np.asarray(image)
    sides = ((pad_y, pad_y), (pad_x, pad_x), (0, 0))[: array.ndim]
    padded = Image.fromarray(np.pad(array, sides, mode="reflect"))
    left, top = random.randint(0, 2 * pad_x), random.randint(0, 2 * pad_y)
    image = padded.crop((left, top, left + width, top + height))
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image


def augment(image, draws):
    for kind in random.choices(range(len(FUNCTIONS)), k=draws):
        value = random.uniform(LOW[kind], HIGH[kind])
        image = FUNCTIONS[kind](image, value)
    width, height = image.size
    side = random.uniform(0, 0.5) * width
    left = int(max(0, random.uniform(0, width) - side / 2))
    top = int(max(0, random.uniform(0, height) - side / 2))
    box = left, top, min(width, left + side), min(height, top + side)
    gray = tuple(GRAY.tolist()) if image.mode == "RGB" else 125
    image = image.copy()
    ImageDraw.Draw(image).rectangle(box, gray)
    return image


class Shuffled(data.Sampler):
    """Every row once in each of endless passes."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        while True:
            yield from torch.randperm(self.count).tolist()


def seed_worker(_):
    random.seed(torch.initial_seed())


def make(job):
    torch.manual_seed(job.seed)

    def loader(strong, count, batch_size):
        return data.DataLoader(
            Examples(job, strong),
            batch_size=batch_size,
            sampler=Shuffled(count),
            num_workers=WORKERS,
            worker_init_fn=seed_worker,
        )

    labeled = loader(False, LABELED, job.batch_size)
    unlabeled = loader(True, len(job.images), RATIO * job.batch_size)
    for weak_labeled, (weak, strong) in zip(labeled, unlabeled, strict=True):
        yield weak_labeled, weak, strong
