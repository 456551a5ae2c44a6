"""One file of a source, on a disk or behind a URL: its name, what tells its contents apart, how to open it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import fs


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """One file that rows are read from.

    Attributes
    ----------
    name : str
        Path or URL, as messages and records have it.
    path : str
        The same inside ``filesystem``.
    folders : tuple of str
        Names of the folders between the source and the file.
    size_bytes : int
        -1 where a store does not say.
    version : str
        Changes when the contents do (an ETag, a generation); empty where the file's own hash must tell.
    """

    name: str
    path: str
    folders: tuple[str, ...]
    size_bytes: int
    modified_ns: int
    version: str
    filesystem: fs.FileSystem

    @property
    def is_remote(self) -> bool:
        """Whether it lies behind a URL."""
        return not isinstance(self.filesystem, fs.LocalFileSystem)

    @property
    def is_hidden(self) -> bool:
        """Whether its name or a folder's begins with ``.`` or ``_``, as other tools name their records."""
        return any(part.startswith((".", "_")) for part in (*self.folders, self.path.rpartition("/")[2]))

    def has_suffix(self, suffixes: Sequence[str]) -> bool:
        """Say whether its name ends like one of ``suffixes``, whatever its case."""
        return self.path.casefold().endswith(tuple(suffixes))

    def open(self) -> pa.NativeFile:
        """Open the file for reading anywhere in it."""
        return self.filesystem.open_input_file(self.path)

    def open_stream(self) -> pa.NativeFile:
        """Open the file for reading from its beginning, unpacked where its name ends in ``.gz``."""
        packing = "gzip" if self.path.casefold().endswith(".gz") else None
        return self.filesystem.open_input_stream(self.path, compression=packing)
