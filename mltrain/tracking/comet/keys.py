"""The key of a run's experiment, the same whoever asks for it and however often.

A request that the server takes only after its sender died, an archive that is uploaded by hand and the next
``mltrain runs sync`` then meet one experiment.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from mltrain.tracking.training import RUN_ID


def experiment_key(tags: Mapping[str, str]) -> str:
    """Return the key that belongs to a run's id; a run without an id gets one that nobody has."""
    run_id = tags.get(RUN_ID)
    return (uuid.uuid4() if run_id is None else uuid.uuid5(uuid.NAMESPACE_URL, f"mltrain:{run_id}")).hex
