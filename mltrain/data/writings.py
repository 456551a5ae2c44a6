"""Numbers and dates written otherwise than we read them: recognised for messages to say so, never guessed."""

from __future__ import annotations

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:\d{4}|\d{2})"
_MONTH = r"(?i:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)\p{L}*\.?"
_CLOCK = r"(?:,?[ T]\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?)?"

DECORATED = (
    r"^[$€£]?\s?[+-]?\d{1,3}(,\d{3})+(\.\d+)?\s?[%$€£]?$|^[$€£]\s?[+-]?\d+([.,]\d+)?$|^[+-]?\d+([.,]\d+)?\s?[%$€£]$"
)
"""Numbers with a unit, or with commas between thousands."""

DECIMAL_COMMA = r"^[+-]?\d+,\d+$|^[+-]?\d{1,3}([. ]\d{3})+,\d+$"
"""Numbers with a comma before the fraction."""

OTHER_DATE = (
    rf"^{_DAY}[/.-]{_DAY}[/.-]{_YEAR}{_CLOCK}$|^\d{{4}}[/.]{_DAY}[/.]{_DAY}{_CLOCK}$"
    rf"|^{_DAY}\.?[ -]?{_MONTH}[ -]?{_YEAR}{_CLOCK}$|^{_MONTH} {_DAY},? {_YEAR}{_CLOCK}$"
)
"""Dates that are not ISO 8601, which may mean one day or another."""
