"""Seeds of single random steps, derived from the seed of the whole."""

from __future__ import annotations

import hashlib

_MOST = 2**31 - 1


def derive(seed: int, *parts: str | int) -> int:
    """Return a seed for the step that ``parts`` name; the same on every machine and in every process.

    Parameters
    ----------
    seed : int
        The seed of the whole.
    *parts : str or int
        What names the step, such as family, trial number and fold.

    Returns
    -------
    int
        In [0, 2**31 - 1), which every library takes.

    Examples
    --------
    >>> derive(42, "lgbm", 3) == derive(42, "lgbm", 3) != derive(42, "lgbm", 4)
    True
    """
    text = "\x1f".join([str(seed), *(f"{type(part).__name__}:{part}" for part in parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % _MOST
