"""The sections of the config: frozen, typed, every key with a default but the data's source and target."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mltrain.config.names import family_name, metric_name, tracker_name
from mltrain.config.search_space import DimensionEntry

Scalar = str | int | float | bool | None
KindName = Literal["numeric", "boolean", "category", "date", "id", "dropped"]
FamilyName = Annotated[str, BeforeValidator(family_name)]
MetricName = Annotated[str, BeforeValidator(metric_name)]
TrackerName = Annotated[str, BeforeValidator(tracker_name)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """What all sections share."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())


class DataSection(Section):
    """Where the rows are and what the columns mean."""

    source: str | None = None
    """Parquet file, folder or glob; CSV file; or `example:breast_cancer`, `example:churn`. Required."""
    target: str | None = None
    """The column to predict. Required."""
    format: str | None = None
    """Name of the data source plug-in; by default the one that accepts `source`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the data source, such as `delimiter` for CSV."""
    test_source: str | None = None
    """An existing test file, instead of a held-out part of `source`."""
    positive_class: Scalar = None
    """The class to detect, of two; by default the rarer one."""
    columns: dict[str, KindName] = Field(default_factory=dict)
    """Kinds of single columns, where the inferred one is wrong."""
    id_columns: tuple[str, ...] = ()
    """Columns that name a row: never learnt from, carried along by `predict`."""
    drop: tuple[str, ...] = ()
    """Columns to ignore."""


class SplitSection(Section):
    """How rows are divided into train, validation, calibration and test."""

    kind: Literal["stratified", "random", "group", "time", "group_time"] = "stratified"
    """What the splits respect: class shares, nothing, whole groups, order in time, or groups and time."""
    group_column: str | None = None
    """The column whose values never sit on two sides (a customer)."""
    time_column: str | None = None
    """The column that orders rows in time."""
    key_column: str | None = None
    """A column that identifies a row: with it the split does not depend on the order of rows."""
    test_size: Fraction = 0.2
    """Share of rows for the test split; unused with `data.test_source`."""
    validation_size: Fraction | None = None
    """Share of rows for validation; 0.2, or 0.25 with `data.test_source`."""
    calibration_size: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of rows kept for calibration alone; 0 calibrates on held-out predictions of the search."""
    test_from: date | datetime | None = None
    """Cut-off of a time split: rows from this moment on are the test split."""
    validation_from: date | datetime | None = None
    """Cut-off of a time split: rows from this moment on, and before `test_from`, are validation."""


class PreprocessingSection(Section):
    """How columns become features."""

    min_variance: Annotated[float, Field(ge=0)] | None = 0.0
    """Encoded features whose variance (after scaling to [0, 1]) is not above this are left out; null keeps all."""
    select_features: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of features kept by importance, chosen inside each fold; null keeps all."""
    max_categories: Annotated[int, Field(ge=2)] = 1000
    """Levels kept of a category, the most frequent ones; the rest share one level."""
    date_parts: bool = True
    """Expand dates into year, month, day, weekday, hour and days; false keeps days alone."""


class TrainSection(Section):
    """The search and the tracker."""

    supported_models: tuple[FamilyName, ...] = ("logistic_regression", "random_forest", "lgbm", "xgboost")
    """Model families to train, by registered name or class name."""
    ensemble: bool = True
    """Build the voting ensemble when two families or more were trained."""
    max_search_iters: Annotated[int, Field(ge=1)] = 100
    """Trials per model."""
    model_opt_timeout_secs: Annotated[float, Field(gt=0)] = 180.0
    """Seconds per model, its final fit included."""
    experiment_tracker: TrackerName = "comet_ml"
    """`comet_ml`, `mlflow`, `local` or an installed plug-in."""
    tracker_options: dict[str, Scalar] = Field(default_factory=dict)
    """Settings of the tracker, such as `tracking_uri` for MLflow."""
    project_name: str = "mltrain"
    """Project (experiment) in the tracker."""
    workspace_name: str | None = None
    """Workspace in the tracker."""
    comparison_metric: MetricName | None = None
    """What models are compared by; by default ROC AUC for two classes and log loss for more."""
    fbeta_score_beta_val: Annotated[float, Field(gt=0)] = 1.0
    """Beta of the F-beta score."""
    deployment_score_thresh: float | None = None
    """What the test score must reach for deployment, in the metric's own direction; null: no threshold."""
    validation: Literal["auto", "kfold", "holdout"] = "auto"
    """K-fold below 20,000 training rows and a holdout above, or either by force."""
    n_folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Folds of k-fold validation."""
    final_fit: Literal["auto", "refit", "bag"] = "auto"
    """Average of the fold models (small data) or a refit on train + validation (large data)."""
    calibration: Literal["auto", "none", "sigmoid", "isotonic", "temperature"] = "auto"
    """How probabilities are calibrated; auto keeps the best method that helps on held-out predictions, or none."""
    class_weight: Literal["none", "balanced"] = "none"
    """Weigh classes equally while fitting."""
    n_jobs: Annotated[int, Field(ge=1)] | None = None
    """CPU cores to use; by default all that this process may use."""
    device: Literal["cpu", "gpu"] = "cpu"
    """Where LightGBM and XGBoost train."""
    trial_lag: Annotated[int, Field(ge=1, le=64)] = 8
    """Trial i is proposed knowing the results up to i - trial_lag; also the most trials in flight."""


class ModelSection(Section):
    """Settings of one model family."""

    params: dict[str, Scalar] = Field(default_factory=dict)
    """Fixed parameters: never searched."""
    search_space: dict[str, DimensionEntry] = Field(default_factory=dict)
    """Ranges that replace the shipped ones, by parameter."""


class EvaluateSection(Section):
    """How the champion is chosen and judged."""

    max_eval_experiments: Annotated[int, Field(ge=1)] = 50
    """Recent runs asked from the tracker."""
    n_bootstrap: Annotated[int, Field(ge=10)] = 1000
    """Resamples behind each confidence interval."""
    confidence: Fraction = 0.95
    """Level of the confidence intervals."""
    near_tie: Annotated[float, Field(ge=0)] = 0.0
    """Validation scores this close count as equal; then the simpler model wins."""
    figures: bool = True
    """Draw figures."""


class RegistrySection(Section):
    """Where the champion is registered and when a challenger may replace it."""

    name: str | None = None
    """Name of the registered model; by default `train.project_name`."""
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse than the champion a challenger may be at the upper end of the paired interval's bad side."""


class Config(Section):
    """Everything that drives mltrain."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 42
    """Reaches every random step."""
    data: DataSection = DataSection()
    split: SplitSection = SplitSection()
    preprocessing: PreprocessingSection = PreprocessingSection()
    train: TrainSection = TrainSection()
    models: Annotated[dict[FamilyName, ModelSection], Field(default_factory=dict)]
    """Settings by model family."""
    evaluate: EvaluateSection = EvaluateSection()
    registry: RegistrySection = RegistrySection()

    @model_validator(mode="after")
    def _splits_have_their_columns(self) -> Config:
        kind = self.split.kind
        if kind in ("group", "group_time") and self.split.group_column is None:
            raise ValueError(f"split.kind {kind} needs split.group_column")
        if kind in ("time", "group_time") and self.split.time_column is None:
            raise ValueError(f"split.kind {kind} needs split.time_column")
        return self
