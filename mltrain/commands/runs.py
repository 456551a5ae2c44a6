"""`mltrain runs`: the leaderboard, one run, runs side by side, and sending what is still spooled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mltrain.config import Config
from mltrain.errors import DataError, NoRunError, UsageError
from mltrain.leaderboard import Standing, order
from mltrain.metrics import BUILT_IN, resolve
from mltrain.tracking import RunInfo
from mltrain.tracking.sender import sync as send_all
from mltrain.tracking.session import tracker_settings
from mltrain.tracking.standings import Trackers, list_standings, open_trackers
from mltrain.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsListResult:
    """Recent runs, best first within each metric and data set, newest data first."""

    runs: tuple[Standing, ...]
    answered: str
    warnings: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsShowResult:
    """One run: its standing, what the tracker holds, and the best trial as the local record has it."""

    run: Standing
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    directory: Path
    is_local: bool
    evaluated: bool
    answered: str
    warnings: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing in which runs differ; ``values`` stand in the order of the runs, None where a run lacks it."""

    name: str
    values: tuple[str | float | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsCompareResult:
    """Runs side by side: their scores, and the parameters in which they differ."""

    runs: tuple[Standing, ...]
    metrics: tuple[Difference, ...]
    params: tuple[Difference, ...]
    answered: str
    warnings: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsSyncResult:
    """What the tracker holds now, by run id."""

    tracker: str
    synced: tuple[str, ...]
    pending: tuple[str, ...]
    urls: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """6 when something could not be sent."""
        return 6 if self.pending else 0
