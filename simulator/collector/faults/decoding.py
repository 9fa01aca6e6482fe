"""Faults in reading a request: what is stored says something else than what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from urllib.parse import unquote

from simulator.collector.faults.fault import register
from simulator.collector.faults.planting import Fields, each_value, fields, reading
from simulator.collector.ingest import SLOTS, BadRow, EventRow, Rules, event_row
from simulator.times import Ms

seed = partial(register, "decoding")

seed(
    "decodes-twice",
    "percent-decodes the name of a content again after it was decoded, so 100%41 becomes 100A",
    each_value(unquote, "contentName"),
    scenario="sources",
    moves="pv uv opens",
    finding="altered misplaced",
)

seed(
    "plus-is-space",
    "turns a plus into a space after decoding",
    each_value(lambda value: value.replace("+", " ")),
    scenario="sources",
    moves="pv uv opens",
    finding="altered misplaced",
)


def cut_at_255_bytes(value: str) -> str:
    """What is left of a value in a column of 255 bytes; half a character goes as well."""
    return value.encode()[:255].decode(errors="ignore")


seed(
    "cut-by-bytes",
    "cuts values at 255 bytes instead of 255 characters",
    each_value(cut_at_255_bytes),
    scenario="sources",
    moves="pv uv opens",
    finding="altered misplaced",
)


def ascii_head(value: str) -> str:
    """The value up to its first character that is not ASCII."""
    return next((value[:place] for place, character in enumerate(value) if not character.isascii()), value)


seed(
    "cut-at-unicode",
    "cuts the name of a content at its first Chinese character",
    each_value(ascii_head, "contentName"),
    scenario="sources",
    moves="pv uv opens",
    finding="altered misplaced",
)

seed(
    "page-decoded-again",
    "percent-decodes the route of a page, which the tracker sends encoded",
    each_value(unquote, "targetName"),
    scenario="sources",
    moves="pv uv",
    finding="altered misplaced",
)

seed(
    "path-cut-at-unicode",
    "cuts the route of a page at its first character beyond ASCII, which the tracker sends escaped",
    each_value(lambda value: value.partition("%")[0], "targetName"),
    scenario="sources",
    moves="pv uv",
    finding="altered misplaced",
)

seed(
    "source-case-folded",
    "stores sources in lower case, so two of them become one",
    each_value(str.lower, "source"),
    scenario="sources",
    moves="pv uv opens",
    may_move="new_users",
    finding="altered misplaced",
)

seed(
    "blanks-trimmed",
    "strips blanks from both ends of a content's name",
    each_value(str.strip, "contentName"),
    scenario="sources",
    moves="pv uv opens",
    finding="altered misplaced",
)

seed(
    "anonymous-id-cut",
    "keeps only the first 16 characters of an anonymousId, which all devices of a run share",
    each_value(lambda value: value[:16], "anonymousId"),
    scenario="identities",
    moves="uv new_users",
    finding="altered",
    one_visitor=False,
    user="device",
)


def last_slot_only(given: Fields) -> Fields:
    """The fields with one identity at most: that of the last slot, moved into the first."""
    kept = {key: value for key, value in given.items() if not key.startswith("identity")}
    filled = [(given[kind], given[value]) for kind, value in SLOTS if given.get(kind) and given.get(value)]
    if filled:
        kept["identityType"], kept["identityValue"] = filled[-1]
    return kept


seed(
    "slot-overwritten",
    "keeps one identity an event, the one in the last slot",
    fields(last_slot_only),
    scenario="identities",
    moves="uv new_users",
    finding="altered",
)


def without_rules(
    decoded: Mapping[str, str], rules: Rules, received: Ms, request: str, *, names_tenant: bool = True
) -> EventRow | BadRow:
    """The row of an event of whatever tenant and name."""
    return event_row(decoded, replace(rules, tenant="", registered=None), received, request, names_tenant=names_tenant)


seed(
    "takes-bad-for-good",
    "checks neither the tenant nor the list of registered events",
    reading(without_rules),
    scenario="deliveries",
    moves="pv uv",
    finding="unexpected",
)
