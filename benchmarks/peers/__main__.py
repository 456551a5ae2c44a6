"""`python -m benchmarks.peers run` fills the journal, `python -m benchmarks.peers report` makes tables of it.

python -m benchmarks.peers run --data ../shared/data --budget 60 --splits 3
python -m benchmarks.peers run --data ../shared/data --budget 15 240 --splits 3 --only mltrain
python -m benchmarks.peers report > benchmarks/results/peers-2026-11-23.md
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.peers import contest as contests
from benchmarks.peers.contest import Contest, compete
from benchmarks.peers.datasets import DEFAULT
from benchmarks.peers.environments import DEFAULT_FOLDER, make_environments, warm_up
from benchmarks.peers.journal import Key, Line, append, keys_done, read_journal
from benchmarks.peers.place import commit, machine
from benchmarks.peers.roster import BY_NAME, ROSTER
from benchmarks.peers.splits import write_split

JOURNAL = contests.ROOT / "benchmarks" / "results" / "peers.jsonl"


def main() -> None:
    """Run or report."""
    arguments = _parser().parse_args()
    arguments.act(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Let all contestants compete, set by set and split by split, each in turn."""
    chosen = [BY_NAME[name] for name in arguments.only]
    interpreters = make_environments(
        {c.environment.name: c.environment for c in chosen}.values(), arguments.environments
    )
    for contestant in chosen:
        warm_up(interpreters[contestant.environment.name], contestant.modules)
    work = arguments.work.expanduser()
    contest = Contest(
        folder=work / "runs",
        cores=arguments.cores,
        machine=machine(),
        commit=commit(contests.ROOT),
        keeps_folders=arguments.keep,
    )
    done = keys_done(arguments.journal, again=arguments.again)
    for name in arguments.sets:
        for seed in range(arguments.first_split, arguments.first_split + arguments.splits):
            split = write_split(name, seed, data=arguments.data, folder=work / "splits")
            for budget_s in arguments.budget:
                for contestant in chosen:
                    if Key(name, seed, contestant.name, budget_s) in done:
                        continue
                    line = compete(
                        contestant,
                        split,
                        interpreter=interpreters[contestant.environment.name],
                        budget_s=budget_s,
                        contest=contest,
                    )
                    append(arguments.journal, line)
                    print(summary(line), file=sys.stderr, flush=True)


def report(arguments: argparse.Namespace) -> None:
    """Print the report."""
    from benchmarks.peers.reporting import render

    print(render(read_journal(arguments.journal)))


def summary(line: Line) -> str:
    """Return one line about one run."""
    head = f"{line['set']:>14} {line['split']} {line['contestant']:<15} {line['budget_s']:>5g} s"
    if line["status"] != "ok":
        return f"{head}  {line['status']}: {line['reason'].splitlines()[-1] if line['reason'] else ''}"
    scores = "  ".join(f"{name} {value:.4f}" for name, value in line["scores"].items())
    return f"{head}  wall {line['wall_s']:6.1f}  {scores}  {line['peak_training_mb']:.0f} MB"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(required=True)
    runner = actions.add_parser("run", help="fill the journal")
    names = [contestant.name for contestant in ROSTER]
    runner.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    runner.add_argument("--sets", nargs="+", default=list(DEFAULT), metavar="NAME", help=", ".join(DEFAULT))
    runner.add_argument("--splits", type=int, default=3, metavar="N", help="splits per data set")
    runner.add_argument("--first-split", type=int, default=0, metavar="N", help="number, and seed, of the first one")
    runner.add_argument("--budget", "--budgets", nargs="+", type=float, default=[60.0], metavar="SECONDS")
    runner.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    runner.add_argument("--again", nargs="+", choices=names, default=[], metavar="NAME", help="run these once more")
    runner.add_argument("--cores", type=int, default=2, metavar="N")
    runner.add_argument("--environments", type=Path, default=DEFAULT_FOLDER, metavar="FOLDER")
    runner.add_argument("--work", type=Path, default=Path("~/.cache/mltrain-bench"), metavar="FOLDER")
    runner.add_argument("--keep", action="store_true", help="keep the folders of the runs")
    runner.add_argument("--journal", type=Path, default=JOURNAL)
    runner.set_defaults(act=run)
    reporter = actions.add_parser("report", help="print the tables")
    reporter.add_argument("journal", type=Path, nargs="?", default=JOURNAL)
    reporter.set_defaults(act=report)
    return parser


if __name__ == "__main__":
    main()
