"""What every command is told: the options that all of them take, and what follows from them.

`command` turns a plain function into a Typer command that has these options too. The function gets one
`Invocation`, returns a result record, and never prints.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from mltrain.errors import UsageError
from mltrain.events import Listener, ignore

if TYPE_CHECKING:  # these bring pydantic, which printing help does without
    from mltrain.config import Config
    from mltrain.workspace import Workspace

DEFAULT_CONFIG = "mltrain.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """One call of one command.

    Attributes
    ----------
    command : str
        Its name, such as ``train`` or ``runs ls``.
    config_path : Path
        The config file; it need not exist.
    overrides : tuple of str
        ``key.path=value`` of each ``--set``.
    verbosity : int
        -1 with ``-q``, else how often ``-v`` was given.
    listener : callable
        Takes progress events.
    """

    command: str
    config_path: Path = Path(DEFAULT_CONFIG)
    overrides: tuple[str, ...] = ()
    as_json: bool = False
    verbosity: int = 0
    debug: bool = False
    listener: Listener = ignore

    @property
    def workspace(self) -> Workspace:
        """The workspace is the current directory."""
        from mltrain.workspace import Workspace  # noqa: PLC0415 - see above

        return Workspace(root=Path.cwd())

    @property
    def has_config(self) -> bool:
        """Whether a config file is there, or was asked for by name."""
        return self.config_path.exists() or self.config_path != Path(DEFAULT_CONFIG)

    def load_config(self, *, require_data: bool = True) -> Config:
        """Read the config file and apply the overrides.

        Raises
        ------
        mltrain.errors.ConfigError
            The file is missing or wrong, or an override is.
        """
        from mltrain.config.loading import load  # noqa: PLC0415 - see above

        return load(self.config_path, overrides=self.overrides, require_data=require_data)


Config_ = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="Config file.")]
Set_ = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Override one config key, such as train.n_folds=3."),
]
Json_ = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Verbose_ = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice for everything.")]
Quiet_ = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result.")]
Debug_ = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
_SHARED: tuple[tuple[str, Any, object], ...] = (
    ("config", Config_, Path(DEFAULT_CONFIG)),
    ("set_", Set_, ()),
    ("json_", Json_, False),
    ("verbose", Verbose_, 0),
    ("quiet", Quiet_, False),
    ("debug", Debug_, False),
)


def command(function: Callable[..., object]) -> Callable[..., int]:
    """Give a function the options that every command has, and return what Typer runs.

    Parameters
    ----------
    function : callable
        Takes an `Invocation` first, then its own options; returns a result record.

    Returns
    -------
    callable
        Returns the exit code.
    """
    hints = get_type_hints(function, include_extras=True)
    own = [p.replace(annotation=hints[p.name]) for p in inspect.signature(function).parameters.values()][1:]

    @functools.wraps(function)
    def run(context: typer.Context, **options: Any) -> int:
        name = context.command_path.partition(" ")[2]
        shared = {key: options.pop(key) for key, _, _ in _SHARED}
        return _run(_invocation(name, shared), functools.partial(function, **options))

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("context", keyword, annotation=typer.Context)]
    parameters += [p.replace(kind=keyword) for p in own]
    parameters += [inspect.Parameter(k, keyword, annotation=a, default=d) for k, a, d in _SHARED]
    run.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _invocation(name: str, shared: dict[str, Any]) -> Invocation:
    """Return the record of a call from the values of the shared options."""
    if shared["quiet"] and shared["verbose"]:
        raise UsageError("-q and -v exclude each other")
    return Invocation(
        command=name,
        config_path=shared["config"],
        overrides=tuple(shared["set_"]),
        as_json=shared["json_"],
        verbosity=-1 if shared["quiet"] else shared["verbose"],
        debug=shared["debug"],
    )


def _run(call: Invocation, function: Callable[[Invocation], object]) -> int:
    """Run a command with its progress shown, then show its result."""
    from mltrain.console import boundary, document, logs, output, progress  # noqa: PLC0415 - printing help does without

    logs.configure(call.verbosity, call.workspace.log)
    with output.reserved_stdout(), progress.shown(call.verbosity) as listener:
        try:
            result = function(dataclasses.replace(call, listener=listener))
        except KeyboardInterrupt as stopped:  # Typer would leave without a word
            raise boundary.interruption(stopped, command=call.command) from stopped
    output.show(call.command, result, as_json=call.as_json)
    return document.exit_code(result)
