# ruff: noqa: D102 - tests are named by behaviour
"""The contract that every data source keeps, as tests for its author to inherit.

Examples
--------
>>> class TestMySource(DataSourceContract):
...     @pytest.fixture
...     def source(self):
...         return my_package.SOURCE
...
...     @pytest.fixture
...     def present(self, tmp_path):
...         return my_package.write_some_rows(tmp_path / "rows.mine")
...
...     @pytest.fixture
...     def missing(self, tmp_path):
...         return str(tmp_path / "nothing.mine")
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from mltrain.data import DataSource
from mltrain.data.rows import as_table
from mltrain.errors import ConfigError, DataError


class DataSourceContract:
    """Tests of one source; a subclass named ``Test…`` gives the fixtures ``source``, ``present`` and ``missing``."""

    @pytest.fixture
    def source(self) -> DataSource:
        raise NotImplementedError("a subclass returns its source")

    @pytest.fixture
    def present(self) -> str:
        raise NotImplementedError("a subclass returns what data.source says to get some rows")

    @pytest.fixture
    def missing(self) -> str:
        raise NotImplementedError("a subclass returns the same for rows that are not there")

    def test_satisfies_the_protocol(self, source: DataSource) -> None:
        assert isinstance(source, DataSource)
        assert source.name.replace("_", "").isalnum()

    def test_accepts_its_own_and_leaves_others_alone(self, source: DataSource, present: str, missing: str) -> None:
        assert source.accepts(present) is True
        assert source.accepts(missing) is True
        assert source.accepts("somebody-else:rows") is False

    def test_loads_a_table_with_rows(self, source: DataSource, present: str) -> None:
        rows = source.load(present, {})

        assert isinstance(rows, (pa.Table, ds.Dataset))
        table = as_table(rows, origin=present)
        assert table.num_rows > 0
        assert len(set(table.column_names)) == len(table.column_names) > 0

    def test_loads_the_same_rows_in_the_same_order_every_time(self, source: DataSource, present: str) -> None:
        first, second = source.load(present, {}), source.load(present, {})

        assert as_table(first, origin=present).equals(as_table(second, origin=present))
        assert as_table(first, origin=present).equals(as_table(first, origin=present))

    def test_what_is_missing_is_named(self, source: DataSource, missing: str) -> None:
        with pytest.raises((DataError, ConfigError)) as caught:  # the latter where all names are known beforehand
            source.load(missing, {})

        assert missing.rpartition(":")[2] in f"{caught.value.message} {caught.value.where}"

    def test_an_unknown_option_is_a_config_error_that_names_it(self, source: DataSource, present: str) -> None:
        with pytest.raises(ConfigError, match="no_such_option") as caught:
            source.load(present, {"no_such_option": 1})

        assert str(caught.value.where).startswith("data.options")
