"""Who takes part: the adapter, the environment it runs in and the packages whose versions are written down."""

from __future__ import annotations

from dataclasses import dataclass

PEERS_OWN = ("numpy", "pandas", "scikit-learn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A virtual environment and what is installed into it.

    Attributes
    ----------
    requirements : tuple of str
        Empty for the environment that the benchmark itself runs in.
    """

    name: str
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Contestant:
    """One contestant.

    Attributes
    ----------
    name : str
        Also the module below `benchmarks.peers.contestants`.
    title : str
        What tables call it.
    packages : tuple of str
        Distributions whose versions go into the journal.
    modules : tuple of str
        Imported once before the first run, so that nobody pays for a cold disk.
    starts_program : bool
        Its adapter starts the training as a program of its own: clock and memory are the program's, not the adapter's.
    """

    name: str
    title: str
    environment: Environment
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    starts_program: bool = False


OWN = Environment(name="mltrain")
PLAIN = Environment(name="lightgbm", requirements=("lightgbm", "optuna", "scikit-learn", "pandas", "pyarrow"))
FLAML = Environment(name="flaml", requirements=("flaml[automl]", "pyarrow"))
MLJAR = Environment(name="mljar", requirements=("mljar-supervised", "pyarrow"))
AUTOGLUON = Environment(name="autogluon", requirements=("autogluon.tabular[lightgbm,xgboost,catboost]", "pyarrow"))

ROSTER = (
    Contestant(
        name="mltrain",
        title="mltrain",
        environment=OWN,
        packages=("mltrain", "lightgbm", "xgboost", "catboost", "optuna", *PEERS_OWN),
        modules=("mltrain.commands.train", "lightgbm", "xgboost", "catboost"),
        starts_program=True,
    ),
    Contestant(
        name="autogluon",
        title="AutoGluon best",
        environment=AUTOGLUON,
        packages=("autogluon.tabular", "lightgbm", "xgboost-cpu", "catboost", *PEERS_OWN),
        modules=("autogluon.tabular", "lightgbm", "xgboost", "catboost"),
    ),
    Contestant(
        name="flaml",
        title="FLAML",
        environment=FLAML,
        packages=("flaml", "lightgbm", "xgboost", *PEERS_OWN),
        modules=("flaml", "lightgbm", "xgboost"),
    ),
    Contestant(
        name="mljar",
        title="mljar Compete",
        environment=MLJAR,
        packages=("mljar-supervised", "lightgbm", "xgboost", "catboost", *PEERS_OWN),
        modules=("supervised", "lightgbm", "xgboost", "catboost"),
    ),
    Contestant(
        name="one_hot_tpe",
        title="replaced method",
        environment=PLAIN,
        packages=("lightgbm", "optuna", *PEERS_OWN),
        modules=("lightgbm", "optuna", "sklearn.compose"),
    ),
    Contestant(
        name="plain_lightgbm",
        title="plain LightGBM",
        environment=PLAIN,
        packages=("lightgbm", *PEERS_OWN),
        modules=("lightgbm", "sklearn.compose"),
    ),
)
BY_NAME = {contestant.name: contestant for contestant in ROSTER}
