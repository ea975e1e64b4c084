"""Random images for Hypothesis: shapes small and odd, values of all kinds."""

import numpy as np
from hypothesis import strategies as some

sides = some.integers(1, 40) | some.sampled_from([1, 2, 3, 64, 96])


@some.composite
def images(draw, sides=sides):
    shape = draw(sides), draw(sides), draw(some.sampled_from([1, 3]))
    generator = np.random.default_rng(draw(some.integers(0, 2**32)))
    # Few values and narrow ranges are what the histogram ops trip over.
    low = draw(some.integers(0, 255))
    high = draw(some.integers(low, 255) | some.just(255))
    image = generator.integers(low, high, shape, np.uint8, endpoint=True)
    if draw(some.booleans()):
        levels = draw(some.integers(1, 4))
        image = generator.choice(image.ravel()[:levels], shape)
    return image
