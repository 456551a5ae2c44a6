from __future__ import annotations

import pyarrow as pa

from mltrain.data import Column, ColumnKind, Schema, Target, Trait
from mltrain.data.confirming import confirm_columns


def confirmed(column: Column, *values: pa.Array) -> Column:
    schema = Schema(columns=(column,), target=Target(name="y", classes=(0, 1)))
    return confirm_columns(schema, lambda name: [pa.chunked_array([part]) for part in values]).columns[0]


def test_a_column_that_holds_what_the_sample_said_is_left_as_it_is() -> None:
    empty = Column(name="x", kind=ColumnKind.DROPPED, arrow_type="string", trait=Trait.CONSTANT)
    days = Column(name="x", kind=ColumnKind.DATE, arrow_type="string", trait=Trait.MOMENTS_AS_TEXT)

    assert confirmed(empty, pa.nulls(5, pa.string()), pa.nulls(5, pa.string())) == empty
    assert confirmed(days, pa.array(["2024-01-01", None]), pa.array([None, " "])) == days


def test_a_single_row_refutes_what_a_sample_said() -> None:
    same = Column(name="x", kind=ColumnKind.DROPPED, arrow_type="int64", trait=Trait.CONSTANT)
    amounts = Column(name="x", kind=ColumnKind.NUMERIC, arrow_type="string", trait=Trait.NUMBERS_AS_TEXT)

    varied = confirmed(same, pa.array([1, 1]), pa.array([1, 2]))
    words = confirmed(amounts, pa.array(["1.5"]), pa.array(["n/a"]).dictionary_encode())

    assert (varied.kind, varied.reason, varied.trait) == (ColumnKind.NUMERIC, "not the same on every row", None)
    assert (words.kind, words.reason, words.trait) == (ColumnKind.CATEGORY, "text: not numbers on every row", None)
