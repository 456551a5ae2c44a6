"""Later rows against those of training, column by column: a small profile kept with the model, and what differs."""

from __future__ import annotations

from mltrain.drift.counting import Tally
from mltrain.drift.profile import Profile, fit_profile, profile_from_dict, profile_to_dict
from mltrain.drift.stability import ColumnDrift, column_drifts

__all__ = ["ColumnDrift", "Profile", "Tally", "column_drifts", "fit_profile", "profile_from_dict", "profile_to_dict"]
