"""What a training run leaves on disk besides its model: the record, the trials, the held-out confusion.

The record says how the kept model can be made again without searching: the config as it was, and each trial whose
models are in it, with parameters, seed, threads, rounds, scores and its share of the vote.
"""

from __future__ import annotations

from mltrain.record.parts import Part, parts_of
from mltrain.record.reading import RunRecord, read_run
from mltrain.record.writing import FORMAT, RECORD, RunFacts, confusion, run_record, trials_table, write_run

__all__ = [
    "FORMAT",
    "RECORD",
    "Part",
    "RunFacts",
    "RunRecord",
    "confusion",
    "parts_of",
    "read_run",
    "run_record",
    "trials_table",
    "write_run",
]
