"""The error boundary: every way a command can end becomes an exit code and one short block for the user.

The broad ``except`` that ends the program stands here; others only guard or carry over.
"""

from __future__ import annotations

import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from mltrain.errors import EnvironmentRefusal, Interrupted, MltrainError, UsageError

_ClickError: Any = typer.BadParameter.__mro__[2]  # Typer keeps its own Click private
_PLAIN_WORDS = (
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"Input should be a valid integer.*", "wants a whole number"),
    (r"Input should be a valid number.*", "wants a number"),
    (r"\S+ is not in the range x>=(\S+)", r"must be at least \1"),
    (r"'[^']*' is not a valid (?:int|integer)\b.*", "wants a whole number"),
    (r"requires an argument", "wants a value"),
)
_KEPT = "everything finished so far is kept; the same command (without --fresh) goes on from there"
_KEPT_BEFORE = "what earlier commands finished is kept; the same command begins again"
_RESUMED = ("train", "run")


class Terminated(KeyboardInterrupt):
    """The system asked us to stop; no error, so that nothing that handles errors on the way handles it."""


def interruption(cause: BaseException, *, command: str) -> Interrupted:
    """Return the error that tells of Ctrl-C or of a request to terminate, and what running the command again does."""
    hint = _KEPT if command in _RESUMED else _KEPT_BEFORE
    error = Interrupted(str(cause) if isinstance(cause, Terminated) else "interrupted", hint=hint)
    error.__cause__ = cause
    return error


def guarded(action: Callable[[], object], argv: Sequence[str], *, command: str) -> int:
    """Run an action and return the exit code, after telling the user of any error.

    Parameters
    ----------
    action : callable
        Returns an exit code, or nothing for 0.
    argv : sequence of str
        The command line, without the program's name; tells ``--json`` and ``--debug``.
    command : str
        Name of the command for the JSON document.
    """
    try:
        with _termination_interrupts():
            return int(action() or 0)  # type: ignore[call-overload, no-any-return]
    except MltrainError as error:
        trouble: BaseException = error
    except (Terminated, KeyboardInterrupt, typer.Abort) as error:
        trouble = interruption(error, command=command)
    except MemoryError as error:
        hint = "use a smaller table, fewer models at once (train.n_jobs), or a larger machine"
        trouble = _chained(EnvironmentRefusal("not enough memory", hint=hint), error)
    except OSError as error:
        trouble = _refusal(error) or error
    except Exception as error:  # noqa: BLE001 - this is the boundary
        trouble = _usage_error(error) or error
    _tell(trouble, argv, command=command)
    return trouble.exit_code if isinstance(trouble, MltrainError) else MltrainError.exit_code


def _tell(error: BaseException, argv: Sequence[str], *, command: str) -> None:
    """Put the error on stderr, and under ``--json`` the document on stdout."""
    from mltrain.console import output  # noqa: PLC0415 - printing help does without
    from mltrain.redaction import without_secrets  # noqa: PLC0415 - the same

    with suppress(BrokenPipeError):
        if "--debug" in argv:
            sys.stderr.write(without_secrets("".join(traceback.format_exception(error))))
        sys.stderr.write(_broken(_block(error, argv)))
        sys.stderr.flush()
    if "--json" in argv:
        output.show(command, error, as_json=True)


def _block(error: BaseException, argv: Sequence[str]) -> str:
    """Return what the user reads: what is wrong, where, what to do."""
    from mltrain.console.crash import write_crash_log  # noqa: PLC0415 - needed when all else failed
    from mltrain.redaction import without_secrets  # noqa: PLC0415 - printing help does without
    from mltrain.workspace import Workspace  # noqa: PLC0415 - the same

    if isinstance(error, MltrainError):
        lines = [f"error: {_indented(error.message)}"]
        lines += [f"  where: {_indented(error.where)}"] if error.where else []
        lines += [f"  hint: {_indented(error.hint)}"] if error.hint else []
    else:
        lines = [f"error: a fault of mltrain: {type(error).__name__}: {' '.join(str(error).split())}"]
    if not isinstance(error, MltrainError) or error.exit_code == MltrainError.exit_code:
        place = write_crash_log(error, argv, Workspace(root=Path()).crash_logs)
        lines += [f"  crash log: {place}"] if place else []
    return without_secrets("\n".join(lines)) + "\n"


def _broken(block: str) -> str:
    """Return the block with its lines broken between words where a terminal would break them anywhere."""
    if not sys.stderr.isatty():
        return block
    from rich.console import Console  # noqa: PLC0415 - printing help does without

    from mltrain.console.wrapping import wrapped  # noqa: PLC0415 - brings Rich

    return "\n".join(wrapped(block, Console(stderr=True).width, hanging=4))


def _indented(text: str) -> str:
    """Return text whose further lines are set under the first."""
    return text.replace("\n", "\n    ")


def _chained(error: MltrainError, cause: BaseException) -> MltrainError:
    """Return the error with its cause attached, for ``--debug``."""
    error.__cause__ = cause
    return error


def _refusal(error: OSError) -> MltrainError | None:
    """Return the error for a disk that said no to a writer outside our own."""
    from mltrain import files  # noqa: PLC0415 - printing help does without

    refused = files.refusal(error, Path(str(error.filename or Path.cwd())))
    return _chained(refused, error) if refused else None


def _usage_error(error: Any) -> MltrainError | None:
    """Return the error for a command line that Typer refused."""
    if not isinstance(error, _ClickError):
        return None
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "mltrain"
    message = _plain(error.format_message().strip().removesuffix("."))
    return _chained(UsageError(message[:1].lower() + message[1:], hint=f"{path} --help"), error)


def _plain(message: str) -> str:
    """Return what a library found wrong with an option in plain words."""
    for pattern, words in _PLAIN_WORDS:
        message = re.sub(pattern, words, message)
    return message


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """Turn a request to terminate into an exception, which unwinds and cleans up as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Leave whatever is running."""
    del frame
    raise Terminated(f"stopped by {signal.Signals(number).name}")
