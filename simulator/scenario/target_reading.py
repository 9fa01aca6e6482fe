"""How a target file says that totals and stored events are read: one section a kind of source.

What a section means, and what is done with a reply, is verify/readers/, one file for each section here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from simulator.contract import METRICS
from simulator.scenario.log_format import LogFormat, parse_format
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.placeholders import OF_A_PAGE, names_in, placed_texts
from simulator.scenario.secret import FromEnvironment, Secret, Text, Texts
from simulator.scenario.target_values import (
    Argv,
    BaseUrl,
    Expression,
    Files,
    FormatText,
    Identities,
    Pages,
    PathText,
    Queries,
    Query,
    check_of_a_request,
    check_texts_of_the_run,
)
from simulator.scenario.values import Duration, Flag, Model, Status, WrongAt, shown, wrong
from simulator.times import Ms

Kind = Literal["all", "source", "content", "hour", "day", "page"]


# ---- what of a document is which figure ---------------------------------------------------------------------------


class FiguresSection(Model):
    """Where one kind of cell stands in a JSON document."""

    by: Kind = Field(default="all", description="Which kind of cell.")
    rows: Expression | None = Field(
        default=None,
        description="The rows: a list with one row a cell, or keys with one row each. Left out: the document itself.",
    )
    cell: Expression | None = Field(default=None, description="In a row: the cell's name. Left out: the row's key.")
    pv: Expression | None = Field(default=None, description="In a row: views.")
    uv: Expression | None = Field(default=None, description="In a row: visitors.")
    opens: Expression | None = Field(default=None, description="In a row: opens.")
    new_users: Expression | None = Field(default=None, description="In a row: new users.")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those that it gives."""
        return tuple(metric for metric in METRICS if getattr(self, metric) is not None)

    @model_validator(mode="after")
    def _gives_something(self) -> FiguresSection:
        if not self.metrics:
            raise ValueError("expected at least one of pv, uv, opens or new_users, with where it stands in a row")
        if self.by == "page" and not set(self.metrics) <= {"pv", "uv"}:
            wrong_one = next(metric for metric in self.metrics if metric not in {"pv", "uv"})
            raise WrongAt("pages have no opens and no new users; expected pv or uv", wrong_one)
        return self


class EventFields(Model):
    """Where the fields of a stored event stand in an item of a list. What is left out is not compared."""

    external_id: Expression = Field(description="The id that the event was sent with.")
    event: Expression | None = Field(default=None, description="Its name, such as mini_program_view.")
    date: Expression | None = Field(
        default=None, description="Its instant: ISO 8601 with an offset, or seconds or milliseconds since 1970."
    )
    anonymous_id: Expression | None = None
    identities: Identities = Field(
        default={},
        description="By identity type; or where all of them stand, as an object of type and value or a list of pairs.",
    )
    source: Expression | None = None
    content: Expression | None = None
    page: Expression | None = Field(default=None, description="The route of a view.")
    received: Expression | None = Field(default=None, description="When it came, as date.")
    actions: dict[Literal["open", "view", "show"], list[str]] = Field(
        default={}, description="What events are, by their names; mini_program_open and mini_program_view unless given."
    )

    session: Expression | None = Field(
        default=None, description="The tracker's session id, where the contract counts opens by it; not compared."
    )
    user: Expression | None = Field(
        default=None, description="Whom the collector takes it to be of, where it says so; counted by, not compared."
    )
    compare: list[Literal["event", "date", "anonymous_id", "identities", "source", "content", "page"]] | None = Field(
        default=None, description="Which fields are compared with the plan; all that stand here unless given."
    )

    @property
    def identity_types(self) -> frozenset[str] | None:
        """The types that stand here; None: all, in one place."""
        return None if isinstance(self.identities, str) else frozenset(self.identities)

    def action_of(self, event: str) -> str:
        """What an event is by its name; empty where the name itself says it."""
        named = next((action for action, names in self.actions.items() if event in names), "")
        return named or ("custom" if self.actions else "")


class DecodeSection(Model):
    """The request that brought an item, out of it: it is decoded by the adapter, which tells every field."""

    method: Literal["GET", "POST", "PUT"] = "POST"
    target: Expression | None = Field(default=None, description="In an item: path and query, as one text.")
    path: Annotated[str, Field(max_length=1_000)] = Field(
        default="", description="Path of the request, where target says none; the adapter's own unless given."
    )
    query: Expression | None = Field(
        default=None, description="In an item: the query, as a text or as keys with values."
    )
    headers: dict[str, str] = Field(default={}, description="Of the request, as far as the adapter needs them.")
    body: Expression | None = Field(
        default=None, description="In an item: the body; a text as it is, anything else as JSON."
    )

    @model_validator(mode="after")
    def _is_a_request(self) -> DecodeSection:
        if self.target is None and self.query is None and self.body is None:
            raise ValueError("expected target, query or body: where in an item its request stands")
        return self


class ItemsSection(Model):
    """How an item of a list is read as a stored event; one of these."""

    fields: EventFields | None = None
    decode: DecodeSection | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> ItemsSection:
        if (self.fields is None) is (self.decode is None):
            raise ValueError(
                "expected either fields, where each stands in an item, or decode, where its request stands"
            )
        return self


# ---- HTTP ---------------------------------------------------------------------------------------------------------


class BasicSection(Model):
    """User and password."""

    user: Text
    password: Secret


class AuthSection(Model):
    """How a reader says who it is."""

    bearer: Secret | None = None
    basic: BasicSection | None = None

    @model_validator(mode="after")
    def _is_one(self) -> AuthSection:
        if (self.bearer is None) is (self.basic is None):
            raise ValueError("expected either bearer: {env: NAME} or basic: {user: …, password: {env: NAME}}")
        return self


class PagesSection(Model):
    """How a reply that has several pages goes on."""

    next: Expression | None = Field(default=None, description="In the reply: URL or path of the next page.")
    cursor: Expression | None = Field(
        default=None, description="In the reply: what {cursor} is for the next page; nothing ends the list."
    )
    first: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = Field(
        default=1, description="The first {page}; pages are counted until one has no rows."
    )
    size: Pages | None = Field(default=None, description="Rows of a full page: one with fewer is the last.")
    most: Pages = Field(default=1_000, description="More pages than this are an error.")


class RequestSection(Model):
    """One request; its texts may hold {from}, {to}, {namespace} and others."""

    method: Literal["GET", "POST"] = "GET"
    path: PathText
    query: Texts = Field(default={})
    headers: Texts = Field(default={})
    json_body: Any = Field(default=None, alias="json", description="Body of a POST, as JSON.")
    form: Texts = Field(default={}, description="Body of a POST, as a form.")
    pages: PagesSection | None = None

    @model_validator(mode="after")
    def _is_a_request(self) -> RequestSection:
        if (self.json_body is not None or self.form) and self.method != "POST":
            said = "only a POST has a body; write method: POST"
            raise WrongAt(said, "form" if self.json_body is None else "json")
        if self.json_body is not None and self.form:
            raise WrongAt("a body is either json or a form", "form")
        texts = {
            "path": self.path, "query": self.query, "headers": self.headers, "json": self.json_body, "form": self.form,
        }  # fmt: skip
        check_of_a_request(texts)
        paging = {name: where for text, where in placed_texts(texts) for name in names_in(text) if name in OF_A_PAGE}
        if paging and self.pages is None:
            name, where = next(iter(paging.items()))
            raise WrongAt(f"{{{name}}} has a meaning only with pages; say with pages: how the reply goes on", *where)
        if self.pages is not None and not paging and self.pages.next is None:
            said = "with pages the request must name {cursor}, {page} or {offset}, or pages must say next"
            raise WrongAt(said, "pages")
        if self.pages is not None and self.pages.cursor is None and "cursor" in paging:
            said = "{cursor} is asked for, and pages does not say where the reply has it; add cursor to pages"
            raise WrongAt(said, "pages")
        return self


class FiguresRequest(RequestSection, FiguresSection):
    """One request, and where in its reply the figures stand."""


class HttpSection(Model):
    """Totals asked for over HTTP."""

    url: BaseUrl | None = Field(default=None, description="The target's url unless given.")
    headers: Texts = Field(default={})
    auth: AuthSection | None = None
    timeout: Duration = Field(default=Ms(30_000), description="For one reply.")
    requests: Annotated[list[FiguresRequest], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_filled(self) -> HttpSection:
        check_texts_of_the_run({"headers": self.headers})
        return self


class HttpEventsSection(ItemsSection, RequestSection):
    """Stored events listed over HTTP, oldest first."""

    url: BaseUrl | None = Field(default=None, description="The target's url unless given.")
    auth: AuthSection | None = None
    timeout: Duration = Field(default=Ms(60_000), description="For one reply.")
    rows: Expression | None = Field(default=None, description="The list in a reply. Left out: the reply itself.")
    newest_first: Flag = Field(default=False, description="Whether the list begins with what came last.")


# ---- SQL ----------------------------------------------------------------------------------------------------------


class DatabaseSection(Model):
    """A database, by SQLAlchemy's URL. It is only read from."""

    database: Text = Field(description="Such as postgresql+psycopg://reader@127.0.0.1/analytics; no password in it.")
    password: Secret | None = None
    timeout: Duration = Field(default=Ms(30_000), description="For one query.")

    @field_validator("database")
    @classmethod
    def _is_a_database(cls, url: str | FromEnvironment) -> str | FromEnvironment:
        if isinstance(url, str):
            match = re.fullmatch(r"[a-z][a-z0-9_]*(\+[a-z0-9_]+)?://(?:[^@/]*@)?.*", url)
            if match is None:
                raise wrong("a database URL such as postgresql+psycopg://reader@127.0.0.1/analytics", url)
            if re.match(r"[^/]*//[^@/]*:[^@/]*@", url):
                raise ValueError("a password stands in this URL; take it out and write password: {env: NAME}")
        return url


class SqlSection(DatabaseSection):
    """Totals asked for in SQL: queries by kind of cell, with the columns cell, pv, uv, opens, new_users."""

    queries: dict[Kind, Queries] = Field(
        min_length=1,
        description="By kind of cell. Parameters: :from, :to, :from_ms, :to_ms, :namespace, :zone and others.",
    )


class SqlEventsSection(DatabaseSection):
    """Stored events by one query, in the order of their arrival; its columns are named as the fields of an event."""

    query: Query


# ---- others -------------------------------------------------------------------------------------------------------


class MonitorSection(Model):
    """A collector with mpsim's own interface: GET /monitor/totals, /events/good and /events/bad."""

    token: Secret | None = Field(default=None, description="Sent as access_token.")


class CountedSection(Model):
    """The totals are what the listed events come to: for a collector that only keeps them."""


class CommandSection(Model):
    """A program that prints JSON. No shell reads it; its environment is that of mpsim."""

    run: Argv = Field(description="The program and its arguments, such as [python3, totals.py, --from, '{from}'].")
    timeout: Duration = Field(default=Ms(30_000), description="After so long it is ended.")
    figures: list[FiguresSection] = Field(
        default=[],
        description='Left out: it prints {"all": {"": {"pv": 1, …}}, "source": {"ad": {…}}, …}.',
    )


class CommandEventsSection(ItemsSection):
    """A program that prints stored events as JSON, oldest first."""

    run: Argv
    timeout: Duration = Field(default=Ms(60_000), description="After so long it is ended.")
    rows: Expression | None = Field(default=None, description="The list in what it prints. Left out: all of it.")


class LogSection(Model):
    """An access log of nginx or Apache, whose lines hold the requests that brought the events."""

    files: Files = Field(description="Paths, from the target file's folder; {env: NAME} for a path from there.")
    rotated: Flag = Field(default=True, description="Also FILE.1, FILE.2.gz, FILE-20260301 and so on.")
    format: FormatText = Field(
        default="combined", description="combined, common, or the text of nginx's log_format or Apache's LogFormat."
    )
    escape: Literal["default", "json", "none"] = Field(
        default="default", description="The escape of nginx's log_format; default also for Apache."
    )
    statuses: list[Status] = Field(
        default=[], description="Of requests whose events are stored. Left out: those by which they are acked."
    )

    def parsed(self) -> LogFormat:
        """The format as its lines are read."""
        return parse_format(self.format, self.escape)


# ---- one of several -----------------------------------------------------------------------------------------------


def _one_of(value: object, names: Mapping[str, bool], what: str) -> object:
    """`monitor` as {monitor: {}}; refuse two at once, and none.

    Args:
        names: whether each may stand alone.
    """
    if isinstance(value, str):
        if names.get(value):
            return {value: {}}
        if value in names:
            raise ValueError(f"{value} needs what stands in it; see mpsim schema target")
        raise ValueError(f"{shown(value)} is no way to read {what}{did_you_mean(value, names)}")
    if isinstance(value, Mapping):
        known = [name for name in value if name in names]
        if len(known) > 1:
            raise ValueError(f"{known[0]} and {known[1]} exclude each other; expected one way to read {what}")
        return {name: {} if one is None and names.get(name) else one for name, one in value.items()}
    return value


_TOTALS = {"monitor": True, "events": True, "http": False, "sql": False, "command": False}
_EVENTS = {"monitor": True, "http": False, "sql": False, "log": False, "command": False}
ALONE = {  # ways that need no more than their name
    "totals": tuple(name for name, alone in _TOTALS.items() if alone),
    "events": tuple(name for name, alone in _EVENTS.items() if alone),
}


class _OneOfSeveral(Model):
    """A section for each way that there is, and one of them given."""

    @model_validator(mode="after")
    def _is_one(self) -> _OneOfSeveral:
        if self.kind == "":
            raise ValueError(f"expected one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def kind(self) -> str:
        """Which it is."""
        return next((name for name in type(self).model_fields if getattr(self, name) is not None), "")


class TotalsSection(_OneOfSeveral):
    """How the totals are read; one of these."""

    monitor: MonitorSection | None = None
    events: CountedSection | None = None
    http: HttpSection | None = None
    sql: SqlSection | None = None
    command: CommandSection | None = None


class EventsSection(_OneOfSeveral):
    """How stored events are listed; one of these."""

    monitor: MonitorSection | None = None
    http: HttpEventsSection | None = None
    sql: SqlEventsSection | None = None
    log: LogSection | None = None
    command: CommandEventsSection | None = None


TotalsWay = Annotated[TotalsSection, BeforeValidator(lambda value: _one_of(value, _TOTALS, "totals"))]
EventsWay = Annotated[EventsSection, BeforeValidator(lambda value: _one_of(value, _EVENTS, "events"))]
