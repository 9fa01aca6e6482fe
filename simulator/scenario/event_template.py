"""Templates of the generic adapter: which fields may stand in braces, and where a template is wrong.

A field is written `{name}`; `{name?}` leaves its pair, header or key out where the field is empty. A brace of one's own
is written twice. Nothing is ever evaluated: a template is cut into texts and fields once, when the file is read. What a
field holds, and how it is escaped where it stands, is wire/generic.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, Field

from simulator.scenario.nearest import meaning
from simulator.scenario.values import WrongAt

OF_THE_REQUEST: Final = MappingProxyType(
    {
        "app": "the appid",
        "app_name": "the mini program's name",
        "tenant": "the scenario's tenant",
        "namespace": "the run's own; {id} begins with it",
        "device": "the installation's id, the same in all its events",
        "model": "the phone's model",
        "os": "name of its system",
        "os_version": "version of its system",
        "width": "of its window, in pixels",
        "height": "of its window",
        "network": "wifi, 5g, 4g …",
        "user_agent": "as WeChat says it",
        "sent_ms": "when the request leaves, milliseconds since 1970",
        "sent": "the same as 2026-03-01T00:00:00.000Z",
    }
)
OF_AN_EVENT: Final = MappingProxyType(
    {
        "event": "its name, see `names`; of an application's own event the name that the scenario gives it",
        "kind": "launch, view, show, hide, share, push or custom",
        "id": "unique in the run: {namespace}.{visitor}.{number}",
        "uuid": "the same as a UUID",
        "number": "of the device's events, from 1 on",
        "ms": "when it happened, milliseconds since 1970",
        "us": "the same in microseconds",
        "s": "the same in whole seconds",
        "time": "the same as 2026-03-01T00:00:00.000Z",
        "local_time": "the same with the offset of `zone`, 2026-03-01T08:00:00.000+08:00",
        "page": "the route of the page in sight",
        "query": "that page's query, percent-encoded",
        "previous": "the page before",
        "address": "app://{app}/{page}?{query}, with the source as utm_source and utm_content",
        "scene": "WeChat's entry code",
        "source": "name of the source (cl_sr)",
        "content": "its content (cl_ctnm)",
        "session": "id of the device's session, see `session`",
        "session_number": "of the device's sessions, from 1 on",
        "shown_ms": "how long the mini program has been in the foreground",
        "name": "targetName of an application's own event",
        "target": "its targetId",
        "params": "its properties, an object; in a text its JSON",
        "identities": "what was pushed, an object of type and value; in a text its JSON",
    }
)
OF_A_BATCH: Final = MappingProxyType({"events": "the events, each as `event` says", "count": "how many there are"})
PREFIXES: Final = MappingProxyType(
    {
        "identity.": "value of one pushed identity: identity.applet-wechat, identity.mobile",
        "params.": "one property of an application's own event: params.price",
        "others.": "one further source parameter: others.source1",
        "env.": "an environment variable, for a key that stands in no file: env.COLLECTOR_KEY",
    }
)
_IN_REQUEST = ("env.",)
_CALLED = {  # what other products call a field
    "identity.applet-wechat": "user userid uid openid wxopenid login loginid distinctid customer customerid visitor",
    "identity.wechat-unionid": "unionid wxunionid",
    "identity.mobile": "mobile phone phonenumber tel",
    "identities": "ids logins",
    "device": "deviceid anonymousid anonymous clientid cid cookie installation installationid visitorid",
    "event": "eventname action what hit",
    "kind": "type eventtype",
    "id": "eventid messageid externalid hitid key",
    "uuid": "guid",
    "number": "seq sequence index",
    "ms": "timestamp ts timems epoch epochms clock",
    "s": "seconds timestamps unix unixtime epochs",
    "time": "date datetime at iso instant happened createdat eventtime",
    "sent": "sentat sendtime now",
    "page": "route path screen view screenname pagepath",
    "address": "url uri href pageurl location",
    "previous": "referrer referer previouspage from",
    "source": "channel utmsource campaignsource clsr origin",
    "content": "campaign utmcontent utmcampaign clctnm contentname",
    "session": "sessionid visit visitid",
    "params": "properties props attributes parameters",
    "query": "pagequery querystring options",
    "app": "appid wxappid",
    "app_name": "application appname",
    "os": "platform system",
    "model": "devicemodel brand",
    "count": "size length batchsize",
    "events": "hits batch items list",
}
_MEANT = MappingProxyType({word: name for name, words in _CALLED.items() for word in words.split()})

_PIECE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.\-$]{0,127})(\?)?\}|[{}]")


class FieldIn(NamedTuple):
    """A field in a template."""

    name: str
    optional: bool


Template = tuple["str | FieldIn", ...]


@lru_cache(maxsize=4_096)
def parse_template(text: str) -> Template:
    """A template's texts and fields, in their order.

    Raises:
        ValueError: a brace that opens or closes nothing.
    """
    parts: list[str | FieldIn] = []
    plain, end = "", 0
    for match in _PIECE.finditer(text):
        plain += text[end : match.start()]
        end = match.end()
        if match[1]:
            if plain:
                parts.append(plain)
            plain = ""
            parts.append(FieldIn(match[1], match[2] is not None))
        elif len(match[0]) == 2:
            plain += match[0][0]
        else:
            said = "a field is {name}, a brace of your own is written twice"
            raise ValueError(f"a lone {match[0]} in {text[:64]!r}; {said}")
    plain += text[end:]
    return (*parts, plain) if plain or not parts else tuple(parts)


def fields_in(value: object) -> Iterator[FieldIn]:
    """Every field in the texts of a JSON value; keys are no templates."""
    yield from (part for part, _ in placed_fields(value))


def placed_fields(value: object, *keys: str | int) -> Iterator[tuple[FieldIn, tuple[str | int, ...]]]:
    """The same with the keys that lead to each."""
    if isinstance(value, str):
        yield from ((part, keys) for part in parse_template(value) if isinstance(part, FieldIn))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from placed_fields(one, *keys, str(key))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from placed_fields(one, *keys, place)


def check_fields(value: object, *known: Mapping[str, str], event: bool = True, at: tuple[str | int, ...] = ()) -> None:
    """Refuse fields that nobody fills.

    Args:
        event: fields of a single event may stand there.
        at: keys that lead to the value.

    Raises:
        WrongAt: the first of them, with the nearest right one.
    """
    names = [name for some in known for name in some]
    prefixes = tuple(PREFIXES) if event else _IN_REQUEST
    for part, where in placed_fields(value, *at):
        begins = next((prefix for prefix in prefixes if part.name.startswith(prefix)), None)
        if part.name in names or (begins is not None and len(part.name) > len(begins)):
            continue
        if not event and (part.name in OF_AN_EVENT or part.name.startswith(tuple(PREFIXES))):
            said = f"{{{part.name}}} is of one event; where several share a request it belongs into `event`"
            raise WrongAt(said, *where)
        known_names = [*names, *(f"{prefix}…" for prefix in prefixes)]
        raise WrongAt(f"nobody knows {{{part.name}}}{meaning(part.name, known_names, _meant(names, prefixes))}", *where)


def _meant(names: Collection[str], prefixes: Collection[str]) -> dict[str, str]:
    """The words of other products whose meaning can stand there."""
    return {word: name for word, name in _MEANT.items() if name in names or f"{name.partition('.')[0]}." in prefixes}


def _text(text: str) -> str:
    check_fields(text, OF_THE_REQUEST, OF_AN_EVENT, OF_A_BATCH)
    return text


def _value(value: Any) -> Any:
    check_fields(value, OF_THE_REQUEST, OF_AN_EVENT, OF_A_BATCH)
    return value


def _path(text: str) -> str:
    if not text.startswith("/") or re.search(r"[\s?#]", text):
        raise ValueError(f"expected a path such as /collect/{{app}}, without a query, not {text[:64]!r}")
    return _text(text)


TextTemplate = Annotated[str, Field(max_length=100_000), AfterValidator(_text)]
PathTemplate = Annotated[str, Field(max_length=4_000), AfterValidator(_path)]
JsonTemplate = Annotated[Any, AfterValidator(_value)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~\-]{1,128}$")]
EventText = Annotated[str, Field(min_length=1, max_length=256)]
