"""What tests of several families share."""

from __future__ import annotations

import io

import numpy as np
import pytest

from mltrain.models.framing import frame, unframe


@pytest.fixture
def with_array():
    """Return what writes a model that is kept as arrays, one of which is another."""

    def write(family, model, name, value) -> bytes:
        with np.load(io.BytesIO(unframe(family.name, family.dump(model)))) as arrays:
            changed = {**arrays, name: value}
        buffer = io.BytesIO()
        np.savez(buffer, **changed)
        return frame(family.name, buffer.getvalue())

    return write
