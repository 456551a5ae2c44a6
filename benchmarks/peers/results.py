"""The journal's lines, looked up by set, split, contestant and budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers.journal import Key, Line, key_of
from benchmarks.peers.roster import ROSTER


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """All lines of a journal, each key once."""

    lines: dict[Key, Line]

    @property
    def sets(self) -> list[str]:
        """Return the data sets, small ones first."""
        sizes = {key.set: line["n_train"] for key, line in self.lines.items()}
        return sorted(sizes, key=lambda name: sizes[name])

    @property
    def budgets(self) -> list[float]:
        """Return the budgets in seconds, short ones first."""
        return sorted({key.budget_s for key in self.lines})

    def contestants(self, budget_s: float | None = None) -> list[str]:
        """Return who took part (under a budget), in the order of the roster."""
        present = {key.contestant for key in self.lines if budget_s in (None, key.budget_s)}
        return [contestant.name for contestant in ROSTER if contestant.name in present]

    def splits(self, name: str) -> list[int]:
        """Return the splits of a data set."""
        return sorted({key.split for key in self.lines if key.set == name})

    def line(self, name: str, split: int, contestant: str, budget_s: float) -> Line | None:
        """Return a line, or None where nothing was run."""
        return self.lines.get(Key(name, split, contestant, budget_s))

    def of(self, contestant: str, budget_s: float, name: str | None = None) -> list[Line]:
        """Return the lines of a contestant under a budget, of one data set or of all."""
        return [
            line
            for key, line in self.lines.items()
            if key.contestant == contestant and key.budget_s == budget_s and name in (None, key.set)
        ]

    def main_metric(self, name: str) -> str:
        """Return what contestants were asked to optimise on a data set."""
        n_classes = next(line["n_classes"] for key, line in self.lines.items() if key.set == name)
        return "roc_auc" if n_classes == 2 else "log_loss"


def gather(lines: Sequence[Line]) -> Results:
    """Return the lines by key."""
    return Results(lines={key_of(line): line for line in lines})


def score_of(line: Line | None, metric: str) -> float | None:
    """Return a line's score, or None where the contestant failed or did not run."""
    return line["scores"][metric] if line is not None and line["status"] == "ok" else None
