"""Feast in a process of its own: what becomes of one that does not answer."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from mltrain.data.feast.process import Request, ask
from mltrain.errors import EnvironmentRefusal


def test_a_store_that_does_not_answer_in_time_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 100\n")
    python.chmod(0o700)
    monkeypatch.setenv("MLTRAIN_FEAST_PYTHON", str(python))
    request = Request(
        repo=str(tmp_path), features="churn", time="seen", full_names=False, leave_out_late=False, timeout_s=0.5
    )
    started = time.monotonic()

    with pytest.raises(EnvironmentRefusal, match=r"did not answer within 0\.5 seconds") as caught:
        ask(request, pa.table({"customer": [1]}))

    assert time.monotonic() - started < 60
    assert caught.value.where == f"feature store {tmp_path}"
    assert "data.options.timeout_s" in str(caught.value.hint)
