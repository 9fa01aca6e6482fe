"""One request as it is kept and shown: what it said, within bounds, and what was answered.

Every text in an entry is a stranger's and cut to a length; making it harmless for a terminal or a page is report/'s.
"""

from __future__ import annotations

from enum import StrEnum

from simulator.events import Json
from simulator.immutable import immutable
from simulator.times import Ms

Pairs = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """What a request came to."""

    EVENTS = "events"
    LOOKUP = "lookup"  # of the complete URL of a code
    ASIDE = "aside"  # a tracker's call that carries no event, such as for its settings
    UNKNOWN = "unknown"  # in an encoding that nobody here reads
    REFUSED = "refused"  # no HTTP, or larger than what is read


@immutable(frozen=True, slots=True)
class Note:
    """What a rule has to say of one event."""

    code: str
    level: str  # error, warning, info
    text: str


@immutable(frozen=True, slots=True)
class Said:
    """One event of a request."""

    event: str
    action: str  # what it is to the four numbers: open, view, show, exit, ping, custom
    date: Ms | None  # as the event says it
    visitor: str  # the openid, else another identity, else the device; empty: nobody is named
    device: str
    identities: Pairs  # (type, value)
    source: str
    content: str
    page: str
    bad: str  # why it must not be counted; empty: it is good
    notes: tuple[Note, ...] = ()
    fields: Pairs = ()  # what the wire says, under its own names

    @property
    def is_bad(self) -> bool:
        """Whether something is wrong with it."""
        return bool(self.bad) or any(note.level == "error" for note in self.notes)


@immutable(frozen=True, slots=True)
class Answered:
    """What the phone was told, or that the collector could not be reached."""

    status: int
    by: str  # mpsim, collector
    ms: int  # from the request's last byte
    headers: Pairs = ()
    body: bytes = b""  # cut
    failed: str = ""  # why it could not be passed on


@immutable(frozen=True, slots=True)
class Entry:
    """One request."""

    number: int  # 0-based, in the order in which they came
    at: Ms  # when its last byte came
    kind: Kind
    client: str  # address of the sender
    method: str = ""
    target: str = ""  # path and query, cut
    host: str = ""
    headers: Pairs = ()
    content_type: str = ""
    size: int = 0  # bytes of the body as it came
    body: bytes = b""  # cut
    unpacked: bytes | None = None  # of a packed body, cut; None: it is not packed
    format: str = ""  # the adapter that read it
    why: str = ""  # of UNKNOWN, ASIDE and REFUSED
    said: tuple[Said, ...] = ()  # the first events, oldest first
    events: int = 0  # all of them
    bad: int = 0  # of all of them
    answered: Answered | None = None  # None: not yet

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


_LOOK = 4_096  # bytes of a body in the details of a request


def brief(entry: Entry) -> dict[str, Json]:
    """An entry as the page's list shows it."""
    return {
        "number": entry.number,
        "at": entry.at,
        "kind": entry.kind,
        "client": entry.client,
        "method": entry.method,
        "path": entry.path,
        "format": entry.format,
        "type": entry.content_type,
        "size": entry.size,
        "why": entry.why,
        "events": entry.events,
        "bad": entry.bad,
        "said": [_said(one) for one in entry.said],
        "answered": None if entry.answered is None else _answered(entry.answered),
    }


def _said(one: Said) -> dict[str, Json]:
    return {
        "event": one.event,
        "action": one.action,
        "date": one.date,
        "visitor": one.visitor,
        "source": one.source,
        "content": one.content,
        "page": one.page,
        "bad": one.bad,
        "notes": [{"code": note.code, "level": note.level, "text": note.text} for note in one.notes],
    }


def _answered(answered: Answered) -> dict[str, Json]:
    return {"status": answered.status, "by": answered.by, "ms": answered.ms, "failed": answered.failed}


def details(entry: Entry) -> dict[str, Json]:
    """The rest of it: the raw request, each event's fields, and the reply."""
    answered = entry.answered
    return {
        "number": entry.number,
        "host": entry.host,
        "target": entry.target,
        "headers": _listed(entry.headers),
        "size": entry.size,
        "body": look(entry.body),
        "unpacked": None if entry.unpacked is None else look(entry.unpacked),
        "said": [
            {
                "event": one.event,
                "device": one.device,
                "identities": _listed(one.identities),
                "fields": _listed(one.fields),
            }
            for one in entry.said
        ],
        "reply": None if answered is None else {"headers": _listed(answered.headers), "body": look(answered.body)},
    }


def _listed(pairs: Pairs) -> list[Json]:
    return [[key, value] for key, value in pairs]


def look(data: bytes) -> dict[str, Json]:
    """The beginning of a body, as text where it is one, else as hexadecimal digits."""
    some = data[:_LOOK]
    try:
        # A character that the cut goes through is no sign of a binary body.
        text = some.decode() if len(some) == len(data) else some.decode(errors="ignore")
        is_text = len(some) - len(text.encode()) < 4 and not any(ord(one) < 9 or 13 < ord(one) < 32 for one in text)
    except UnicodeDecodeError:
        is_text = False
    if is_text:
        return {"text": text, "more": len(data) - len(some)}
    return {"hex": some[: _LOOK // 4].hex(" "), "more": len(data) - len(some[: _LOOK // 4])}


def weight(entry: Entry) -> int:
    """About how many bytes an entry takes."""
    pairs = [*entry.headers, *(entry.answered.headers if entry.answered else ())]
    texts = len(entry.target) + len(entry.why) + sum(len(key) + len(value) for key, value in pairs)
    bodies = len(entry.body) + len(entry.unpacked or b"") + len(entry.answered.body if entry.answered else b"")
    return 1_000 + 2 * texts + bodies + sum(map(_weight_of, entry.said))


def _weight_of(said: Said) -> int:
    of_fields = sum(120 + 2 * (len(key) + len(value)) for key, value in (*said.fields, *said.identities))
    texts = (said.event, said.visitor, said.device, said.source, said.content, said.page, said.bad)
    return 500 + of_fields + 2 * sum(map(len, texts)) + sum(200 + 2 * len(note.text) for note in said.notes)
