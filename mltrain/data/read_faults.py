"""What may go wrong while rows are read from files, on a disk or behind a URL, as errors of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from mltrain.data.remote import client_faults, is_store_fault, one_line, refusal
from mltrain.errors import DataError, EnvironmentRefusal

_GONE = "it was removed after it was listed; of an old version of a Delta table, VACUUM may have removed it"


@contextmanager
def read_faults(place: str, *, is_remote: bool, unreadable: Callable[[Exception], DataError]) -> Iterator[None]:
    """Turn what is raised while files are read inside the block into errors that say where.

    Parameters
    ----------
    place : str
        The file, or what the user named where it is not known which of its files is read.
    is_remote : bool
        Whether that lies behind a URL.
    unreadable : callable
        Returns the error for contents that Arrow cannot read.

    Raises
    ------
    mltrain.errors.DataError
        A file is gone, or what ``unreadable`` returned: it is damaged or something else.
    mltrain.errors.EnvironmentRefusal
        The disk, or the store behind a URL, refuses.
    """
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise unreadable(error) from error
    except FileNotFoundError as error:
        raise DataError(f"a file is gone: {one_line(error)}", where=place, hint=_GONE) from None
    except client_faults() as error:
        if is_store_fault(error):
            raise refusal(place, error) from None
        if isinstance(error, OSError) and error.errno is None:  # a damaged page: Arrow has no class of its own for it
            raise unreadable(error) from error
        if is_remote:
            raise refusal(place, error) from None
        reason, file = getattr(error, "strerror", None) or error, getattr(error, "filename", None)
        raise EnvironmentRefusal(f"cannot read the file: {reason}", where=file or place) from error
