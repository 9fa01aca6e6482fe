"""Matomo's tracking API: one hit a request in the query, or many in the JSON of a bulk request, oldest first.

A view is a page view. Matomo knows no opens: its visits are cut by 30 minutes without an action, midnight and another
campaign. So a launch and a return leave nothing of their own, unless `opens: event` asks for an event hit of the
category `app`, which is no page view; that of a launch begins a visit (`new_visit=1`).

Source: matomo-org, tracking API 5.x; openmost's SDK for mini programs (address, bulk, cdt per hit).
Assumed: `_id` is made of the device's id; other events are event hits of the category `custom`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from simulator.events import NO_SOURCE, Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Number, Secret, Size, UserOptions, revealed
from simulator.scenario.queue_options import SingleOptions
from simulator.scenario.values import Duration, Flag
from simulator.times import SECOND, Ms
from simulator.wire.addresses import Names, address, read_address
from simulator.wire.javascript import encode_component
from simulator.wire.json_text import number_of, object_in, parse_json, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.query import build, parse
from simulator.wire.request import Action, Answer, Evidence, Outcome, Record, WireError
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, digits_of, one_identity, said

CAMPAIGN = Names("mtm_campaign", "mtm_content")  # what Matomo reads from an address

_APP = {Kind.LAUNCH: "launch", Kind.SHOW: "show"}
_ACTIONS = {"launch": Action.OPEN, "show": Action.SHOW}


class MatomoOptions(BatchOptions, SingleOptions, UserOptions):
    """What an app chooses."""

    batch: Size = 20
    every: Duration = Ms(5 * SECOND)
    site: Number = 1
    token_auth: Secret = ""  # for hits older than 24 hours
    single: Flag = False  # one hit a request, in the query
    opens: Literal["none", "event"] = "none"  # event: a launch and a return are event hits as well


class Matomo(Vendor):
    """One mini program's tracker."""

    name = "matomo"
    carries = Vendor.USUAL

    def __init__(self, options: WireOptions, own: MatomoOptions) -> None:
        super().__init__(options, batch=1 if own.single else own.batch, every=own.every)
        self._own = own
        self._token = revealed(own.token_auth)

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        if event.kind is Kind.VIEW:
            own: Message = {"action_name": moment.page, "pv_id": moment.unique()[:6]}
            if moment.previous:
                own["urlref"] = address(self.options.appid, moment.previous, "", NO_SOURCE)
        elif event.kind in _APP and self._own.opens == "event":
            own = {"e_c": "app", "e_a": _APP[event.kind], "ca": "1"}
            if event.kind is Kind.LAUNCH:
                own["new_visit"] = "1"
        elif call is not None:
            own = {"e_c": "custom", "e_a": call.event, "ca": "1", **({"e_n": call.name} if call.name else {})}
        else:
            return (), memory
        return (self._common(moment) | own,), memory

    def _common(self, moment: Moment) -> Message:
        event, device = moment.event, moment.event.device
        told: Message = {
            "idsite": str(self._own.site),
            "rec": "1",
            "apiv": "1",
            "url": address(self.options.appid, moment.page, moment.query, event.source, CAMPAIGN),
            "_id": digits_of(device.anonymous_id)[:16],
            "rand": moment.unique("rand")[:8],
            "cdt": str(moment.at // 1000),
            "res": f"{device.width}x{device.height}",
            "lang": "zh-CN",
            "ua": device.user_agent,
            "send_image": "0",
        }
        user = moment.identity(self._own.user)
        return told | ({"uid": user} if user else {})

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        queries = [build({key: str(value) for key, value in message.items()}) for message in messages]
        if self._own.single:
            token = f"&token_auth={encode_component(self._token)}" if self._token else ""
            target = f"{self.options.path}?{queries[0]}{token}"
            return Carried("GET", target, self.headers(sending.device, "application/json"))
        hits: list[Json] = [f"?{query}" for query in queries]
        body: Message = {"requests": hits} | ({"token_auth": self._token} if self._token else {})
        return Carried(
            "POST", self.options.path, self.headers(sending.device, "application/json"), stringify(body).encode()
        )

    def read(self, captured: Captured) -> list[Message]:
        query = self.check(captured, "GET", "POST")
        if captured.method == "GET" or query:
            return [_hit(query)]
        if captured.body[:1] != b"{":
            return [_hit(captured.body.decode("utf-8", "surrogateescape").replace("+", " "))]
        hits = object_in(parse_json(captured.body), "the body").get("requests")
        if not isinstance(hits, list):
            raise WireError("requests is no JSON array")
        return [_hit(one.partition("?")[2]) if isinstance(one, str) else object_in(one, "a request") for one in hits]

    def record(self, message: Message) -> Record:
        category, name = text_of(message, "e_c"), text_of(message, "e_a")
        action = Action.VIEW
        if text_of(message, "ping") == "1":
            action, name = Action.PING, "ping"
        elif category:
            action = _ACTIONS.get(name, Action.CUSTOM) if category == "app" else Action.CUSTOM
        elif text_of(message, "ca") == "1":
            action = Action.CUSTOM
        page, source, content = read_address(text_of(message, "url"), CAMPAIGN)
        seconds = number_of(message, "cdt")
        return said(
            action,
            name or "page view",
            None if seconds is None else seconds * 1000,
            anonymous_id=text_of(message, "_id") or text_of(message, "cid"),
            identities=one_identity(self._own.user, text_of(message, "uid")),
            source=source,
            content=content,
            page=page,
        )

    def outcome(self, answer: Answer) -> Outcome:
        """By the status, and of a bulk reply by its counts: `tracked` and `invalid`.

        Where some hits are invalid and the reply does not say which, each may be the one.
        """
        plain = super().outcome(answer)
        told = _bulk_reply(answer) if plain is Outcome.ACKED else None
        if told is None:
            return plain
        if told.get("status") != "success":
            return Outcome.UNKNOWN
        if number_of(told, "invalid") == 0:
            return Outcome.ACKED
        return Outcome.REFUSED if number_of(told, "tracked") == 0 else Outcome.UNKNOWN

    def outcomes(self, events: int, answer: Answer) -> Sequence[Outcome] | None:
        """Of each hit, where the reply names the places of the invalid ones (`invalid_indices`, from 0 on)."""
        told = _bulk_reply(answer) if super().outcome(answer) is Outcome.ACKED else None
        if told is None or told.get("status") != "success":
            return None
        places = told.get("invalid_indices")
        tracked, invalid = number_of(told, "tracked"), number_of(told, "invalid")
        if not isinstance(places, list) or tracked is None or invalid is None or tracked + invalid != events:
            return None
        wrong = {place for place in places if isinstance(place, int) and 0 <= place < events}
        if len(wrong) != invalid:
            return None
        return [Outcome.REFUSED if place in wrong else Outcome.ACKED for place in range(events)]


def _bulk_reply(answer: Answer) -> Message | None:
    """The JSON object of a bulk reply, an empty one where it is torn; None where the reply is none."""
    if answer.evidence is not Evidence.REPLY or answer.body[:1] != b"{":
        return None
    try:
        told = object_in(parse_json(answer.body), "the reply")
    except WireError:
        return {}
    return told if told.keys() & {"tracked", "invalid", "status"} else None


def _hit(query: str) -> Message:
    fields, _ = parse(query)
    if fields.get("rec") != "1":
        raise WireError("a hit has rec=1")
    return dict(fields)


FORMAT = tracker_format(
    Matomo.name,
    MatomoOptions,
    Matomo,
    path="/matomo.php",
    contract={
        "opens": "timeout=30m",
        "dedupe": "none",
        "midnight": True,
        "source_change": True,
        "replies": {"acked": [200, 204]},
    },
)
