"""What users may import; a change here is a change they must be told of."""

from __future__ import annotations

import inspect

import pytest

import mltrain

SURFACE = [
    "Workspace",
    "__version__",
    "evaluate",
    "load_config",
    "load_model",
    "predict",
    "register",
    "reproduce",
    "run",
    "select",
    "split",
    "train",
    "tune",
]


def test_the_surface_is_what_it_is() -> None:
    assert sorted(mltrain.__all__) == SURFACE
    assert dir(mltrain) == SURFACE


@pytest.mark.parametrize("name", [name for name in SURFACE if name != "__version__"])
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(mltrain, name)

    assert callable(value)
    assert inspect.getdoc(value)


@pytest.mark.parametrize("name", ["split", "train", "evaluate", "register", "predict", "reproduce", "run"])
def test_commands_take_config_and_workspace_and_the_rest_by_name(name: str) -> None:
    first, second, *rest = inspect.signature(getattr(mltrain, name)).parameters.values()

    assert [first.name, second.name] == ["config", "workspace"]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in rest)


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'orchestrate'"):
        mltrain.orchestrate  # noqa: B018
