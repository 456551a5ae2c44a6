"""Bundled examples: ``example:churn`` and three of scikit-learn's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from mltrain.data.churn import make_churn
from mltrain.data.nearest import suggest
from mltrain.data.options import NoOptions, checked_options
from mltrain.errors import ConfigError

PREFIX = "example:"


class ExampleSource:
    """Makes the bundled examples."""

    name = "example"

    def accepts(self, source: str) -> bool:
        """Say whether the source begins with ``example:``."""
        return source.startswith(PREFIX)

    def load(self, source: str, options: Mapping[str, Any]) -> pa.Table:
        """Return an example, the same rows every time.

        Raises
        ------
        mltrain.errors.ConfigError
            No example has this name, or any option: there are none.
        """
        checked_options(NoOptions, options, source=self.name)
        name = source.removeprefix(PREFIX)
        if name not in EXAMPLES:
            raise ConfigError(f"no example is called {name!r}", where="data.source", hint=suggest(name, list(EXAMPLES)))
        return EXAMPLES[name]()


def _breast_cancer() -> pa.Table:
    """Return 569 tumours, target ``diagnosis``."""
    return _from_sklearn("load_breast_cancer", target="diagnosis")


def _wine() -> pa.Table:
    """Return 178 wines of three cultivars, target ``cultivar``."""
    return _from_sklearn("load_wine", target="cultivar")


def _iris() -> pa.Table:
    """Return 150 irises of three species, target ``species``."""
    return _from_sklearn("load_iris", target="species")


def _from_sklearn(loader: str, *, target: str) -> pa.Table:
    """Return a table that scikit-learn bundles, labels by their names."""
    from sklearn import datasets  # noqa: PLC0415 -- a second and a half, for these examples alone

    bunch = getattr(datasets, loader)()
    names = [str(name).replace(" (cm)", "").replace(" ", "_") for name in bunch.feature_names]
    columns = {name: pa.array(bunch.data[:, i]) for i, name in enumerate(names)}
    labels = pa.array([str(bunch.target_names[code]) for code in bunch.target])
    return pa.table({**columns, target: labels})


EXAMPLES: Mapping[str, Callable[[], pa.Table]] = {
    "breast_cancer": _breast_cancer,
    "churn": make_churn,
    "wine": _wine,
    "iris": _iris,
}
EXAMPLE_TARGETS: Mapping[str, str] = {
    "breast_cancer": "diagnosis",
    "churn": "churned",
    "wine": "cultivar",
    "iris": "species",
}
SOURCE = ExampleSource()
