"""A frame around a model's bytes, so that a library never sees a damaged or foreign file.

LightGBM and XGBoost may end the whole process on one; no exception could be caught.
"""

from __future__ import annotations

import hashlib

_DIGEST_BYTES = hashlib.sha256().digest_size


def frame(family: str, payload: bytes) -> bytes:
    """Return the payload behind the family's name and its checksum."""
    return _header(family) + hashlib.sha256(payload).digest() + payload


def unframe(family: str, data: bytes) -> bytes:
    """Return the payload.

    Raises
    ------
    ValueError
        The bytes are not this family's, or are damaged.
    """
    header = _header(family)
    start = len(header) + _DIGEST_BYTES
    if not data.startswith(header) or len(data) < start:
        raise ValueError(f"not a {family} model")
    payload = bytes(data[start:])
    if hashlib.sha256(payload).digest() != data[len(header) : start]:
        raise ValueError(f"damaged {family} model: its checksum differs")
    return payload


def _header(family: str) -> bytes:
    return f"mltrain {family} 1\n".encode()
