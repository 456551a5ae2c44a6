"""From a conformed table to an encoded view of X: fitted once on rows that training may see, blind to the target.

An `Encoder` is a list of declared features, so it is stored as JSON and read back without running anything. Feature
selection is the only part that looks at the target; it sees the training rows of one fold alone.
"""

from __future__ import annotations

from mltrain.preprocessing.document import encoder_from_dict, encoder_to_dict
from mltrain.preprocessing.encoding import encode
from mltrain.preprocessing.features import Encoder
from mltrain.preprocessing.fitting import fit_encoder
from mltrain.preprocessing.selection import select_features

__all__ = ["Encoder", "encode", "encoder_from_dict", "encoder_to_dict", "fit_encoder", "select_features"]
