"""The command line: parse, call a command, hand its result to the console.

Printing help imports Typer and the standard library alone; what a command needs is imported in its body.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NoReturn

import typer

from mltrain._version import __version__
from mltrain.cli import records, steps
from mltrain.console.boundary import guarded

_PROGRAM = "From a table of labelled rows to a registered champion classifier: split, train, evaluate, register."
_EPILOG = "Exit codes: 0 done, 2 usage, 3 data, 4 a verdict said no, 5 no run or model, 6 environment, 130 interrupted."
_COMMANDS: Mapping[str, Callable[..., int]] = {
    "init": steps.init,
    "split": steps.split,
    "train": steps.train,
    "evaluate": steps.evaluate,
    "register": steps.register,
    "run": steps.run,
    "predict": steps.predict,
    "reproduce": records.reproduce,
    "plugins": records.plugins,
    "doctor": records.doctor,
}
_GROUPS: Mapping[str, tuple[str, Mapping[str, Callable[..., int]]]] = {  # the first command of each is its default
    "runs": (
        "Show, compare and send runs.",
        {
            "ls": records.runs_ls,
            "show": records.runs_show,
            "compare": records.runs_compare,
            "sync": records.runs_sync,
        },
    ),
    "registry": (
        "Show, check and roll back registered models.",
        {
            "ls": records.registry_ls,
            "show": records.registry_show,
            "rollback": records.registry_rollback,
            "pull": records.registry_pull,
            "verify": records.registry_verify,
        },
    ),
    "config": (
        "Check and show the config file.",
        {"check": records.config_check, "show": records.config_show, "schema": records.config_schema},
    ),
}
# Threads whose fits are over end within this.
_ENDING_S = 0.1
_VALUED = ("-c", "--config", "--set")  # shared options that take a value


def main(argv: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    # Threads of one fit wait for each other in a spin of microseconds, then asleep: GNU's default of 300,000 turns made
    # a fit on a busy machine twenty times as long; 3,000 cost a free one nothing.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    words = with_command_first(list(sys.argv[1:] if argv is None else argv))
    program = typer.main.get_command(app)
    action = lambda: program.main(words or ["--help"], prog_name="mltrain", standalone_mode=False)  # noqa: E731
    code = guarded(action, words, command=command_name(words))
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process; what was kept is on disk, so nobody waits for a fit that the clock could not stop."""
    gc.freeze()  # the last collection would visit every object of the libraries: half a second for nothing
    fits = [thread for thread in threading.enumerate() if thread.name.startswith("mltrain-fit")]
    end = time.monotonic() + _ENDING_S
    for thread in fits:
        thread.join(max(0.0, end - time.monotonic()))
    if any(thread.is_alive() for thread in fits):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def with_command_first(words: Sequence[str]) -> list[str]:
    """Return the command line with leading options moved behind the command, and default commands added.

    Examples
    --------
    >>> with_command_first(["-c", "a.yaml", "runs"])
    ['runs', 'ls', '-c', 'a.yaml']
    """
    start = 0
    while start < len(words) and words[start].startswith("-") and words[start] not in ("--help", "-h", "--version"):
        start += 2 if words[start] in _VALUED else 1
    leading, rest = list(words[:start]), list(words[start:])
    if not rest or rest[0].startswith("-"):
        return leading + rest
    if rest[0] not in _GROUPS:
        return [rest[0], *leading, *rest[1:]]
    members = _GROUPS[rest[0]][1]
    if len(rest) == 1 or (rest[1].startswith("-") and rest[1] not in ("--help", "-h")):
        rest.insert(1, next(iter(members)))
    return [*rest[:2], *leading, *rest[2:]]


def command_name(words: Sequence[str]) -> str:
    """Return the name of the command that a command line asks for, empty without one."""
    if not words or words[0].startswith("-"):
        return ""
    return " ".join(words[:2]) if words[0] in _GROUPS and len(words) > 1 else words[0]


def _program() -> typer.Typer:
    """Return the whole program."""
    program = _group(_PROGRAM, epilog=_EPILOG)
    program.callback()(_options)
    for name, function in _COMMANDS.items():
        program.command(name)(function)
    for name, (text, members) in _GROUPS.items():
        group = _group(f"{text} Alone: {next(iter(members))}.")
        for member, function in members.items():
            group.command(member)(function)
        program.add_typer(group, name=name)
    return program


def _group(text: str, *, epilog: str | None = None) -> typer.Typer:
    """Return an empty group of commands, drawn without Rich."""
    return typer.Typer(
        help=text,
        epilog=epilog,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )


def _show_version(value: bool) -> None:
    """Print the version and leave."""
    if value:
        typer.echo(f"mltrain {__version__}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


app = _program()
