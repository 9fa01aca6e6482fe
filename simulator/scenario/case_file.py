"""The files of the conformance suite: cases with their visits, in the steps of a scenario, and what they come to.

A case is a small scenario with exact visitors, and with numbers that a person wrote down. In its texts `<own>` stands
for what no other case and no other run has, and `<timeout>`, `<short>`, `<long>` for durations that depend on the
contract (runs/conform/staging.py). What a case is judged by is runs/conform/.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from simulator.contract import Dedupe, User
from simulator.scenario.load import read_model
from simulator.scenario.values import Flag, IdentityType, Model, Name, Scene, Whole, wrong

_AT = re.compile(r"(?:(\d{1,3}) )?([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{3}))?)?")
_DECISIVE = re.compile(r"(pv|uv|opens|new_users)( by (source|content|page|hour|day))?")
_HOUR = re.compile(r"(?:\d{1,3} )?(?:[01]\d|2[0-3])|visit \d")

Instant = tuple[int, int]  # day of the case from 1, milliseconds of that day's clock


def _at(value: object) -> Instant:
    """Read "10:00", "2 10:00:00.500": the second day of the case, in the zone of the day."""
    found = _AT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong('a time in quotes, such as "10:00" or "2 23:59:59.999" on the second day', value)
    day, hour, minute, second, millis = found.groups(default="0")
    return int(day) or 1, ((int(hour) * 60 + int(minute)) * 60 + int(second)) * 1000 + int(millis)


def _hour(value: str) -> str:
    if not _HOUR.fullmatch(value):
        raise wrong('a local hour in quotes, such as "10", "2 00" on the second day, or "visit 0" for its hour', value)
    return value


def _decisive(value: str) -> str:
    if not _DECISIVE.fullmatch(value):
        raise wrong("one of the four numbers, such as pv, or one in a kind of cell, such as pv by source", value)
    return value


At = Annotated[Instant, BeforeValidator(_at)]
Hour = Annotated[str, BeforeValidator(_hour)]
Decisive = Annotated[str, AfterValidator(_decisive)]
Number = Annotated[Whole, Field(ge=0, le=1_000_000)]

Need = Literal["event time", "ids", "devices", "links", "timeout below a day"]
Shape = Literal["as it is", "form", "json", "one by one", "batch"]


class Values(Model):
    """Some of the four numbers."""

    pv: Number | None = None
    uv: Number | None = None
    opens: Number | None = None
    new_users: Number | None = None


class Figures(Values):
    """The four numbers of the whole case, and of single cells."""

    source: dict[str, Values] = Field(default={}, description="By the case's name of the source, or (none).")
    content: dict[str, Values] = Field(default={}, description="By the content's text.")
    page: dict[str, Values] = Field(default={}, description="By the route, as it is written in a step.")
    hour: dict[Hour, Values] = Field(
        default={}, description='By the local hour, such as "10" or "2 00"; "visit 0": in which it began.'
    )
    day: dict[str, Values] = Field(default={}, description="By the day of the case, from 1.")


class When(Model):
    """A definition: every switch that is named must be so."""

    opens: Literal["launch", "timeout", "every-foreground"] | None = None
    user: User | None = None
    dedupe: Dedupe | None = None
    timeout_inclusive: Flag | None = None
    midnight: Flag | None = None
    source_change: Flag | None = None
    launch_opens: Flag | None = None
    tenant: Flag | None = Field(default=None, description="Whether it is known which tenant the collector is for.")

    @property
    def switches(self) -> dict[str, Any]:
        """Those that are named."""
        return {name: value for name in When.model_fields if (value := getattr(self, name)) is not None}


class Under(Model):
    """What is otherwise under a definition."""

    when: When
    figures: Figures


class Also(Model):
    """Another outcome that can be accepted, with the name of what it stands for."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    when: When = Field(default=When(), description="Only there.")
    figures: Figures
    ok: Flag = Field(default=False, description="As good as the first: no document says which of them is right.")


class Says(Model):
    """The sentence that a case is tied to."""

    document: Annotated[str, Field(min_length=1)]
    section: str = ""
    text: Annotated[str, Field(min_length=1, max_length=600)]


class CaseSource(Model):
    """Where visits of a case come from."""

    name: str = Field(default="<own>", description="Its cl_sr; empty for none.")
    content: str = Field(default="", description="Its cl_ctnm.")
    scene: Scene = 1045
    code: str | None = Field(default=None, description="Method 2: the code that the path is looked up by.")
    page: str = Field(default="", description="Route that it opens; the case's first page unless given.")


class CaseVisit(Model):
    """One visitor's visit."""

    at: At = Field(default=(1, 36_000_000), description="When it begins, by the local clock.")
    device: Name | None = Field(default=None, description="Visits with one name are on one phone.")
    has: dict[IdentityType, Name] = Field(default={}, description="Identities: equal names are equal values.")
    source: Name = "own"
    people: Annotated[Whole, Field(ge=1, le=200)] = Field(default=1, description="So many visitors do the same.")
    sent_as: Shape = Field(default="as it is", description="Another way to send the same events.")
    steps: Annotated[list[Any], Field(min_length=1, description="What happens, as in a scenario.")]


class CaseSection(Model):
    """One case."""

    case: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=48, description="Its id, for good.")]
    since: Annotated[Whole, Field(ge=1)] = Field(description="Version of the suite in which it came.")
    title: Annotated[str, Field(min_length=1, max_length=100)]
    about: Annotated[str, Field(min_length=1)]
    says: Says
    needs: list[Need] = Field(default=[], description="Without which a target cannot tell.")
    shows: Flag = Field(default=False, description="The tracker tells of each return, whatever the contract says.")
    days: Annotated[Whole, Field(ge=1, le=400)] = Field(default=1, description="So many local days are its own.")
    around: Literal["midnight", "clock back"] = Field(
        default="midnight",
        description="clock back: 12:00 is the moment at which the zone's clock is put back, or two o'clock in the "
        "night where it never is; times are those that pass and not those that the clock shows.",
    )
    app: dict[str, Any] = Field(default={}, description="As in a scenario.")
    sources: dict[Name, CaseSource] = Field(default={}, description="Beside `own`.")
    visits: Annotated[list[CaseVisit], Field(min_length=1)]
    decides: Annotated[list[Decisive], Field(min_length=1)] = Field(
        description="pv, or pv by source: without these numbers the case says nothing, and is not supported."
    )
    expect: Figures
    under: list[Under] = Field(default=[], description="Later ones win.")
    also: list[Also] = Field(default=[])

    @model_validator(mode="after")
    def _fits(self) -> CaseSection:
        last = max(visit.at[0] for visit in self.visits)
        if last > self.days:
            raise ValueError(f"a visit is on day {last}, and the case has days: {self.days}")
        known = {"own", *self.sources}
        for visit in self.visits:
            if visit.source not in known:
                raise ValueError(f"no source {visit.source} in this case")
        return self


class SuiteFile(Model):
    """The cases of one area."""

    area: Annotated[str, Field(pattern=r"^[a-z]+( [a-z]+)*$", max_length=40)]
    about: Annotated[str, Field(min_length=1)]
    cases: Annotated[list[CaseSection], Field(min_length=1)]


def read_suite(text: str, file: str) -> SuiteFile:
    """The cases of a text.

    Raises:
        ScenarioError: what is wrong with it.
    """
    suite, _ = read_model(text, file, SuiteFile)
    return suite


def probe_section(document: dict[str, Any]) -> CaseSection:
    """A case that the program makes itself, to ask a collector with."""
    return CaseSection.model_validate(document)
