"""The two shapes results are drawn in: a table of rows, and a list of names and values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from mltrain.console.amounts import score_text
from mltrain.console.document import jsonable


def rows_table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> Table:
    """Return a table; a header that starts with ``>`` is set to the right, one with ``|`` is never broken.

    Cells are shown as they are: brackets in a column name are no markup.
    """
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, title=title, title_justify="left", title_style="bold", pad_edge=False
    )
    for header in headers:
        right, whole = header.startswith(">"), header.startswith((">", "|"))
        label = Text(header[1:] if whole else header)
        table.add_column(label, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    return table


def facts(pairs: Iterable[tuple[str, object]], *, title: str | None = None) -> Table:
    """Return names and values, one pair a line; pairs without a value are left out."""
    table = Table(box=None, show_header=False, title=title, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", [], (), {}):
            table.add_row(Text(name), Text(cell_text(value)))
    return table


def record_facts(record: object) -> Table:
    """Return the fields of any record as names and values."""
    plain = jsonable(record)
    if not dataclasses.is_dataclass(record) or not isinstance(plain, Mapping):
        return facts([("result", plain)])
    return facts((name.replace("_", " "), value) for name, value in plain.items())


def cell_text(value: object) -> str:
    """Return a value as the text of one cell."""
    match value:
        case None | float():
            text = score_text(value)
        case bool():
            text = "yes" if value else "no"
        case Path():
            text = str(value.relative_to(Path.cwd()) if value.is_relative_to(Path.cwd()) else value)
        case Mapping():
            text = ", ".join(f"{key} {cell_text(item)}" for key, item in value.items())
        case list() | tuple() | frozenset():
            text = ", ".join(cell_text(item) for item in value)
        case _:
            text = str(value)
    return text


def verbatim(text: str) -> Text:
    """Return text that is printed as it is, however long its lines are."""
    return Text(text.rstrip("\n"))


def warned(warnings: Iterable[str]) -> Iterator[Text]:
    """Return warnings, one a line, which a terminal may break between words."""
    return (Text(f"warning: {warning}", style="yellow", overflow="fold") for warning in warnings)
