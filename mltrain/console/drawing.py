"""The two shapes results are drawn in: a table of rows, and a list of names and values; and prose."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from mltrain.console.amounts import score_text
from mltrain.console.document import jsonable
from mltrain.console.fitting import GAP, Column, fitted, widths
from mltrain.console.wrapping import wrapped

_NARROWEST = 20  # cells that the value of a fact has in any case


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A table that fits its columns to the screen, as `mltrain.console.fitting` says."""

    columns: tuple[Column, ...]
    spare: tuple[str, ...] = ()
    title: str | None = None
    dimmed: frozenset[int] = frozenset()
    is_ruled: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it on a screen of a known width."""
        if self.title:
            yield from (Text(line, style="bold") for line in wrapped(self.title, options.max_width))
        for position, columns in enumerate(fitted(self.columns, width=options.max_width, spare=self.spare)):
            if position:
                yield Text("")
            cells = widths(columns, width=options.max_width)
            total = sum(cells) + GAP * (len(cells) - 1)  # more than the screen has, where one cell alone is
            yield from self._table(columns, cells).__rich_console__(console, options.update(width=total))

    def _table(self, columns: Sequence[Column], cells: Sequence[int]) -> Table:
        """Draw columns beside each other, each of so many cells."""
        edges = (0, 1) if self.is_ruled else (0, 2, 0, 1)
        table = Table(box=box.SIMPLE_HEAD if self.is_ruled else None, show_edge=False, padding=edges, pad_edge=False)
        for column, width in zip(columns, cells, strict=True):
            table.add_column(
                Text(column.header),
                justify="right" if column.is_right else "left",
                overflow="fold",
                no_wrap=column.is_whole,
                width=width,
            )
        for position, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
            table.add_row(*map(Text, row), style="dim" if position in self.dimmed else None)
        return table


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Names and values, one pair a line; long values are broken between words and stand under each other."""

    pairs: tuple[tuple[str, str], ...]
    title: str | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw them on a screen of a known width."""
        del console
        if self.title:
            yield Text(self.title, style="bold")
        indent = 2 + max((cell_len(name) for name, _ in self.pairs), default=0)
        for name, value in self.pairs:
            first, *others = wrapped(value, max(options.max_width - indent, _NARROWEST))
            head = (name + " " * (indent - cell_len(name)), "bold")
            yield Text.assemble(head, first, no_wrap=True, overflow="ignore")
            yield from (Text(" " * indent + line, no_wrap=True, overflow="ignore") for line in others)


def rows_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    spare: Sequence[str] = (),
    dimmed: Iterable[int] = (),
    is_ruled: bool = True,
) -> Rows:
    """Return a table; a header that starts with ``>`` is set to the right, one with ``|`` or ``>`` is never broken.

    Cells are shown as they are: brackets in a column name are no markup.

    Parameters
    ----------
    spare : sequence of str
        Headers (without their sign) of columns that a narrow screen does without, the least important one first.
    dimmed : iterable of int
        Positions of rows that matter less.
    """
    texts = [tuple(cell_text(cell) for cell in row) for row in rows]
    columns = (
        Column(
            header=header[1:] if header.startswith((">", "|")) else header,
            cells=tuple(row[position] for row in texts),
            is_right=header.startswith(">"),
            is_whole=header.startswith((">", "|")),
        )
        for position, header in enumerate(headers)
    )
    return Rows(columns=tuple(columns), spare=tuple(spare), title=title, dimmed=frozenset(dimmed), is_ruled=is_ruled)


def facts(pairs: Iterable[tuple[str, object]], *, title: str | None = None) -> Facts:
    """Return names and values, one pair a line; pairs without a value are left out."""
    told = ((name, cell_text(value)) for name, value in pairs if value not in (None, "", [], (), {}))
    return Facts(pairs=tuple(told), title=title)


def record_facts(record: object) -> Facts:
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
    return Text(text.rstrip("\n"), overflow="ignore")


def warned(warnings: Iterable[str]) -> Iterator[Text]:
    """Return warnings, one a line."""
    return (Text(f"warning: {warning}", style="yellow") for warning in warnings)
