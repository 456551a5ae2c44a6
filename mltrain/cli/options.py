"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from mltrain.budget import parse_duration


def _duration(text: str) -> float:
    """Return seconds, or refuse the option."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Data = Annotated[str | None, typer.Argument(metavar="[DATA]", help="File, folder, glob, URL or database.")]
Target = Annotated[str | None, typer.Option("--target", "-t", metavar="COLUMN", help="Column to predict.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse what the audit calls a warning or severe.")]
Models = Annotated[
    list[str], typer.Option("--model", "-m", metavar="NAME", help="Train this model; repeat for several.")
]
MaxTrials = Annotated[int | None, typer.Option(min=1, metavar="N", help="Trials per model, earlier ones included.")]
Timeout = Annotated[
    float | None, typer.Option(parser=_duration, metavar="TIME", help="Time per model, such as 180s or 10m.")
]
Budget = Annotated[
    float | None,
    typer.Option(parser=_duration, metavar="TIME", help="Time until the last model is saved, such as 10m."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget earlier trials of these studies.")]
RunOption = Annotated[str | None, typer.Option("--run", metavar="ID", help="Id of a run or of a session.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Registered model; by default the config's.")]
