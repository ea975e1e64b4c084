"""Whatever depends on image ops runs once for each instruction set."""

import pytest

from keras_ssl import _core


@pytest.fixture(scope="module", params=_core.engines())
def engine(request):
    before = _core.engine()
    _core.use_engine(request.param)
    yield request.param
    _core.use_engine(before)
