"""The generic adapter's own options: a request written as templates, and the rules that no single template shows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from simulator.contract import BodyRule
from simulator.scenario.adapter_options import BatchOptions, SessionOptions
from simulator.scenario.event_template import (
    OF_A_BATCH,
    OF_THE_REQUEST,
    EventText,
    HeaderName,
    JsonTemplate,
    PathTemplate,
    TextTemplate,
    check_fields,
    fields_in,
    placed_fields,
)
from simulator.scenario.secret import looks_secret
from simulator.scenario.values import BodyValues, Flag, Model, WrongAt, Zone

_BATCH_ALONE = "{events} stands alone as the value of a key in body.json, or as the whole of it"


def _no_secret(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if looks_secret(name) and value and not any(part.name.startswith("env.") for part in fields_in(value)):
            said = (
                f"{name} is a secret, which does not belong into a file; write {name}: with {{env.NAME}} in its place"
            )
            raise WrongAt(said, name)
    return headers


class NamesSection(Model):
    """What the events are called; null: nothing is sent of it. An application's own event has its own name."""

    launch: EventText | None = "launch"
    view: EventText | None = "view"
    show: EventText | None = Field(
        default=None, description="A return from the background; under opens: every-foreground it is sent as `show`."
    )
    hide: EventText | None = None
    share: EventText | None = None
    push: EventText | None = Field(default=None, description="Identities were given to the tracker.")


class TemplateBody(Model):
    """One of json, form and text."""

    document: JsonTemplate = Field(default=None, alias="json", description="Any JSON; each text in it is a template.")
    form: dict[str, TextTemplate] | None = Field(default=None, description="application/x-www-form-urlencoded")
    text: TextTemplate | None = None
    escape: Literal["json", "url", "xml"] | None = Field(
        default=None, description="How fields are escaped in `text`, which needs it: its own format is not known."
    )

    @model_validator(mode="after")
    def _is_one(self) -> TemplateBody:
        given = [name for name in ("document", "form", "text") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("expected exactly one of json, form and text")
        if (self.text is None) != (self.escape is None):
            raise ValueError("expected escape: json, url or xml beside text, and nowhere else")
        return self


class AnswersSection(Model):
    """Where a reply says of each event of a request whether it is stored: a list, in the order of the events."""

    list_: Annotated[str, Field(max_length=256)] = Field(
        default="", alias="list", description="Keys to the list in the reply's JSON, with dots; empty: it is the whole."
    )
    key: Annotated[str, Field(max_length=256)] = Field(
        default="", description="Of an item of the list, whose value tells; empty: the item itself does."
    )
    acked: BodyValues = Field(description="Values by which the event is stored.")
    refused: BodyValues = Field(default=(), description="Values by which it is not. Any other may mean anything.")

    @model_validator(mode="after")
    def _can_tell(self) -> AnswersSection:
        self.rule()
        return self

    def rule(self) -> BodyRule:
        """What one item means."""
        return BodyRule(self.key or "item", self.acked, self.refused)


class GenericOptions(BatchOptions, SessionOptions):
    """A request as templates."""

    method: Literal["GET", "POST", "PUT"] = "POST"
    path: PathTemplate = "/collect"
    query: dict[str, TextTemplate] = Field(default_factory=dict)
    headers: Annotated[dict[HeaderName, TextTemplate], AfterValidator(_no_secret)] = Field(default_factory=dict)
    body: TemplateBody | None = None
    event: JsonTemplate = Field(default=None, description="One of the events that share a request, as any JSON.")
    lines: Flag = Field(default=False, description="The body is the events, each on a line of its own.")
    packed: Flag = Field(default=False, description="The body is packed with gzip, and Content-Encoding says so.")
    answers: AnswersSection | None = None
    names: NamesSection = NamesSection()
    zone: Annotated[Zone, Field(description="Of local_time.")] = "Asia/Shanghai"

    @property
    def fixed_path(self) -> str:
        """Nothing: the path is a template."""
        return ""

    @property
    def around(self) -> list[object]:
        """Every template of the request but `event`."""
        return [template for template, _ in self._around]

    @property
    def _around(self) -> list[tuple[object, str]]:
        """Each with the keys that lead to it, separated by dots."""
        body = self.body
        parts = (("json", body.document), ("form", body.form), ("text", body.text)) if body is not None else ()
        return [
            (self.path, "path"),
            (self.query, "query"),
            (self.headers, "headers"),
            *((part, f"body.{name}") for name, part in parts),
        ]

    def _first(self, names: Collection[str]) -> tuple[str | int, ...]:
        """The keys that lead to the first of some fields around the events; none where there is none."""
        for template, keys in self._around:
            for field, where in placed_fields(template, *keys.split(".")):
                if field.name in names:
                    return where
        return ()

    @model_validator(mode="after")
    def _can_be_sent(self) -> GenericOptions:
        self._check_batch()
        body = self.body
        if self.method == "GET" and (body is not None or self.lines):
            raise ValueError("a GET has no body; say method: POST, or write the fields into query")
        if self.method != "GET" and body is None and not self.lines and not self.query:
            raise ValueError("nothing says what is sent: expected body, query, or event with lines")
        used = {field.name for field in (*fields_in(self.around), *fields_in(self.event))}
        if not used & {"event", "kind"}:
            raise ValueError("no template says which event it is; put {event} or {kind} where the collector reads it")
        if "kind" not in used:
            self._check_names()
        return self

    def _check_batch(self) -> None:
        body, lists = self.body, [field.name for field in fields_in(self.around)]
        if self.event is None:
            if self.answers is not None:
                raise WrongAt(
                    "answers speaks of the events of a request, and needs event; see replies for one event", "answers"
                )
            if self.batch > 1:
                said = f"batch: {self.batch} needs event, the template of one of the events in a request"
                raise WrongAt(said, "batch")
            if self.lines or set(lists) & set(OF_A_BATCH):
                where = self._first(OF_A_BATCH) or ("lines",)
                raise WrongAt("{events}, {count} and lines need event, the template of one of the events", *where)
            return
        if body is not None and self.lines:
            raise WrongAt("lines is a whole body: leave body out", "lines")
        for template, keys in self._around:
            check_fields(template, OF_THE_REQUEST, OF_A_BATCH, event=False, at=tuple(keys.split(".")))
        for field, where in placed_fields(self.event, "event"):
            if field.name in OF_A_BATCH:
                raise WrongAt("{events} and {count} are of the request, and cannot stand in event", *where)
        if not self.lines and (lists.count("events") != 1 or not _stands_alone(body.document if body else None)):
            where = self._first(["events"]) or (("body",) if body is not None else ())
            raise WrongAt(f"the events of a request stand nowhere: {_BATCH_ALONE}; or say lines: true", *where)

    def _check_names(self) -> None:
        names = [name for name in self.names.model_dump().values() if name is not None]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two kinds of events are called {twice[0]}; give each its own name, or send {{kind}}")


def _stands_alone(document: object) -> bool:
    if document == "{events}":
        return True
    if isinstance(document, dict):
        return any(_stands_alone(value) for value in document.values())
    return isinstance(document, list) and any(map(_stands_alone, document))
