"""A config as YAML text that loads to the same config, as plain values, and its hash; secrets are masked in all."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from mltrain.config.sections import Config
from mltrain.redaction import redacted


class _Representer(RoundTripRepresenter):
    """Writes null as a word: an empty place reads as an oversight."""

    def represent_null(self, value: None) -> ScalarNode:
        """Return the node of None."""
        del value
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_null)


def to_yaml(config: Config, *, only_set: bool = False) -> str:
    """Return the config as YAML.

    Parameters
    ----------
    config : Config
        What is to be written.
    only_set : bool
        Leave out keys that nobody set; otherwise all keys, defaults included.

    Returns
    -------
    str
        YAML 1.2 that loads to an equal config, but for secrets, which are masked.
    """
    yaml = YAML(typ="rt", pure=True)
    yaml.Representer = _Representer
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_lists(redacted(config.model_dump(exclude_unset=only_set))), stream)
    return stream.getvalue()


def to_values(config: Config) -> dict[str, Any]:
    """Return the config as nested dicts of JSON values, defaults included; dates are ISO text, secrets masked."""
    return redacted(config.model_dump(mode="json"))


def config_hash(config: Config) -> str:
    """Return the SHA-256 (hexadecimal) of all values but secrets, in whatever order and style they were written."""
    text = json.dumps(to_values(config), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _lists(value: Any) -> Any:
    """Replace tuples by lists, which YAML has."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(inner) for inner in value]
    return value
