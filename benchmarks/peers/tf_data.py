"""tf.data with hand-written TensorFlow ops, mapped image by image in parallel.

Crops are slices of the padded store; a private thread pool has the threads that
the job allows.
"""

import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from peers.job import HIGH, LABELED, LOW, OPS, RATIO

LUMA = (0.299, 0.587, 0.114)


def as_bytes(image):
    return tf.cast(image, tf.uint8)


def blend(base, image, factor):
    image = tf.cast(image, tf.float32)
    return as_bytes(base + factor * (image - base))


def gray(image):
    image = tf.cast(image, tf.float32)
    if image.shape[2] == 1:
        return image
    return tf.tensordot(image, tf.constant(LUMA), 1)[..., None]


def autocontrast(image, _):
    image = tf.cast(image, tf.float32)
    low = tf.reduce_min(image, axis=(0, 1))
    high = tf.reduce_max(image, axis=(0, 1))
    scale = tf.where(high > low, 255 / tf.maximum(high - low, 1), 1)
    return as_bytes((image - tf.where(high > low, low, 0)) * scale)


def equalize(image, _):
    channels = image.shape[2]
    pixels = math.prod(image.shape[:2])
    cells = tf.cast(image, tf.int32) + 256 * tf.range(channels)
    counts = tf.math.bincount(tf.reshape(cells, [-1]), minlength=256 * channels)
    sums = tf.cumsum(tf.reshape(counts, (channels, 256)), axis=1)
    tables = tf.minimum(sums * 255 // pixels, 255)
    return tf.gather(tf.reshape(as_bytes(tables), [-1]), cells)


def posterize(image, value):
    mask = tf.bitwise.left_shift(255, 8 - tf.cast(value, tf.int32))
    return tf.bitwise.bitwise_and(image, as_bytes(mask))


def solarize(image, value):
    above = tf.cast(image, tf.float32) >= value
    return tf.where(above, 255 - image, image)


def contrast(image, factor):
    return blend(tf.round(tf.reduce_mean(gray(image))), image, factor)


def sharpness(image, factor):
    channels = image.shape[2]
    kernel = tf.constant([[1, 1, 1], [1, 5, 1], [1, 1, 1]], tf.float32) / 13
    kernel = tf.tile(kernel[:, :, None, None], (1, 1, channels, 1))
    smooth = tf.nn.depthwise_conv2d(
        tf.cast(image, tf.float32)[None], kernel, [1, 1, 1, 1], "SAME"
    )[0]
    return blend(smooth, image, factor)


def affine(image, matrix):
    """The pixels at `matrix @ (x, y, 1)`, nearest, black outside."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=tf.stack([*matrix, 0.0, 0.0])[None],
        output_shape=image.shape[:2],
        fill_value=0.0,
        interpolation="NEAREST",
    )[0]


def rotate(image, degrees):
    height, width, _ = image.shape
    angle = degrees * (math.pi / 180)
    cos, sin = tf.cos(angle), tf.sin(angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    return affine(
        image,
        (cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y),
    )


NAMED = {
    "identity": lambda image, _: image,
    "autocontrast": autocontrast,
    "equalize": equalize,
    "posterize": posterize,
    "solarize": solarize,
    "brightness": lambda image, v: blend(0.0, image, v),
    "color": lambda image, v: blend(gray(image), image, v),
    "contrast": contrast,
    "sharpness": sharpness,
    "rotate": rotate,
    "shear_x": lambda image, v: affine(image, (1.0, v, v / 2, 0.0, 1.0, 0.0)),
    "shear_y": lambda image, v: affine(image, (1.0, 0.0, 0.0, v, 1.0, v / 2)),
    "translate_x": lambda image, v: affine(
        image, (1.0, 0.0, v * image.shape[1], 0.0, 1.0, 0.0)
    ),
    "translate_y": lambda image, v: affine(
        image, (1.0, 0.0, 0.0, 0.0, 1.0, v * image.shape[0])
    ),
}


def make(job):
    tf.config.threading.set_intra_op_parallelism_threads(job.threads)
    tf.config.threading.set_inter_op_parallelism_threads(job.threads)
    tf.random.set_seed(job.seed)
    height, width, channels = job.shape
    padded = tf.constant(job.padded())
    low, high = tf.constant(LOW, tf.float32), tf.constant(HIGH, tf.float32)

    def weak(row):
        top = tf.random.uniform([], 0, 2 * (height // 8) + 1, tf.int64)
        left = tf.random.uniform([], 0, 2 * (width // 8) + 1, tf.int64)
        image = tf.slice(padded, [row, top, left, 0], [1, *job.shape])[0]
        flip = tf.random.uniform([]) < 0.5
        return tf.cond(flip, lambda: tf.reverse(image, [1]), lambda: image)

    def random_op(image):
        kind = tf.random.uniform([], 0, len(OPS), tf.int32)
        value = tf.random.uniform([], low[kind], high[kind])
        branches = [lambda f=NAMED[n]: f(image, value) for n in OPS]
        out = tf.switch_case(kind, branches)
        out.set_shape(job.shape)
        return out

    def square(image):
        side = tf.random.uniform([], 0, width / 2)
        x = tf.range(width, dtype=tf.float32)
        y = tf.range(height, dtype=tf.float32)
        near_x = tf.abs(x - tf.random.uniform([], 0, width)) <= side / 2
        near_y = tf.abs(y - tf.random.uniform([], 0, height)) <= side / 2
        inside = near_y[:, None, None] & near_x[None, :, None]
        return tf.where(inside, tf.constant(job.gray), image)

    def strong(row):
        image = weak(row)
        for _ in range(job.draws):
            image = random_op(image)
        return square(image)

    def batches(count, batch_size, views):
        return (
            tf.data.Dataset.range(count)
            .shuffle(count)
            .repeat()
            .map(
                lambda row: tuple(view(row) for view in views),
                num_parallel_calls=job.threads,
                deterministic=False,
            )
            .batch(batch_size)
        )

    data = tf.data.Dataset.zip(
        batches(LABELED, job.batch_size, [weak]),
        batches(len(job.images), RATIO * job.batch_size, [weak, strong]),
    ).prefetch(1)
    options = tf.data.Options()
    options.threading.private_threadpool_size = job.threads
    options.threading.max_intra_op_parallelism = 1
    data = data.with_options(options)
    for (labeled,), (weak_view, strong_view) in data.as_numpy_iterator():
        yield labeled, weak_view, strong_view
