"""Encoders: what each kind of column becomes, and that they survive JSON, odd values and unseen ones."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from mltrain.data import Column, ColumnKind, Schema, Target
from mltrain.errors import DataError
from mltrain.preprocessing import encode, encoder_from_dict, encoder_to_dict, fit_encoder

KINDS = pytest.mark.parametrize("kind", ["native", "ordinal", "one_hot"])
ARROW = {
    ColumnKind.NUMERIC: pa.float64(),
    ColumnKind.BOOLEAN: pa.bool_(),
    ColumnKind.CATEGORY: pa.dictionary(pa.int32(), pa.string()),
    ColumnKind.DATE: pa.timestamp("us"),
}


def _table(**columns):
    """Return a conformed table and its schema from (kind, values) pairs."""
    arrays, described = {}, []
    for name, (kind, values) in columns.items():
        plain = pa.array(values, type=pa.string() if kind is ColumnKind.CATEGORY else ARROW[kind])
        arrays[name] = plain.dictionary_encode() if kind is ColumnKind.CATEGORY else plain
        described.append(Column(name=name, kind=kind, arrow_type=str(plain.type)))
    return pa.table(arrays), Schema(columns=tuple(described), target=Target(name="y", classes=(0, 1)))


def _fit(kind, table, schema, **changes):
    settings = {"min_variance": None, "max_categories": 1000, "date_parts": True, **changes}
    return fit_encoder(kind, table, schema=schema, **settings)


def _mixed(n=40):
    rng = np.random.default_rng(1)
    number = [None if i % 7 == 0 else float(v) for i, v in enumerate(rng.normal(size=n))]
    return _table(
        number=(ColumnKind.NUMERIC, number),
        flag=(ColumnKind.BOOLEAN, [None if i % 11 == 0 else i % 2 == 0 for i in range(n)]),
        größe=(ColumnKind.CATEGORY, [None if i % 13 == 0 else ["klein", "groß", "中"][i % 3] for i in range(n)]),
        when=(
            ColumnKind.DATE,
            [None if i % 17 == 0 else datetime(2020, 1 + i % 12, 1 + i % 28, i % 24) for i in range(n)],
        ),
        empty=(ColumnKind.NUMERIC, [None] * n),
        nothing=(ColumnKind.CATEGORY, [None] * n),
        same=(ColumnKind.NUMERIC, [5.0] * n),
    )


@KINDS
def test_every_kind_of_column_is_encoded(kind):
    table, schema = _mixed()

    encoder = _fit(kind, table, schema)
    view = encode(encoder, table)

    assert view.X.dtype == np.float32
    assert view.X.shape == (40, len(encoder.feature_names)) == (40, len(encoder.sources))
    assert set(encoder.sources) >= {"number", "flag", "größe", "when", "same"}
    assert len(set(encoder.feature_names)) == len(encoder.feature_names)
    assert all(name.isascii() and name.replace("_", "").isalnum() for name in encoder.feature_names)
    assert not np.isinf(view.X).any()
    assert np.isnan(view.X).any() == (kind == "native")


@KINDS
def test_json_gives_the_same_encoder(kind):
    table, schema = _mixed()
    encoder = _fit(kind, table, schema)

    again = encoder_from_dict(json.loads(json.dumps(encoder_to_dict(encoder))))

    assert again == encoder
    np.testing.assert_array_equal(encode(again, table).X, encode(encoder, table).X)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 9},
        {"kind": "x"},
        {"features": []},
        {"features": [{"type": "number"}]},
        {"features": [{"type": "level", "name": "a", "source": "a", "values": [1], "missing": False}]},
        {"features": [{"type": "level", "name": "a", "source": "a", "values": [], "missing": 1}]},
        {"features": [{"type": "missing", "name": "a", "source": "a", "part": "century"}]},
        {"features": [{"type": "missing", "name": "a", "source": "a", "part": "value"}] * 2},
    ],
)
def test_a_malformed_document_is_refused(change):
    table, schema = _mixed()
    document = encoder_to_dict(_fit("one_hot", table, schema))

    with pytest.raises(ValueError, match="encoder"):
        encoder_from_dict({**document, **change})


def test_native_codes_follow_sorted_levels_and_the_unseen_is_missing():
    table, schema = _table(c=(ColumnKind.CATEGORY, ["b", "a", None, "c", "b"]))
    later, _ = _table(c=(ColumnKind.CATEGORY, ["z", "c", "a"]))

    encoder = _fit("native", table, schema)

    np.testing.assert_array_equal(encode(encoder, table).X[:, 0], [1, 0, np.nan, 2, 1])
    np.testing.assert_array_equal(encode(encoder, later).X[:, 0], [np.nan, 2, 0])
    assert encoder.categorical == (0,)


def test_ordinal_codes_keep_a_last_one_for_missing_and_unseen():
    table, schema = _table(c=(ColumnKind.CATEGORY, ["b", "a", None, "c", "b"]))
    later, _ = _table(c=(ColumnKind.CATEGORY, ["z", None, "a"]))

    encoder = _fit("ordinal", table, schema)

    np.testing.assert_array_equal(encode(encoder, later).X[:, 0], [3, 3, 0])


def test_rare_levels_share_a_code():
    table, schema = _table(c=(ColumnKind.CATEGORY, ["a"] * 5 + ["d"] * 4 + ["b", "c", "c"]))
    later, _ = _table(c=(ColumnKind.CATEGORY, ["a", "b", "c", "d", "e"]))

    encoder = _fit("native", table, schema, max_categories=2)

    np.testing.assert_array_equal(encode(encoder, later).X[:, 0], [0, 2, 2, 1, np.nan])


def test_one_hot_pools_rare_levels_and_marks_missing():
    table, schema = _table(c=(ColumnKind.CATEGORY, ["a"] * 9 + ["b"] * 6 + ["c", "d", None]))
    later, _ = _table(c=(ColumnKind.CATEGORY, ["a", "b", "c", None, "z"]))

    encoder = _fit("one_hot", table, schema)

    assert encoder.feature_names == ("c_is_a", "c_is_b", "c_is_rare", "c_is_missing")
    expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    np.testing.assert_array_equal(encode(encoder, later).X, expected)


def test_one_hot_numbers_are_imputed_by_the_median_and_standardised():
    values = [1.0, 2.0, None, 4.0, 5.0, float("inf")]
    table, schema = _table(x=(ColumnKind.NUMERIC, values))

    encoder = _fit("one_hot", table, schema)
    X = encode(encoder, table).X

    filled = np.array([1, 2, 3, 4, 5, 3.0])
    np.testing.assert_allclose(X[:, 0], (filled - filled.mean()) / filled.std(), rtol=1e-6)
    np.testing.assert_array_equal(X[:, 1], [0, 0, 1, 0, 0, 1])


def test_skewed_numbers_are_tamed():
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(scale=2, size=2000)) * 1e-6
    table, schema = _table(x=(ColumnKind.NUMERIC, values), z=(ColumnKind.NUMERIC, rng.normal(size=2000)))

    skewed, plain = _fit("one_hot", table, schema).features

    assert skewed.log_unit == pytest.approx(np.median(values))
    assert plain.log_unit is None


def test_forests_get_missing_numbers_below_all_others():
    table, schema = _table(
        x=(ColumnKind.NUMERIC, [3.0, None, 1e9, 7.0]), full=(ColumnKind.NUMERIC, [1.0, 2.0, 4.0, 8.0])
    )
    later, _ = _table(x=(ColumnKind.NUMERIC, [None]), full=(ColumnKind.NUMERIC, [None]))

    encoder = _fit("ordinal", table, schema)

    X = encode(encoder, table).X
    assert X[1, 0] < X[[0, 2, 3], 0].min()
    assert encode(encoder, later).X[0, 1] == 3.0


def test_what_is_missing_beside_the_least_number_of_all_stays_finite():
    least = float(np.finfo(np.float32).min)
    table, schema = _table(x=(ColumnKind.NUMERIC, [least, None, 1e9, 7.0]))

    assert np.isfinite(encode(_fit("ordinal", table, schema), table).X).all()


def test_dates_expand_to_their_parts():
    table, schema = _table(d=(ColumnKind.DATE, [datetime(2024, 2, 29, 18), datetime(1969, 12, 31, 0), None]))

    encoder = _fit("native", table, schema)
    X = encode(encoder, table).X

    assert encoder.feature_names == ("d_year", "d_month", "d_day", "d_weekday", "d_hour", "d_days")
    np.testing.assert_array_equal(X[0], [2024, 2, 29, 3, 18, 19782.75])
    np.testing.assert_array_equal(X[1], [1969, 12, 31, 2, 0, -1])
    assert np.isnan(X[2]).all()
    assert set(encoder.sources) == {"d"}


def test_dates_without_hours_or_parts_have_fewer_features():
    table, schema = _table(d=(ColumnKind.DATE, [datetime(2024, 2, 29), datetime(2023, 5, 1)]))

    assert "d_hour" not in _fit("native", table, schema).feature_names
    assert _fit("native", table, schema, date_parts=False).feature_names == ("d_days",)


def test_infinite_and_huge_numbers_are_missing():
    table, schema = _table(x=(ColumnKind.NUMERIC, [1.0, float("-inf"), 1e300, 2.0]))

    X = encode(_fit("native", table, schema), table).X

    np.testing.assert_array_equal(X[:, 0], [1, np.nan, np.nan, 2])


@KINDS
def test_the_variance_filter_leaves_out_constants_but_never_everything(kind):
    table, schema = _mixed()
    encoder = _fit(kind, table, schema, min_variance=0.0)
    constant, alone = _table(same=(ColumnKind.NUMERIC, [5.0] * 4))

    assert not {"same", "empty", "nothing"} & set(encoder.sources)
    assert _fit(kind, constant, alone, min_variance=0.0).sources[0] == "same"


def test_a_constant_that_is_sometimes_missing_tells_something():
    table, schema = _table(x=(ColumnKind.NUMERIC, [5.0, None, 5.0, None]), y=(ColumnKind.NUMERIC, [1.0, 2.0, 3.0, 4.0]))

    assert "x" in _fit("native", table, schema, min_variance=0.0).sources


def test_wide_views_are_sparse_and_equal_to_dense_ones():
    rng = np.random.default_rng(2)
    levels = [f"l{i}" for i in rng.integers(0, 80, size=4000)]
    table, schema = _table(c=(ColumnKind.CATEGORY, levels), x=(ColumnKind.NUMERIC, rng.normal(size=4000)))

    encoder = _fit("one_hot", table, schema)
    X = encode(encoder, table).X

    assert sparse.issparse(X)
    names = [f"c_is_{level}" for level in levels[:50]]
    dense = X[:50].toarray()
    for row, name in enumerate(names):
        hits = np.flatnonzero(dense[row, :-1])
        assert [encoder.feature_names[i] for i in hits] == [name]
    np.testing.assert_allclose(dense[:, -1].mean(), X[:50, -1].mean(), rtol=1e-6)


def test_blocks_and_chunks_change_nothing(monkeypatch):
    table, schema = _mixed()
    encoder = _fit("one_hot", table, schema)
    whole = encode(encoder, table).X

    monkeypatch.setattr("mltrain.preprocessing.encoding._ROWS_AT_ONCE", 7)
    chunked = pa.concat_tables([table.slice(0, 3), table.slice(3)])

    np.testing.assert_array_equal(encode(encoder, chunked).X, whole)


def test_one_row_and_no_row_are_encoded():
    table, schema = _mixed()
    encoder = _fit("native", table, schema)

    assert encode(encoder, table.slice(0, 1)).X.shape == (1, len(encoder.features))
    assert encode(encoder, table.slice(0, 0)).X.shape == (0, len(encoder.features))


def test_names_that_collide_stay_apart():
    table, schema = _table(
        **{
            "a b": (ColumnKind.NUMERIC, [1.0, 2.0]),
            "a-b": (ColumnKind.NUMERIC, [1.0, 2.0]),
            "年": (ColumnKind.NUMERIC, [1.0, 2.0]),
            "1st": (ColumnKind.NUMERIC, [1.0, 2.0]),
        }
    )

    encoder = _fit("native", table, schema)

    assert encoder.feature_names == ("a_b", "a_b_2", "feature_2", "f_1st")
    assert encoder.sources == ("a b", "a-b", "年", "1st")


def test_no_column_to_learn_from_is_an_error():
    table, _ = _mixed()

    with pytest.raises(DataError, match="no column"):
        _fit("native", table, Schema(columns=(), target=Target(name="y", classes=(0, 1))))
