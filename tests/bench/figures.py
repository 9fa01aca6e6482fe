"""What a benchmark comes to: rows of figures, each with all its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

_DECIMALS = 6  # of a sample in the file


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured some times over."""

    label: str  # what, such as "requests/s"
    unit: str  # behind the number: "", "µs", "MiB", "×"
    samples: tuple[float, ...]  # in the order measured, never empty
    subject: str = ""  # whose, where the row compares several
    aim: str = ""  # what is wanted of it, in words

    @property
    def median(self) -> float:
        """The sample in the middle."""
        return median(self.samples)

    @property
    def least(self) -> float:
        """The smallest sample."""
        return min(self.samples)

    @property
    def most(self) -> float:
        """The largest sample."""
        return max(self.samples)

    def as_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "label": self.label,
            "unit": self.unit,
            "median": round(self.median, _DECIMALS),
            "min": round(self.least, _DECIMALS),
            "max": round(self.most, _DECIMALS),
            "samples": [round(sample, _DECIMALS) for sample in self.samples],
            "aim": self.aim,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark."""

    name: str  # as it is asked for
    title: str
    how: str  # what was done, in a sentence or two
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()  # what was left out and why, what to know of the figures
    unavailable: str = ""  # why it could not be measured here, such as a program that is not installed
    failed: str = ""  # what went wrong
    measured: str = ""  # when, UTC

    def of(self, subject: str, label: str) -> Figure | None:
        """One figure of those that compare; None where it is not there."""
        return next((one for one in self.figures if (one.subject, one.label) == (subject, label)), None)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whom the row compares, in their order; none where it compares nobody."""
        return tuple(dict.fromkeys(figure.subject for figure in self.figures if figure.subject))

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "how": self.how,
            "measured": self.measured,
            "figures": [figure.as_json() for figure in self.figures],
            "notes": list(self.notes),
            "unavailable": self.unavailable,
            "failed": self.failed,
        }


def row_from_json(data: dict[str, Any]) -> Row:
    """The inverse of `Row.as_json`."""
    figures = tuple(
        Figure(one["label"], one["unit"], tuple(one["samples"]), one["subject"], one["aim"]) for one in data["figures"]
    )
    return Row(
        data["name"],
        data["title"],
        data["how"],
        figures,
        tuple(data["notes"]),
        data["unavailable"],
        data["failed"],
        data["measured"],
    )


def now() -> str:
    """This moment, UTC, to the minute."""
    return datetime.now(UTC).isoformat(timespec="minutes").removesuffix("+00:00") + "Z"


def dated(row: Row) -> Row:
    """The row, measured now."""
    return replace(row, measured=now())


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Round by round, so that what slowed a whole round slows both."""
    return tuple(one / other for one, other in zip(ours, theirs, strict=True))
