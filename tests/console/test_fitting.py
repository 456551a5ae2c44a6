from __future__ import annotations

from mltrain.console.fitting import Column, fitted, widths

RUN = Column(header="run", cells=("logistic_regression-20261128T114744123456",), is_whole=True)
SCORE = Column(header="average_precision", cells=("0.7769",), is_right=True, is_whole=True)
TIME = Column(header="own time", cells=("1 min 15 s",), is_right=True, is_whole=True)
FIT = Column(header="calibration", cells=("sigmoid",), is_whole=True)
WHY = Column(header="why", cells=("no worse than the champion on the same rows",))


def _headers(tables: list[list[Column]]) -> list[list[str]]:
    return [[column.header for column in table] for table in tables]


def test_all_columns_stand_where_there_is_room() -> None:
    assert _headers(fitted((RUN, SCORE, TIME, FIT), width=120)) == [
        ["run", "average_precision", "own time", "calibration"]
    ]


def test_spare_columns_go_the_least_important_one_first() -> None:
    spare = ("calibration", "own time")

    assert _headers(fitted((RUN, SCORE, TIME, FIT), width=80, spare=spare)) == [
        ["run", "average_precision", "own time"]
    ]
    assert _headers(fitted((RUN, SCORE, TIME, FIT), width=62, spare=spare)) == [["run", "average_precision"]]


def test_what_may_not_go_stands_beneath_with_the_first_column_again() -> None:
    assert _headers(fitted((RUN, SCORE, TIME), width=62)) == [["run", "average_precision"], ["run", "own time"]]


def test_prose_takes_what_is_left_and_no_word_is_broken() -> None:
    assert widths((SCORE, WHY), width=40) == [17, 20]
    assert widths((SCORE, WHY), width=200) == [17, 43]
    assert WHY.least == len("champion")
