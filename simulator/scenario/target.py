"""The target file: a collector and how to talk to it.

URL, adapter, what replies mean, contract, scope, and how totals and stored events are read. The sections on reading are
target_reading.py; what an adapter's own options are is the adapter's (wire/), whose model is handed in. Nothing here
opens a file of the collector's, a database or a socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from simulator.contract import METRICS, Contract
from simulator.errors import Complaint, ScenarioError
from simulator.scenario.complain import complaints_of, refuse
from simulator.scenario.contracts import NAMED, ContractFile, GivenContract, RepliesSection, read_contract_text
from simulator.scenario.load import text_of
from simulator.scenario.model import Scenario
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.secret import FromEnvironment, Text
from simulator.scenario.target_reading import EventsSection, EventsWay, MonitorSection, TotalsSection, TotalsWay
from simulator.scenario.target_values import Figure, check_base, figures_named
from simulator.scenario.tree import Budget, Entry, Node, Place, places, plain, read_tree
from simulator.scenario.values import Duration, Model, shown, wrong
from simulator.wechat import parameters, split_path

_IN_FORCE = ("contract", "replies", "settle")  # which a run keeps as the contract in force


class KnownAdapter(NamedTuple):
    """An adapter, as far as a target file depends on it."""

    options: type[BaseModel]  # the model of its own options
    contract: ContractFile  # that fits its wire, where nothing else is said


Adapters = Mapping[str, KnownAdapter]


def _target_url(value: object) -> object:
    return check_base(value) if isinstance(value, str) else value


class SettleSection(Model):
    """How long the totals take to become right."""

    lag: Duration | None = Field(default=None, description="An acked event is in the totals so long after its reply.")
    quiet: Duration | None = Field(
        default=None, description="Totals are at rest after so long without a change; 1s unless given."
    )
    deadline: Duration | None = Field(default=None, description="And are judged then at the latest; 30s unless given.")


class ScopeSection(Model):
    """What of the collector's events can be of a run at all; the rest is traffic of others, and not counted."""

    appid: str | None = None
    tenant: str | None = None
    source: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="What every source of a run begins with."
    )


class TargetFile(Model):
    """A collector, and how to talk to it."""

    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")] = Field(description="What reports call it.")
    about: Annotated[str, Field(max_length=2_000)] = ""
    url: Annotated[Text, BeforeValidator(_target_url)] = Field(
        description="Scheme, host and port to which events are sent, such as http://127.0.0.1:8080."
    )
    adapter: Any = Field(
        default="dmhub", description="Wire format of the events: a name, or {name: …} with the adapter's own options."
    )
    replies: RepliesSection | None = None
    contract: Any = Field(
        default=None,
        description="A named contract, the path of a contract file, or its keys right here. Left out: opens: launch, "
        "user: openid, day: Asia/Shanghai, dedupe: by_id, time: event, as far as the adapter has no other.",
    )
    settle: SettleSection | None = None
    scope: ScopeSection = ScopeSection()
    totals: TotalsWay
    events: EventsWay | None = Field(default=None, description="How stored events are listed, where they can be.")
    not_read: list[Figure] = Field(
        default=[],
        description="Figures that the collector does not have, such as [new_users, page, opens by hour]. They are not "
        "judged, and every report says so.",
    )


@dataclass(frozen=True, slots=True)
class Target:
    """A target file that is checked, or what a plain URL stands for."""

    file: TargetFile
    adapter: str
    options: Mapping[str, Any]  # of the adapter, as given; they fit its model
    contract: GivenContract
    folder: Path = Path()  # from which paths in the file lead
    document: Mapping[str, Any] = field(default_factory=dict)  # the file without its contract; its secrets are names

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.file.target

    @property
    def totals(self) -> TotalsSection:
        return self.file.totals

    @property
    def events(self) -> EventsSection | None:
        return self.file.events

    @property
    def left_out(self) -> frozenset[tuple[str, str]]:
        """The figures (metric, kind of cell) that the collector does not have."""
        return figures_named(self.file.not_read)


def plain_target(
    url: str, adapter: str, options: Mapping[str, Any], contract: GivenContract, token_variable: str = ""
) -> Target:
    """What a plain URL stands for: a collector with mpsim's own interface."""
    monitor = MonitorSection(token=FromEnvironment(token_variable) if token_variable else None)
    file = TargetFile.model_construct(
        target="url",
        url=url,
        adapter=adapter,
        totals=TotalsSection(monitor=monitor),
        events=EventsSection(monitor=monitor),
    )
    return Target(file, adapter, options, contract)


def read_target(path: Path, adapters: Adapters) -> Target:
    """The target of a file.

    Raises:
        ScenarioError: what is wrong with it, several complaints at a time, each with its line.
        UsageError: no such file, or it cannot be read.
    """
    return read_target_text(text_of(path), str(path), path.parent, adapters)


def read_target_text(text: str, file: str, folder: Path, adapters: Adapters) -> Target:
    """The target of a text.

    Args:
        file: what complaints call it.
        folder: where its contract file and logs lie.

    Raises:
        ScenarioError: as for `read_target`.
    """
    root, complaints = read_tree(text, file, Budget())
    return _target(root, complaints, folder, adapters)


def target_of(document: Mapping[str, Any], folder: Path, adapters: Adapters) -> Target:
    """The target of a bare document that was read before.

    Raises:
        ScenarioError: it does not fit any more.
    """
    return _target(_node(document), [], folder, adapters)


def _target(root: Node, complaints: list[Complaint], folder: Path, adapters: Adapters) -> Target:
    document = plain(root)
    if not isinstance(document, dict):
        raise refuse([root.place.complaint("", "expected keys with values, such as target, url, adapter, totals")])
    wrongs = list(complaints)
    typed: TargetFile | None = None
    try:
        typed = TargetFile.model_validate(document)
    except ValidationError as error:
        wrongs += complaints_of(error, TargetFile, root)
    reading = _Reading(root, document, folder, wrongs)
    adapter, options = reading.adapter(adapters)
    contract = reading.contract(adapter, adapters[adapter].contract)
    if typed is not None:
        reading.check(typed, contract)
    if wrongs or typed is None:
        raise refuse(sorted(wrongs, key=lambda complaint: (complaint.line, complaint.column)))
    kept = {key: value for key, value in document.items() if key not in _IN_FORCE}
    return Target(typed, adapter, options, contract, folder, kept)


class _Reading:
    """The parts of one target file that have models of their own, and what is wrong with them."""

    def __init__(self, root: Node, document: dict[str, Any], folder: Path, wrongs: list[Complaint]) -> None:
        self._root, self._document, self._folder, self._wrongs = root, document, folder, wrongs
        self._places = dict(places(root))

    def place(self, path: str) -> Place:
        """Where a part of the file stands; of one that is not there, the nearest around it."""
        while path and path not in self._places:
            path = path.rpartition(".")[0]
        return self._places[path]

    def complain(self, path: str, text: str) -> None:
        self._wrongs.append(self.place(path).complaint(path, text))

    def adapter(self, known: Adapters) -> tuple[str, dict[str, Any]]:
        """The adapter's name and its own options, held against its model."""
        given = self._document.get("adapter", "dmhub")
        options = dict(given) if isinstance(given, dict) else {}
        name = options.pop("name", None) if isinstance(given, dict) else given
        where = "adapter.name" if isinstance(given, dict) and "name" in given else "adapter"
        if not isinstance(name, str):
            self.complain(where, f"expected an adapter's name, such as dmhub, or {{name: dmhub, …}}, not {shown(name)}")
            return "dmhub", {}
        if name not in known:
            self.complain(where, f"no adapter {name}{did_you_mean(name, known)}")
            return "dmhub", {}
        self._fits(options, known[name].options, "adapter", without=("name",))
        return name, options

    def contract(self, adapter: str, base: ContractFile) -> GivenContract:
        """The contract with what the file says beside it, over what is the adapter's."""
        given = self._document.get("contract")
        found = self._contract(given)
        file = ContractFile.model_construct(**{**_given(base), **_given(found.file)})
        settle = self._document.get("settle")
        beside = [("replies", "replies", self._document.get("replies"))]
        if isinstance(settle, dict):
            beside += [("settle", key, settle.get(key)) for key in SettleSection.model_fields]
        extra = {key: value for _, key, value in beside if value is not None}
        for part, key, _ in beside:
            if key in extra and getattr(found.file, key) is not None:
                self.complain(part, f"the contract says {key} as well; expected it in one of the two places")
        try:
            more = ContractFile.model_validate(extra)
            file = ContractFile.model_construct(**{**_given(file), **_given(more)})
        except ValidationError:
            pass  # which the file's own model complains of
        name = found.name or str(self._document.get("target", adapter))
        return GivenContract(name, file)

    def _contract(self, given: object) -> GivenContract:
        if given is None:
            return GivenContract("")
        if isinstance(given, dict):
            self._fits(given, ContractFile, "contract")
            try:
                return GivenContract(str(given.get("name") or ""), ContractFile.model_validate(given))
            except ValidationError:
                return GivenContract("")
        if not isinstance(given, str):
            self.complain("contract", str(wrong("the name or path of a contract, or its keys", given)))
            return GivenContract("")
        if given in NAMED:
            return GivenContract(given, NAMED[given])
        path = self._folder / given
        if not path.is_file():
            hint = did_you_mean(given, NAMED) if "." not in given else ""
            self.complain("contract", f"no contract {given}, and no such file beside this one{hint}")
            return GivenContract("")
        try:
            return read_contract_text(text_of(path), str(path))
        except ScenarioError as bad:
            self._wrongs.extend(bad.complaints)
            return GivenContract("")

    def _fits(self, given: dict[str, Any], model: type[BaseModel], path: str, *, without: tuple[str, ...] = ()) -> None:
        """Complain where a part of the file does not fit a model."""
        try:
            model.model_validate(given)
        except ValidationError as error:
            node = self._node(path)
            if isinstance(node.value, dict):
                node = Node(node.place, {key: entry for key, entry in node.value.items() if key not in without})
            for one in complaints_of(error, model, node):
                below = f"{path}.{one.path}" if one.path else path
                self._wrongs.append(Complaint(one.file, one.line, one.column, below, one.text))

    def _node(self, path: str) -> Node:
        value = self._root.value
        return value[path].node if isinstance(value, dict) and path in value else self._root

    def check(self, file: TargetFile, contract: GivenContract) -> None:
        """Rules over more than one part."""
        if file.totals.events is not None and file.events is None:
            self.complain(
                "totals", "the totals are counted from the listed events, and no key events says how to list them"
            )
        events = file.events
        if events is not None and events.log is not None:
            arrives = (contract.file.time or Contract().time) == "arrival"
            if arrives and not events.log.parsed().tells_time:
                self.complain(
                    "events.log.format",
                    "the contract counts by arrival, and the format has no time; add $msec or $time_iso8601 (nginx), "
                    "or %t (Apache)",
                )
        left_out = figures_named(file.not_read)
        if {(metric, "all") for metric in METRICS} <= left_out:
            self.complain("not_read", "none of the four totals is left, so nothing would be judged")
        if file.totals.sql is not None:
            for kind in file.totals.sql.queries:
                if all((metric, kind) in left_out for metric in METRICS):
                    self.complain(f"totals.sql.queries.{kind}", f"{kind} is asked for here, and stands in not_read")


def check_scope(target: Target, scenario: Scenario) -> None:
    """A scenario outside of what a target takes would be judged by events that do not count.

    Raises:
        ScenarioError: it is outside.
    """
    scope, app = target.file.scope, scenario.app
    for name, wanted, has in (("appid", scope.appid, app.appid), ("tenant", scope.tenant, app.tenant)):
        if wanted is not None and wanted != has:
            text = f"the target {target.name} takes {name} {wanted} only, not {has or 'none'}"
            raise ScenarioError([scenario.complaint(f"app.{name}", text)])
    for name, source in scenario.sources.items():
        said = dict(parameters(split_path(source.path or "")[1])).get("cl_sr", "")
        if scope.source is not None and said and not said.startswith(scope.source):
            text = f"the target {target.name} takes sources that begin with {scope.source} only, not {said}"
            raise ScenarioError([scenario.complaint(f"sources.{name}", text)])


def _given(section: ContractFile) -> dict[str, Any]:
    """What a contract says, without what it leaves out."""
    return {name: value for name in ContractFile.model_fields if (value := getattr(section, name)) is not None}


def _node(value: object) -> Node:
    """A tree of a bare document, whose places say nothing."""
    place = Place("run.json", 1, 1)
    if isinstance(value, Mapping):
        return Node(place, {str(key): Entry(place, _node(one)) for key, one in value.items()})
    if isinstance(value, list | tuple):
        return Node(place, [_node(one) for one in value])
    assert value is None or isinstance(value, bool | int | float | str)
    return Node(place, value)
