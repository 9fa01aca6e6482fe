"""Contract files, the named contracts, and which definitions are in force when several places name some.

A contract file is YAML with the keys of `ContractFile`; what it leaves out comes from the next place in the order of
CONTRACT section 3: the explicit contract, the scenario's definitions, the target file, the defaults. What the
switches mean for a count is verify/. Those of contract.py that are no key here belong to wires that tell more than the
ones there are: views by their ids, and time in the app.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field, model_validator

from simulator.contract import BodyRule, Contract, Dedupe, Definitions, Replies, User
from simulator.errors import ScenarioError, UsageError
from simulator.scenario.load import read_model, text_of
from simulator.scenario.model import DefinitionsSection, Scenario
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.values import BodyValues, Duration, Flag, Model, OpensChoice, Status, Statuses, Zone

Value = TypeVar("Value")

_DEFAULTS = Contract()
_REPLIES = _DEFAULTS.replies


class BodySection(Model):
    """What the body of a reply with a good status must say as well: the value of one key of its JSON object."""

    key: Annotated[str, Field(min_length=1, max_length=256, description="Of the object itself, no path.")]
    acked: BodyValues = Field(description="By which everything in the request is stored.")
    refused: BodyValues = Field(default=(), description="By which nothing of it is stored.")
    other: Literal["unknown", "refused"] = Field(
        default="unknown", description="What any other value means. No JSON object, or none with the key, is unknown."
    )

    @model_validator(mode="after")
    def _is_a_rule(self) -> BodySection:
        self.rule()
        return self

    def rule(self) -> BodyRule:
        """The same as a value."""
        return BodyRule(self.key, self.acked, self.refused, self.other)


class RepliesSection(Model):
    """What the collector's replies to events mean. A status that stands nowhere may mean anything: unknown."""

    acked: Statuses = Field(default=list(_REPLIES.acked), description="Statuses by which the events are stored.")
    refused: list[Status] = Field(default=list(_REPLIES.refused), description="Statuses by which nothing is stored.")
    body: BodySection | None = None

    @model_validator(mode="after")
    def _is_a_table(self) -> RepliesSection:
        self.replies()
        return self

    def replies(self) -> Replies:
        """The same as a value."""
        return Replies(tuple(self.acked), tuple(self.refused), None if self.body is None else self.body.rule())


class ContractFile(Model):
    """What a collector promises, and how it counts, as far as the file says it."""

    name: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="What reports call it; the file's name unless it is given."
    )
    opens: OpensChoice = None
    user: User | None = Field(default=None, description="Who is one user; openid unless given.")
    day: Zone = None
    dedupe: Dedupe | None = Field(
        default=None,
        description="by_id: one stored event an id; none: each copy counts; maybe: no promise. As the adapter's "
        "collector does unless given, mostly by_id.",
    )
    time: Literal["event", "arrival"] | None = Field(
        default=None, description="Whose clock puts an event into its hour and day; event unless given."
    )
    max_age: Duration | None = Field(
        default=None,
        description="Older events are not taken; unless given, any age is. Needs `start: recent`.",
    )
    ack: Literal["durable", "accepted"] | None = Field(
        default=None,
        description="What an ack promises. durable: the event is in the totals within `lag` of its reply; accepted: "
        "by the deadline. Left out: durable where a lag is given, and for the embedded collector.",
    )
    lag: Duration | None = Field(
        default=None, description="An event is in the totals at the latest so long after its reply."
    )
    quiet: Duration | None = Field(default=None, description="Totals are at rest after so long without a change.")
    deadline: Duration | None = Field(default=None, description="And are judged then at the latest.")
    clock_bound: Duration | None = Field(
        default=None,
        description="Most by which the collector's clock differs from ours; matters with `time: arrival` or `max_age`.",
    )
    replies: RepliesSection | None = None
    sessions: Literal["derived", "given"] | None = Field(
        default=None,
        description="given: an open is a session id on the wire, whatever `opens` says; derived: `opens` decides.",
    )
    batch_order: Literal["any", "kept"] | None = Field(
        default=None,
        description="kept: events of one request with one instant are worked through as they stand; any: no promise.",
    )
    timeout_inclusive: Flag | None = Field(
        default=None, description="Under `opens: timeout=…`: whether a gap of exactly the timeout begins an open."
    )
    midnight: Flag | None = Field(
        default=None, description="Under `opens: timeout=…`: whether the first event of another day begins an open."
    )
    source_change: Flag | None = Field(
        default=None,
        description="Under `opens: timeout=…`: whether an event with another source begins an open; one without, not.",
    )
    launch_opens: Flag | None = Field(
        default=None,
        description="Under `opens: timeout=…`: whether each mini_program_open begins an open, which is the default.",
    )


OF_TIMEOUT = ("timeout_inclusive", "midnight", "source_change", "launch_opens")  # say nothing under another rule


@dataclass(frozen=True, slots=True)
class GivenContract:
    """A contract as one place gives it: what it says, and what it leaves to the next place."""

    name: str
    file: ContractFile = field(default_factory=ContractFile)

    @property
    def definitions(self) -> DefinitionsSection:
        """The definitions that it names; the others are None."""
        return DefinitionsSection.model_construct(opens=self.file.opens, user=self.file.user, day=self.file.day)


NAMED: Final = MappingProxyType(
    {
        # The default: the documented date and externalId are on the wire.
        "dmhub": ContractFile.model_validate(
            {"opens": "launch", "user": "openid", "day": "Asia/Shanghai", "dedupe": "by_id", "time": "event"}
        ),
        # The public tracker of 2018 sends neither a time nor an id, so only the arrival is known and every copy counts.
        "dmhub-2018": ContractFile.model_validate(
            {"opens": "launch", "user": "openid", "day": "Asia/Shanghai", "dedupe": "none", "time": "arrival"}
        ),
    }
)


def read_contract(name_or_file: str) -> GivenContract:
    """The contract that `--contract` names: one of the named ones, else a file.

    Raises:
        UsageError: neither; a ScenarioError with places when the file is wrong.
    """
    if name_or_file in NAMED:
        return GivenContract(name_or_file, NAMED[name_or_file])
    path = Path(name_or_file)
    try:
        text = text_of(path)
    except ScenarioError:
        raise
    except UsageError as missing:
        if path.name != name_or_file or path.suffix in {".yaml", ".yml"}:
            raise
        said = f"no contract {name_or_file}, and no such file{did_you_mean(name_or_file, NAMED)}"
        raise UsageError(said) from missing
    return read_contract_text(text, str(path))


def read_contract_text(text: str, file: str) -> GivenContract:
    """The contract of a text.

    Args:
        file: what complaints call it; the contract's name unless it gives one.

    Raises:
        ScenarioError: what is wrong with it.
    """
    given, _ = read_model(text, file, ContractFile)
    return GivenContract(given.name or Path(file).stem, given)


def resolve_definitions(
    explicit: GivenContract | None, scenario: Scenario, target: GivenContract | None = None
) -> Definitions:
    """The definitions in force, each from the first place that names it: explicit, scenario, target, default."""
    sections = [scenario.definitions]
    if explicit is not None:
        sections.insert(0, explicit.definitions)
    if target is not None:
        sections.append(target.definitions)
    default = _DEFAULTS.definitions
    return Definitions(
        opens=_first((section.opens for section in sections), default.opens),
        user=_first((section.user for section in sections), default.user),
        day=_first((section.day for section in sections), default.day),
    )


def resolve_contract(
    explicit: GivenContract | None, scenario: Scenario, target: GivenContract | None = None
) -> Contract:
    """The whole contract in force: definitions as `resolve_definitions`, the promises explicit, then target.

    Raises:
        UsageError: a switch that is given and decides nothing, since another one stands in its way.
    """
    given = [place for place in (explicit, target) if place is not None]
    files = [place.file for place in given]
    definitions = resolve_definitions(explicit, scenario, target)
    sessions = _first((file.sessions for file in files), _DEFAULTS.sessions)
    if sessions == "given" and definitions.opens.rule == "timeout":
        raise UsageError(
            f"opens is {definitions.opens}, and sessions: given takes them from the wire's session ids; "
            "say sessions: derived in the contract, or opens: launch"
        )
    lag = next((file.lag for file in files if file.lag is not None), None)
    contract = Contract(
        name=_first((place.name for place in given), _DEFAULTS.name),
        definitions=definitions,
        dedupe=_first((file.dedupe for file in files), _DEFAULTS.dedupe),
        time=_first((file.time for file in files), _DEFAULTS.time),
        max_age=_first((file.max_age for file in files), _DEFAULTS.max_age),
        ack=_first((file.ack for file in files), "accepted" if lag is None else "durable"),
        lag=_DEFAULTS.lag if lag is None else lag,
        quiet=_first((file.quiet for file in files), _DEFAULTS.quiet),
        deadline=_first((file.deadline for file in files), _DEFAULTS.deadline),
        clock_bound=_first((file.clock_bound for file in files), _DEFAULTS.clock_bound),
        replies=_first((file.replies.replies() for file in files if file.replies is not None), _DEFAULTS.replies),
        sessions=sessions,
        batch_order=_first((file.batch_order for file in files), _DEFAULTS.batch_order),
        timeout_inclusive=_first((file.timeout_inclusive for file in files), _DEFAULTS.timeout_inclusive),
        midnight=_first((file.midnight for file in files), _DEFAULTS.midnight),
        source_change=_first((file.source_change for file in files), _DEFAULTS.source_change),
        launch_opens=_first((file.launch_opens for file in files), _DEFAULTS.launch_opens),
    )
    for place in given:
        _refuse_idle_switches(place, contract)
    return contract


def _refuse_idle_switches(place: GivenContract, contract: Contract) -> None:
    """Refuse what a place says in vain: whoever wrote it believes that it counts."""
    opens = contract.definitions.opens
    idle = [name for name in OF_TIMEOUT if getattr(place.file, name) is not None and opens.rule != "timeout"]
    if idle:
        raise UsageError(
            f"the contract {place.name} says {idle[0]}, which matters only under opens: timeout=DURATION; "
            f"opens is {opens} here"
        )
    if place.file.lag is not None and contract.ack == "accepted" and contract.time == "event":
        raise UsageError(
            f"the contract {place.name} says lag, which matters only where an ack promises something: with "
            "ack: durable, or with time: arrival"
        )
    if place.file.clock_bound is not None and contract.time == "event" and contract.max_age is None:
        raise UsageError(
            f"the contract {place.name} says clock_bound, which matters only where the collector's clock does: "
            "with time: arrival, or with max_age"
        )


def _first(values: Iterable[Value | None], default: Value) -> Value:
    return next((value for value in values if value is not None), default)
