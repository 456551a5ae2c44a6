"""The errors that a user may see, and the exit code of each.

::

    MltrainError            1   a fault of ours
    ├── UsageError          2   a wrong option, config or plug-in
    │   ├── ConfigError         the YAML file or a --set
    │   └── PluginError         a name nobody provides, a missing extra
    ├── DataError           3   the rows, columns or files handed in
    │   └── SchemaError         a table that does not fit the model
    ├── NoRunError          5   no usable run or model was found
    ├── EnvironmentRefusal  6   disk, memory, network, credentials
    │   └── TrackerError        the experiment tracker refused or lost something
    └── Interrupted       130   the user or the system asked us to stop

A verdict that said no (exit code 4) is a decision, not an error: the result record of the command carries it.
"""

from __future__ import annotations


class MltrainError(Exception):
    """Say what is wrong, where, and what to do about it.

    Parameters
    ----------
    message : str
        What happened and the value that caused it; lower case, no full stop.
    where : str, optional
        ``file:line`` and key path, or file, column and row.
    hint : str, optional
        What to do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class UsageError(MltrainError):
    """An option, the config or a plug-in cannot be used as asked."""

    exit_code = 2


class ConfigError(UsageError):
    """The config file or an override is wrong."""


class PluginError(UsageError):
    """A named plug-in does not exist, cannot be loaded or lacks its extra."""


class DataError(MltrainError):
    """The data handed in cannot be used."""

    exit_code = 3


class SchemaError(DataError):
    """A table does not have the columns or types that a model needs."""


class NoRunError(MltrainError):
    """No usable run or model was found."""

    exit_code = 5


class EnvironmentRefusal(MltrainError):
    """Disk, memory, network or credentials said no."""

    exit_code = 6


class TrackerError(EnvironmentRefusal):
    """The experiment tracker refused a request or is known to have lost something."""


class Interrupted(MltrainError):
    """The user or the system asked to stop; what was finished is kept."""

    exit_code = 130
