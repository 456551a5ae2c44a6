"""Every registered family keeps the contract."""

from __future__ import annotations

import pytest

from mltrain import plugins
from mltrain.models import ModelFamily
from mltrain.testing.model_family import ModelFamilyContract


class TestRegisteredFamilies(ModelFamilyContract):
    @pytest.fixture(params=plugins.names("models"))
    def family(self, request: pytest.FixtureRequest) -> ModelFamily:
        family: ModelFamily = plugins.load("models", request.param)
        assert family.name == request.param
        return family
