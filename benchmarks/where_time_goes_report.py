"""The tables of `where_time_goes.py`, and the arithmetic behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LIBRARY = ("fit", "predict", "loss by round")
_OTHERS = "threads of nobody known"
_PROBE = "thread probe"
_NOBODY = ""
# The order of the rows; parts that are not named come behind.
_ORDER = (
    *LIBRARY,
    "rest of a fit",
    "copies of rows",
    "binning",
    "metric",
    "Optuna",
    _PROBE,
    "engine",
    "allotting cores",
    "running vote",
    "journal",
    "tracking",
    "console",
    "reading and conforming",
    "encoding",
    "vote",
    "calibration and threshold",
    "saving",
    "figures",
    "prediction speed",
)


@dataclass(kw_only=True)
class Profile:
    """One training under clocks.

    Attributes
    ----------
    wall_s : float
        From the start of the process to its end.
    parts : dict of (part, family) to seconds of processor time
        Refits included.
    refit_s : float
        What of it went into refits.
    phases : dict of phase to ``wall_s``, ``cpu_s`` and ``held_s``
    """

    name: str
    cores: int
    wall_s: float
    load: float
    parts: dict[tuple[str, str], float] = field(default_factory=dict)
    refit_s: float = 0.0
    phases: dict[str, dict[str, float]] = field(default_factory=dict)
    trials: dict[str, dict[str, int]] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, clocks: dict[str, Any], *, wall_s: float, total_s: float, load: float) -> Profile:
        """Return what the clocks of a process make; ``total_s`` is its processor time, children included."""
        found = cls(
            name=name,
            cores=clocks["cores"],
            wall_s=wall_s,
            load=load,
            phases=clocks["phases"],
            trials=clocks["trials"],
            threads=clocks["threads"],
        )
        seen_s = clocks["startup_s"] + clocks["main_s"] + clocks["workers_s"]
        unseen_s = max(clocks["process_s"] - seen_s, 0.0)
        weights = sum(entry[5] for entry in clocks["spent"])
        shared_s = min(unseen_s, weights)
        for stage, family, part, cpu_s, _, weight in clocks["spent"]:
            seconds = cpu_s + (shared_s * weight / weights if weights else 0.0)
            found.add(_PROBE if stage == "probe" else part, family, seconds)
            found.refit_s += seconds if stage == "refit" else 0.0
        found.add(_OTHERS, _NOBODY, unseen_s - shared_s)
        found.add("interpreter", _NOBODY, clocks["startup_s"])
        found.add("other processes", _NOBODY, clocks["children_s"])
        ended_s = sum(phase["wall_s"] for phase in clocks["phases"].values())
        leaving_s = max(total_s - clocks["process_s"] - clocks["children_s"], 0.0)
        found.add("leaving the process", _NOBODY, leaving_s)
        found.phases["leaving the process"] = {"wall_s": wall_s - ended_s, "cpu_s": leaving_s, "held_s": 0.0}
        return found

    def add(self, part: str, family: str, seconds: float) -> None:
        """Add seconds to a part."""
        self.parts[part, family] = self.parts.get((part, family), 0.0) + seconds

    def seconds(self, part: str, family: str | None = None) -> float:
        """Return the seconds of a part, of one family or in all."""
        return sum(s for (known, owner), s in self.parts.items() if known == part and family in (None, owner))

    @property
    def capacity_s(self) -> float:
        """Cores times wall clock."""
        return self.cores * self.wall_s

    @property
    def own_s(self) -> float:
        """The libraries' own work."""
        return sum(self.seconds(part) for part in LIBRARY)

    @property
    def busy_s(self) -> float:
        """All processor time."""
        return sum(self.parts.values())

    @property
    def idle_s(self) -> float:
        """Cores that no thread of the training was on."""
        return self.capacity_s - self.busy_s

    @property
    def held_s(self) -> float:
        """The part of the idle time in which a thread was ready and others had the core."""
        idle = [
            (self.cores * phase["wall_s"] - phase["cpu_s"], min(phase["held_s"], self.cores * phase["wall_s"]))
            for phase in self.phases.values()
        ]
        return sum(max(0.0, min(pair)) for pair in idle)


def families_of(profile: Profile) -> list[str]:
    """Return the families, the one that took longest first, and the ensemble last."""
    names = {family for _, family in profile.parts if family}
    totals = {name: sum(s for (_, owner), s in profile.parts.items() if owner == name) for name in names}
    return sorted(names, key=lambda name: (name == "ensemble", -totals[name]))


def summary(profiles: Sequence[Profile]) -> list[str]:
    """Return one row for each set."""
    lines = [
        "| data | wall s | own % | other % | idle % | of it held % | own of busy % | load before | trials |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in profiles:
        shares = [one.own_s, one.busy_s - one.own_s, one.idle_s, one.held_s]
        cells = [f"{100 * share / one.capacity_s:.1f}" for share in shares]
        trials = ", ".join(f"{name} {sum(states.values())}" for name, states in one.trials.items())
        lines.append(
            f"| {one.name} | {one.wall_s:.1f} | {' | '.join(cells)} | {100 * one.own_s / one.busy_s:.1f} "
            f"| {one.load:.1f} | {trials} |"
        )
    return lines


def profile_table(profile: Profile, families: Sequence[str]) -> list[str]:
    """Return seconds and shares by part, and by family."""
    known = list(_ORDER) + sorted({part for part, _ in profile.parts} - set(_ORDER), key=lambda p: -profile.seconds(p))
    lines = [
        "| seconds of processor time | all | % of cores x wall | " + " | ".join(families) + " |",
        "|---|---|---|" + "---|" * len(families),
    ]
    for part in known:
        if profile.seconds(part) >= 0.005:
            of_families = [_seconds(profile.seconds(part, family)) for family in families]
            lines.append(_row(part, profile.seconds(part), profile, of_families))
    blank = [""] * len(families)
    lines.append(_row("**own work of the libraries**", profile.own_s, profile, blank))
    lines.append(_row("**everything else**", profile.busy_s - profile.own_s, profile, blank))
    lines.append(_row("**idle, while others held the core**", profile.held_s, profile, blank))
    lines.append(_row("**idle**", profile.idle_s - profile.held_s, profile, blank))
    threads = ", ".join(f"{name} {n}" for name, n in profile.threads.items())
    states = "; ".join(
        f"{name} {', '.join(f'{n} {state}' for state, n in states.items())}" for name, states in profile.trials.items()
    )
    return [*lines, "", f"Refits took {profile.refit_s:.2f} s of it. Threads of a fit: {threads}. Trials: {states}."]


def phase_table(profile: Profile) -> list[str]:
    """Return how busy the cores were by phase of the training."""
    lines = [
        "| phase | wall s | cores busy | idle core-seconds | held by others at most |",
        "|---|---|---|---|---|",
    ]
    for name, phase in profile.phases.items():
        idle_s = profile.cores * phase["wall_s"] - phase["cpu_s"]
        busy = phase["cpu_s"] / max(phase["wall_s"], 1e-9)
        lines.append(f"| {name} | {phase['wall_s']:.2f} | {busy:.2f} | {idle_s:.2f} | {phase['held_s']:.2f} |")
    return lines


def _row(title: str, seconds: float, profile: Profile, of_families: Sequence[str]) -> str:
    share = 100 * seconds / profile.capacity_s
    return f"| {title} | {seconds:.2f} | {share:.1f} | {' | '.join(of_families)} |"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds >= 0.005 else ""
