"""The documented draws and order once more, slowly, in plain Python."""

import struct

import numpy as np
import pillow_oracle

MASK_32 = 2**32 - 1
MASK_64 = 2**64 - 1


def philox(counter, key):
    counter, key = list(counter), list(key)
    for _ in range(10):
        product_0 = 0xD2511F53 * counter[0]
        product_1 = 0xCD9E8D57 * counter[2]
        counter = [
            (product_1 >> 32) ^ counter[1] ^ key[0],
            product_1 & MASK_32,
            (product_0 >> 32) ^ counter[3] ^ key[1],
            product_0 & MASK_32,
        ]
        key[0] = (key[0] + 0x9E3779B9) & MASK_32
        key[1] = (key[1] + 0xBB67AE85) & MASK_32
    return counter


def domain(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & MASK_32
    return value


def words(seed, position, name, block, part=0):
    low, high = struct.unpack("<II", struct.pack("<Q", position))
    return philox(
        [low, high, domain(name) ^ part, block], [seed & MASK_32, seed >> 32]
    )


class Draws:
    def __init__(self, seed, stream, view, position, part=0):
        self.place = (seed, position, f"{stream}/{view}")
        self.part = part

    def of_slot(self, slot):
        """What ops that need many draws get for an application."""
        seed, position, name = self.place
        part = (slot + 1) * 0x9E3779B9 & MASK_32
        return Draws(seed, *name.split("/"), position, part)

    def word(self, n):
        return words(*self.place, n // 4, self.part)[n % 4]

    def uniform(self, n):
        return self.word(n) / 2**32

    def below(self, n, limit):
        return self.word(n) * limit >> 32


def scramble(half, key):
    z = (key + half * 0x9E3779B97F4A7C15) & MASK_64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK_64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK_64
    return z ^ (z >> 31)


def index_at(position, size, seed, stream):
    turn, index = divmod(position, size)
    half = 1
    while 4**half < size:
        half += 1
    keys = []
    for pair in range(6):
        a, b, c, d = words(seed, turn, f"{stream}/order", pair)
        keys += [b << 32 | a, d << 32 | c]
    while True:
        left, right = index >> half, index & (2**half - 1)
        for key in keys:
            left, right = (
                right,
                left ^ (scramble(right, key) & (2**half - 1)),
            )
        index = left << half | right
        if index < size:
            return index


def apply_policy(stages, image, seed, position, stream, view):
    """What a sampler must show of `image`, made by Pillow."""
    draws = Draws(seed, stream, view, position)
    for name, values in drawn_ops(stages, draws, image.shape):
        image = pillow_oracle.apply_op(name, image, *values)
    return image


def drawn_ops(stages, draws, shape):
    """`(name, explicit values)` of the ops that an image gets."""
    first = 0
    ops = []
    for count, choices, *options in stages:
        options = (options or [{}])[0]
        left = list(choices)
        skipped = draws.uniform(first + 6) >= options.get("probability", 1)
        for turn in range(count):
            if options.get("distinct"):
                place = turn + draws.below(first, len(left) - turn)
                left[turn], left[place] = left[place], left[turn]
                choice = left[turn]
            else:
                choice = choices[draws.below(first, len(choices))]
            name, probability, low, high, *more = choice
            if not skipped and draws.uniform(first + 1) < probability:
                value = drawn_value(low, high, (more or [{}])[0], draws, first)
                values = explicit_values(name, value, draws, first, shape)
                ops.append((name, values))
            first += 8
    return ops


def drawn_value(low, high, options, draws, first):
    levels = options.get("levels", 0)
    if levels > 1:
        level = draws.below(first + 2, levels)
        value = low + level * (high - low) / (levels - 1)
    elif levels == 1:
        value = low
    else:
        value = low + draws.uniform(first + 2) * (high - low)
    if options.get("either_sign") and draws.uniform(first + 3) < 0.5:
        value = -value
    return value


def explicit_values(name, value, draws, first, shape):
    height, width, _ = shape
    if name in pillow_oracle.WITHOUT_VALUE:
        return ()
    if name == "posterize":
        return (min(8, max(1, int(value))),)
    if name in ("shift_x", "shift_y", "quarter_turn"):
        return (int(value),)
    if name == "rescale":
        return value, int(draws.uniform(first + 7) * 5.99)
    if name == "crop":
        return tuple(
            draws.below(first + k, 2 * int(side * value) + 1)
            - int(side * value)
            for k, side in ((4, height), (5, width))
        )
    if name in ("cutout", "cutout_gray"):
        center_y = draws.uniform(first + 4) * height
        center_x = draws.uniform(first + 5) * width
        return value * width, center_x, center_y
    if name == "cutout_box":
        center_y = draws.below(first + 4, height)
        center_x = draws.below(first + 5, width)
        return 1 + int(value * min(height, width)), center_x, center_y
    return (value,)


def batch(pools, views, seed, step):
    """The whole batch of a step, as `_core.Sampler.batch` returns it."""
    indices, shown, sizes = {}, {}, {}
    for name, images, rows, items in pools:
        pool = np.arange(len(images)) if rows is None else np.asarray(rows)
        stream = name.split("/")[0]
        for position in range(step * items, (step + 1) * items):
            index = index_at(position, len(pool), seed, name)
            before = sizes.get(stream, 0)
            indices.setdefault(stream, []).append(before + index)
            example = name, position, images[pool[index]]
            shown.setdefault(stream, []).append(example)
        sizes[stream] = sizes.get(stream, 0) + len(pool)
    result = {
        f"index/{stream}": np.array(found, "int32")
        for stream, found in indices.items()
    }
    for view, stream, stages in views:
        result[view] = np.stack(
            [
                apply_policy(stages, image, seed, position, name, view)
                for name, position, image in shown[stream]
            ]
        )
    return result
