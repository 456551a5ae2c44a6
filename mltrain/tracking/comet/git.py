"""The git state in Comet's own fields: commit, branch and remote, and the patch, as the client itself would send them.

The client's own collecting is off, because it sends the remote with its token and walks the whole history. What is
sent here is the recorded state. It is also there as values and as a file, so a client that takes it no longer costs a
line in the log.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mltrain.tracking.comet.environment import import_comet
from mltrain.tracking.training import GIT_BRANCH, GIT_COMMIT, GIT_REMOTE

logger = logging.getLogger(__name__)

_MEMBER = "git_diff.patch"  # the name that the service looks for


def log_state(experiment: Any, tags: Mapping[str, str]) -> None:
    """Fill the fields from the tags of a run, when they tell of a commit."""
    if GIT_COMMIT not in tags:
        return
    remote = tags.get(GIT_REMOTE)
    known = {
        "user": None,
        "root": None,
        "branch": tags.get(GIT_BRANCH),
        "parent": tags[GIT_COMMIT],
        "status": None,
        "origin": remote,
        "repo_name": remote.rstrip("/").rpartition("/")[2].removesuffix(".git") if remote else None,
    }
    comet = import_comet()
    try:
        experiment._enqueue_message(comet.messages.GitMetadataMessage.create(context=None, git_metadata=known))
    except (AttributeError, TypeError) as error:
        logger.warning("this client of comet does not take the git state: %s", error)


def log_patch(experiment: Any, path: Path) -> None:
    """Send a patch as what Comet shows beside the commit."""
    comet = import_comet()
    try:
        packed = Path(experiment.tmpdir) / f"{path.name}.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, _MEMBER)
        processor = comet.file_uploader.GitPatchUploadProcessor(
            comet.file_uploader.TemporaryFilePath(str(packed)),
            experiment.asset_upload_limit,
            url_params=None,
            metadata=None,
            copy_to_tmp=False,
            error_message_identifier=None,
            tmp_dir=experiment.tmpdir,
            critical=False,
        )
        message = processor.process()
        if message is not None:
            experiment._enqueue_message(message)
    except (AttributeError, TypeError) as error:
        logger.warning("this client of comet does not take the patch: %s", error)
