"""The sections of the config: frozen, typed, every key with a default but the data's source and target."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AllowInfNan, BeforeValidator, Field, Strict, field_validator, model_validator

from mltrain.config.asof import AsofSection
from mltrain.config.consistency import (
    check_addresses,
    check_cut_offs,
    check_model_name,
    check_roles,
    check_sizes,
    check_split_columns,
    check_test_source,
    check_weights,
    checked_tags,
    refuse,
)
from mltrain.config.names import family_name, metric_name, tracker_name
from mltrain.config.search_space import DimensionEntry
from mltrain.config.section import Section

Scalar = str | int | float | bool | None
KindName = Literal["numeric", "boolean", "category", "date", "id", "dropped"]
FamilyName = Annotated[str, BeforeValidator(family_name), Field(examples=["lgbm", "LGBMClassifier"])]
MetricName = Annotated[str, BeforeValidator(metric_name), Field(examples=["roc_auc", "log_loss", "fbeta_score"])]
TrackerName = Annotated[str, BeforeValidator(tracker_name), Field(examples=["comet_ml", "mlflow", "local"])]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False)]
Fraction = Annotated[Number, Field(gt=0, lt=1)]
Tags = Annotated[dict[str, str], AfterValidator(checked_tags)]
Families = Annotated[
    tuple[FamilyName, ...], Field(min_length=1), AfterValidator(lambda names: tuple(dict.fromkeys(names)))
]


class DataSection(Section):
    """Where the rows are and what the columns mean."""

    source: str | None = None
    """File, folder, glob or URL of Parquet, CSV or Arrow IPC; a database; `delta:` table; `example:churn`. Required."""
    target: str | None = None
    """The column to predict. Required."""
    format: str | None = None
    """Name of the data source plug-in; by default the one that accepts `source`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the data source, such as `delimiter` for CSV or `query` for a database: see the plug-ins page."""
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
    weight_column: str | None = None
    """Column that says how much a row counts while models are fitted, 0 or more; never learnt from. Scores count every
    row once, and so do threshold and calibration."""
    asof: AsofSection | None = None
    """Dated tables joined to `source` as they stood at each row's time; see `data.asof` below."""
    known_ahead: tuple[str, ...] = ()
    """Dates that are known before they come (a due date): the audit does not ask why they are later than the label."""

    @model_validator(mode="after")
    def _no_secret_and_one_role_a_column(self) -> Self:
        check_addresses(source=self.source, test_source=self.test_source)
        check_test_source(self.source, self.test_source)
        check_roles(self.target, self.columns, ids=self.id_columns, drop=self.drop)
        check_weights(self.weight_column, self.target, self.columns)
        return self


class SplitSection(Section):
    """How rows are divided into train, validation, calibration and test."""

    kind: Literal["stratified", "random", "group", "time", "group_time", "hash"] = "stratified"
    """What the splits respect: class shares, nothing, whole groups, order in time, or groups and time; `hash` sends a
    row to a split by its `group_column`, or else its `key_column`, alone: it stays there when rows are appended."""
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
    calibration_size: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    """Share of rows kept for calibration alone, of which at most 20,000 are predicted for it; 0 calibrates on held-out
    predictions of the search."""
    test_from: date | datetime | None = None
    """Cut-off of a time split: rows from this moment on are the test split."""
    validation_from: date | datetime | None = None
    """Cut-off of a time split: rows from this moment on, and before `test_from`, are validation."""

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        check_split_columns(self.kind, group=self.group_column, time=self.time_column, key=self.key_column)
        check_cut_offs(self.kind, validation_from=self.validation_from, test_from=self.test_from)
        return self


class PreprocessingSection(Section):
    """How columns become features."""

    min_variance: Annotated[Number, Field(ge=0)] | None = 0.0
    """Encoded features whose variance (scaled to [0, 1]) is not above this are left out; null keeps all."""
    select_features: Annotated[Number, Field(gt=0, le=1)] | None = None
    """Share of features kept by importance, chosen inside each fold; null keeps all."""
    max_categories: Annotated[Whole, Field(ge=2)] = 1000
    """Levels kept of a category, the most frequent ones; the rest share one level."""
    date_parts: bool = True
    """Expand dates into year, month, day, weekday, hour and days; false keeps days alone."""


class TrainSection(Section):
    """The search and the tracker."""

    supported_models: Families = ("logistic_regression", "random_forest", "lgbm", "xgboost")
    """Model families to train, by registered name or class name."""
    ensemble: bool = True
    """Build the voting ensemble when two families or more were trained."""
    max_search_iters: Annotated[Whole, Field(ge=1)] = 100
    """Trials per model."""
    model_opt_timeout_secs: Annotated[Number, Field(gt=0)] = 180.0
    """Seconds per model, its final fit included; with `--budget` only where written here, with `--max-trials` never."""
    experiment_tracker: TrackerName = "comet_ml"
    """`comet_ml`, `mlflow`, `local` or an installed plug-in."""
    tracker_options: dict[str, Scalar] = Field(default_factory=dict)
    """Settings of the tracker, such as `tracking_uri` for MLflow."""
    project_name: str = "mltrain"
    """Project (experiment) in the tracker."""
    workspace_name: str | None = None
    """Workspace in the tracker."""
    tags: Tags = Field(default_factory=dict)
    """Tags of your own that every run carries, such as `team: risk`."""
    git_patch: bool = False
    """Keep uncommitted changes of code and settings with each run, as `git.patch`: secrets masked, at most 1 MB."""
    comparison_metric: MetricName | None = None
    """What models are compared by; by default ROC AUC for two classes and log loss for more."""
    fbeta_score_beta_val: Annotated[Number, Field(gt=0)] = 1.0
    """Beta of the F-beta score."""
    deployment_score_thresh: Number | None = None
    """What the test score must reach for deployment, in the metric's own direction; null: no threshold."""
    validation: Literal["auto", "kfold", "holdout"] = "auto"
    """K-fold, over train + validation, where the train split has fewer than 20,000 rows, and a holdout above; or either
    by force."""
    n_folds: Annotated[Whole, Field(ge=2, le=20)] = 5
    """Folds of k-fold validation; of a split by time, stretches of time that are validated after training on all that
    precedes them."""
    search_rows: Annotated[Whole, Field(ge=100)] | None = None
    """Most rows that a trial learns from, a stratified sample; the final fit learns from all. By default all, or as
    many as fit into memory."""
    max_memory_gb: Annotated[Number, Field(gt=0)] | None = None
    """Most memory (10^9 bytes) to plan with; by default what the machine or its container has free."""
    final_fit: Literal["auto", "refit", "bag"] = "auto"
    """bag: the average of the fold models; refit: one model on train + validation; auto: by how many rows there are.
    With auto, up to 2,000 rows or 150 of the rarer of two classes, an ensemble votes with as many fitted on all."""
    calibration: Literal["auto", "none", "sigmoid", "isotonic", "temperature"] = "auto"
    """How probabilities are calibrated; auto keeps what helps on held-out predictions, or none."""
    class_weight: Literal["none", "balanced"] = "none"
    """Weigh classes equally while fitting."""
    n_jobs: Annotated[Whole, Field(ge=1)] | None = None
    """CPU cores to use; by default all that this process may use."""
    device: Literal["cpu", "gpu"] = "cpu"
    """Where LightGBM, XGBoost and CatBoost train."""
    trial_lag: Annotated[Whole, Field(ge=1, le=64)] = 8
    """Trial i is proposed knowing the results up to i - trial_lag; also the most trials in flight."""


class ModelSection(Section):
    """Settings of one model family."""

    params: dict[str, Scalar] = Field(default_factory=dict)
    """Fixed parameters: never searched."""
    search_space: dict[str, DimensionEntry] = Field(default_factory=dict)
    """Ranges that replace the shipped ones, by parameter."""


class EvaluateSection(Section):
    """How the champion is chosen and judged."""

    max_eval_experiments: Annotated[Whole, Field(ge=1)] = 50
    """Recent runs asked from the tracker."""
    max_age_days: Annotated[Number, Field(gt=0)] | None = None
    """Runs that began more days ago do not compete; null: no run is too old."""
    tags: Tags = Field(default_factory=dict)
    """Only runs that carry all of these tags compete; see `train.tags`."""
    n_bootstrap: Annotated[Whole, Field(ge=10)] = 1000
    """Resamples behind each confidence interval."""
    confidence: Fraction = 0.95
    """Level of the confidence intervals."""
    near_tie: Annotated[Number, Field(ge=0)] | Literal["one_standard_error"] = 0.0
    """Validation scores this close count as equal; then the simpler model wins. `one_standard_error` is that of the
    best score."""
    figures: bool = True
    """Draw figures."""


class RegistrySection(Section):
    """Where the champion is registered and when a challenger may replace it."""

    name: str | None = None
    """Name of the registered model, a folder below `registry/`; by default made from `train.project_name`."""
    margin: Annotated[Number, Field(ge=0)] = 0.0
    """Loss against the champion that is put up with: a challenger is refused only when the whole paired confidence
    interval of its score minus the champion's, on the same test rows, lies below minus this."""
    require_comparison: bool = True
    """Refuse a challenger when too few test rows are left that neither it nor the champion was developed on, as after a
    split with another seed; false registers it without a comparison."""

    @model_validator(mode="after")
    def _a_name_is_a_folder(self) -> Self:
        check_model_name(self.name)
        return self


class Config(Section):
    """Everything that drives mltrain."""

    seed: Annotated[Whole, Field(ge=0, lt=2**31)] = 42
    """Reaches every random step."""
    data: DataSection = DataSection()
    split: SplitSection = SplitSection()
    preprocessing: PreprocessingSection = PreprocessingSection()
    train: TrainSection = TrainSection()
    models: dict[FamilyName, ModelSection] = Field(default_factory=dict)
    """Settings by model family."""
    evaluate: EvaluateSection = EvaluateSection()
    registry: RegistrySection = RegistrySection()

    @field_validator("models", mode="before")
    @classmethod
    def _one_section_a_family(cls, models: object) -> object:
        names = list(models) if isinstance(models, Mapping) else []
        for position, name in enumerate(names):
            same = [other for other in names[:position] if family_name(other) == family_name(name)]
            if same:
                refuse(f"'{name}' and '{same[0]}' are the same model", key=str(name), hint="keep one of the two")
        return models

    @model_validator(mode="after")
    def _one_source_of_the_test_split(self) -> Self:
        if self.data.test_source is not None and self.split.test_from is not None:
            message = "split.test_from and data.test_source both say which rows are the test split"
            refuse(message, key="split.test_from", hint="keep one of the two")
        return self

    @model_validator(mode="after")
    def _rows_are_left_for_training(self) -> Self:
        has_test_file = self.data.test_source is not None
        test_size = 0.0 if has_test_file or self.split.test_from else self.split.test_size
        validation_size = 0.0 if self.split.validation_from else self.split.validation_size
        if validation_size is None:
            validation_size = 0.25 if has_test_file else 0.2
        check_sizes(test_size, validation_size, calibration=self.split.calibration_size)
        return self
