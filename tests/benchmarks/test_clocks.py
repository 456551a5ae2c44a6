"""The clocks of the profile are put around functions by their names, which change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PUT_ALL = """
from stopwatch import Stopwatch
from where_time_goes_clocks import Phases, _wrap_all
_wrap_all(Stopwatch(), Phases(started=0.0))
"""


def test_every_function_that_is_clocked_is_there() -> None:
    ended = subprocess.run([sys.executable, "-c", PUT_ALL], cwd=BENCHMARKS, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
