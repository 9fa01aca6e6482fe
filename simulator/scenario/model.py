"""The scenario file as typed sections, each a screen, with no logic beyond what one value may be.

Values are values.py and steps steps.py, both told on here, so this is the one place to import from. Rules that need
more than one value (a page that is not in the app, a path over its limit) are check.py. Times are `Ms`, parts are
millionths.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, Tag, WithJsonSchema

from simulator.contract import User
from simulator.errors import Complaint
from simulator.scenario.steps import (
    STEPS,
    AnyStep,
    Back,
    Choice,
    Choose,
    Disorder,
    Enter,
    Exit,
    Hide,
    Kill,
    Killing,
    Launch,
    Malformed,
    Maybe,
    Offline,
    Push,
    Repeat,
    Share,
    Show,
    Skew,
    Tap,
    Timeout,
    Track,
    Tracked,
    View,
    Wait,
    action_of,
)
from simulator.scenario.tree import Place
from simulator.scenario.values import (
    NOW,
    ONCE,
    PPM,
    Abort,
    Count,
    Duration,
    Factor,
    Factors,
    Flag,
    IdentityType,
    Model,
    Name,
    Objective,
    OpensChoice,
    Part,
    Path,
    Rate,
    Rated,
    Route,
    Scene,
    Span,
    Speed,
    Start,
    Weight,
    Whole,
    Zone,
    wrong,
)
from simulator.scenario.variables import VARIABLE_NAME
from simulator.times import Ms
from simulator.wechat import DESTROY_AFTER, MAX_CODE_LENGTH, REPLY_TIMEOUT

__all__ = [
    "NOW", "ONCE", "PPM", "STEPS", "AnyStep", "App", "Back", "Choice", "Choose", "Clock", "Count",
    "DefinitionsSection", "Disorder", "Enter", "Exit", "Expect", "Hide", "InstantsFile", "Journey", "Kill", "Killing",
    "Launch", "ListFile", "Load", "Malformed", "Maybe", "Offline", "Phase", "PinnedDevice", "Push", "Rate", "Repeat",
    "Scenario", "Share", "Show", "Skew", "SourceSection", "Span", "Tap", "Timeout", "Timeouts", "Track", "Tracked",
    "View", "Visitors", "Wait", "action_of",
]  # fmt: skip


class App(Model):
    """The mini program: what its tracker is set up with."""

    appid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "wx0123456789abcdef"
    name: str = "mini program"
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$", description="Tenant id, in quotes.")] = "740843171"
    pages: Annotated[list[Route], Field(min_length=1)] = Field(
        description="Routes without leading slash; the first is the home page."
    )
    events: list[str] = Field(default=[], description="Custom events registered in the system.")
    identity_types: list[IdentityType] = Field(
        default=[], description="Own identity types beside the known ones and c_…."
    )
    destroy: Duration = Field(
        default=DESTROY_AFTER,
        description="Time in the background from which a return is a launch; the older rule is 5m.",
    )
    device_info: Duration = Field(
        default=Ms(0),
        description="Time until wx.getSystemInfo has answered at a launch; what is tracked before waits in memory.",
    )
    view_on_return: Flag = Field(
        default=True, description="Whether the page that is shown again on a return is a view."
    )


class DefinitionsSection(Model):
    """Which definition judges; what is left out comes from the target, then from the defaults."""

    opens: OpensChoice = None
    user: User | None = Field(default=None, description="Who is one user.")
    day: Zone = None


class PinnedDevice(Model):
    """One device for everybody, instead of drawn ones."""

    model: str = "iPhone 13<iPhone14,5>"
    screen: tuple[Annotated[Whole, Field(ge=1, le=10_000)], Annotated[Whole, Field(ge=1, le=10_000)]] = Field(
        default=(390, 753), description="Width and height of the window."
    )
    system: str = "iOS 17.4.1"
    network: str = "wifi"


class ListFile(Model):
    """Values from a file beside the scenario: a line each, or one column of a CSV with a header line."""

    file: Annotated[str, Field(min_length=1)]
    column: str | None = None


def _listed(value: object) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise wrong("a text or a whole number", value)
    return value


Listed = Annotated[str | int, BeforeValidator(_listed), WithJsonSchema({"type": ["string", "integer"]})]
Variable = Annotated[
    Annotated[Annotated[list[Listed], Field(min_length=1)], Tag("<list>")] | Annotated[ListFile, Tag("<file>")],
    Discriminator(lambda value: "<file>" if isinstance(value, dict | ListFile) else "<list>"),
]


class Visitors(Model):
    """Who comes."""

    count: Annotated[Whole, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="How many; left out: as many as the arrivals bring."
    )
    returning: Part = Field(default=0, description="Already known to the collector from one earlier visit.")
    identities: dict[IdentityType, Part] = Field(
        default={}, description="Identity type: part of the visitors that have one."
    )
    vars: dict[Annotated[str, Field(pattern=VARIABLE_NAME)], Variable] = Field(
        default={}, description="{name} in paths and events: one value a visitor, from a list or a file."
    )
    share_device: Part = Field(default=0, description="Visitors whose phone another visitor uses too.")
    second_device: Part = Field(
        default=0, description="Visitors with a second phone, used from the second launch step on."
    )
    share_mobile: Part = Field(default=0, description="Visitors whose mobile number another visitor has too.")
    device: PinnedDevice | None = None


class SourceSection(Model):
    """Where visitors come from: weight, WeChat's scene, and the launch path with its source parameters."""

    weight: Weight = 1
    scene: Scene = 1001
    path: Path | None = Field(default=None, description="Complete path, written decoded; left out: the home page.")
    code: Annotated[str, Field(min_length=1, max_length=MAX_CODE_LENGTH)] | None = Field(
        default=None, description="Method 2: the path is looked up by this code, so it may be long."
    )


PhaseName = Annotated[str, Field(max_length=64, description="How the report calls it.")]


class Phase(Model):
    """A stretch of wall time in which visitors arrive at one rate, or ramp to another."""

    name: PhaseName = ""
    rate: Rated = Field(description="Visitors per wall second, or a ramp such as 20/s..100/s.")
    for_: Annotated[Duration, Field(alias="for", description="How long, in wall time.")]
    hours: Annotated[list[Factor], Field(min_length=24, max_length=24), Factors] | None = Field(
        default=None, description="Factor by local hour, from 0 to 23."
    )
    days: Annotated[list[Factor], Field(min_length=7, max_length=7), Factors] | None = Field(
        default=None, description="Factor by day of the week, Monday first."
    )


class InstantsFile(ListFile):
    """Arrivals at the instants of a file beside the scenario, visitor k at the k-th: a line each, or a CSV's column.

    All offsets from the start (1.5s), or all instants (2026-03-01T09:00:00.250+08:00), ascending, in event time.
    """

    name: PhaseName = ""


def _phases(value: object) -> list[object]:
    if not isinstance(value, list):
        raise wrong("a list of phases, such as [{rate: 20/s, for: 30s}], or a file of instants", value)
    return value


Phases = Annotated[Annotated[list[Phase], Field(min_length=1)], BeforeValidator(_phases)]
Arrivals = Annotated[
    Annotated[Phases, Tag("<phases>")] | Annotated[InstantsFile, Tag("<file>")],
    # Whoever forgets the brackets around a phase is told of these.
    Discriminator(
        lambda value: (
            "<file>"
            if isinstance(value, InstantsFile) or (isinstance(value, dict) and not {"rate", "for"} & value.keys())
            else "<phases>"
        )
    ),
]


class Clock(Model):
    """When it happens, and how fast."""

    start: Start = "recent"
    speed: Speed = 1


class Timeouts(Model):
    """How long a client waits."""

    connect: Duration = Ms(10_000)
    reply: Duration = REPLY_TIMEOUT


class Load(Model):
    """How the visitors come: `arrivals` (open model) or `users` (closed model)."""

    arrivals: Arrivals | None = Field(
        default=None, description="Open model: phases with a rate, or a file of instants; whatever the collector does."
    )
    spacing: Literal["even", "poisson"] = Field(default="poisson", description="Of arrivals that have a rate.")
    users: Annotated[Whole, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Closed model: so many at once; each takes the next visitor when it is free."
    )
    each: Duration | None = Field(
        default=None, description="Closed model: event time between two visitors of one user."
    )
    clock: Clock = Clock()
    timeouts: Timeouts = Timeouts()
    abort: Abort | None = Field(default=None, description="When the run gives up.")
    connection: Literal["lane", "visitor"] = Field(
        default="lane",
        description="Who shares a connection: whoever is sent next on its lane, or nobody, as with phones.",
    )
    in_flight: Annotated[Whole, Field(ge=1, le=100_000)] = Field(
        default=2_000,
        description="Open model: so many requests of one process may wait for the collector's reply at once; beyond "
        "it visitors start late. Each takes a file descriptor and some memory.",
    )


Totals = Annotated[
    Annotated[Literal["exact"], Tag("<exact>")]
    | Annotated[dict[Literal["pv", "uv", "opens", "new_users"], Part], Tag("<parts>")],
    Discriminator(lambda value: "<parts>" if isinstance(value, dict) else "<exact>"),
]


class Expect(Model):
    """What the run is judged by."""

    totals: Totals = Field(default="exact", description="exact, or a tolerance by metric.")
    max_failed: Part = Field(default=50_000, description="More refused or unknown attempts make the run incomplete.")
    max_width: Part = Field(default=10_000, description="A wider interval, as a part of its upper end, proves nothing.")
    slo: list[Objective] = Field(default=[], description="Service levels; a missed one is exit 2.")


class Journey(Model):
    """A kind of visit, with the weight by which visitors take it."""

    about: str = ""
    weight: Weight = 1
    steps: Annotated[list[AnyStep], Field(min_length=1, description="What happens, in this order.")]


class Scenario(Model):
    """The whole file, includes merged in."""

    scenario: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="Name of the scenario.")]
    about: str = ""
    include: list[str] = Field(default=[], description="Files merged in; this file wins entry by entry.")
    app: App
    definitions: DefinitionsSection = DefinitionsSection()
    visitors: Visitors = Visitors()
    sources: dict[Name, SourceSection] = Field(default={}, description="Where visitors come from, drawn by weight.")
    journeys: Annotated[dict[Name, Journey], Field(min_length=1, description="What visitors do, drawn by weight.")]
    load: Load
    expect: Expect = Expect()
    # Values of the list files by variable, filled in by load.py; a file cannot give it.
    lists: dict[str, list[str]] = Field(default={})
    _places: dict[str, Place] = PrivateAttr(default_factory=dict)  # path in the file to where it stands
    _instants: array[int] = PrivateAttr(default_factory=lambda: array("q"))  # of load.arrivals' file; by instants.py

    @property
    def instants(self) -> Sequence[int]:
        """Arrivals from a file: event time after the start, in ms, ascending; empty where they are no file's."""
        return self._instants

    def complaint(self, path: str, text: str, *, key: bool = False) -> Complaint:
        """Something wrong with a value of this scenario, at its place in the file or at the nearest one around it.

        Args:
            path: as it is written, such as journeys.browse.steps[2].view.
            key: the key is wrong, not its value.
        """
        around = f"{path}~" if key else path
        while around and around not in self._places:
            around = path if around.endswith("~") else around[: max(around.rfind("."), around.rfind("["), 0)]
        place = self._places.get(around, Place(self.scenario, 1, 1))
        return place.complaint(path, text)
