"""pydantic's errors in the words of the file: where, what is wrong, what was expected, did you mean.

An error that encloses another is dropped, and a missing key is dropped or comes last where an unknown key stands
beside it, because then the unknown one is the slip.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from simulator.errors import Complaint, ScenarioError
from simulator.scenario.nearest import did_you_mean, nearest, one_of
from simulator.scenario.shorten import BARE
from simulator.scenario.steps import STEPS
from simulator.scenario.tree import Node, Place, plain
from simulator.scenario.values import Model, place_of_mistake, shown

MOST = 25  # complaints told at once

Loc = tuple[str | int, ...]

_MODIFIERS = {"think", "times", "duplicates", "retries", "late", "steps", "weight"}
_EXAMPLES = {
    "view": "view: pages/index/index",
    "push": "push: [applet-wechat]",
    "track": "track: c_add_to_cart",
    "tap": "tap: onBuy",
    "hide": "hide: 45m",
    "wait": "wait: 5s",
    "malformed": "malformed: no_event",
    "skew": "skew: 2h",
    "maybe": "maybe: 60%, with steps beside it",
    "repeat": "repeat: 1..3, with steps beside it",
    "choose": "choose: [{weight: 1, steps: [...]}]",
    "offline": "offline: 10m, with steps beside it",
    "disorder": "disorder: 30s, with steps beside it",
}
# Kinds of pydantic's errors that say "expected something".
_WANTED = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list, such as [a, b]",
    "tuple_type": "a list, such as [390, 753]",
    "dict_type": "keys with values",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "at most {le}",
}
_PATTERNS = {
    "target": "letters, digits, _ and -, at most 64, such as our-collector",
    "scenario": "letters, digits, _ and -, at most 64, such as campaign-day",
    "appid": "letters, digits, _ and -, such as wx0123456789abcdef",
    "tenant": 'letters, digits, _ and -, such as "740843171"',
    "identity_types": "letters, digits, _ and -, at most 32, such as c_memberid",
    "identities": "an identity type of letters, digits, _ and -, such as c_memberid",
    "vars": "a name of small letters, digits and _, such as sku",
    "journeys": "a name of at most 64 characters without spaces, < > { }",
    "sources": "a name of at most 64 characters without spaces, < > { }",
}


def complaints_of(error: ValidationError, model: type[BaseModel], root: Node) -> list[Complaint]:
    """What pydantic found wrong with a document, in the order of the file."""
    details = error.errors(include_url=False)
    locs = [_clean(place_of_mistake(detail)) for detail in details]
    unknown: dict[Loc, list[tuple[str, Place]]] = {}  # map -> its unknown keys
    for detail, loc in zip(details, locs, strict=True):
        if detail["type"] == "extra_forbidden":
            unknown.setdefault(loc[:-1], []).append((str(loc[-1]), _key_place(root, loc)))
    made: list[tuple[tuple[int, int, int], Complaint]] = []
    for detail, loc in zip(details, locs, strict=True):
        if any(len(other) > len(loc) and other[: len(loc)] == loc for other in locs):
            continue
        place = _place(root, loc, detail["type"])
        rank = (place.line, place.column, 0)
        if detail["type"] == "missing":
            beside = unknown.get(loc[:-1], [])
            if any(nearest(key, [str(loc[-1])]) for key, _ in beside):
                continue
            rank = max([rank, *((at.line, at.column, 1) for _, at in beside)])
        made.append((rank, place.complaint(_path(root, loc), _text(detail, loc, model, root))))
    return [complaint for _, complaint in sorted(made, key=lambda pair: (pair[1].file, pair[0]))]


def refuse(complaints: Iterable[Complaint]) -> ScenarioError:
    """The error for a file with complaints: each once, in the order of the files, the first 25 of them."""
    found = list(dict.fromkeys(complaints))
    if len(found) > MOST:
        more = Complaint(found[MOST].file, found[MOST].line, found[MOST].column, "", f"… and {len(found) - MOST} more")
        found = [*found[:MOST], more]
    return ScenarioError(found)


# ---- where --------------------------------------------------------------------------------------------------------


def _clean(loc: Sequence[str | int]) -> Loc:
    """pydantic's path without its own marks: tags of unions (in angle brackets, see steps.py)."""
    return tuple(part for part in loc if not (isinstance(part, str) and part.startswith("<") and part.endswith(">")))


def _walk(root: Node, loc: Loc) -> tuple[Node, Place, Loc]:
    """(deepest node on the way, place of the key or item that leads to it, the part of the path that exists)."""
    node, key = root, root.place
    for depth, part in enumerate(loc):
        if isinstance(node.value, dict) and part in node.value:
            entry = node.value[str(part)]
            node, key = entry.node, entry.place
        elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            key = node.place
        else:
            return node, key, loc[:depth]
    return node, key, loc


def _place(root: Node, loc: Loc, kind: str) -> Place:
    if loc and loc[-1] == "[key]":
        return _key_place(root, loc[:-1])
    if kind in {"extra_forbidden", "missing"}:
        return _key_place(root, loc if kind == "extra_forbidden" else loc[:-1])
    node, key, _ = _walk(root, loc)
    return key if node.value is None else node.place


def _key_place(root: Node, loc: Loc) -> Place:
    return _walk(root, loc)[1]


def _path(root: Node, loc: Loc) -> str:
    """The path as a person writes it, as far as the file has it; a missing key is not part of it."""
    loc = loc[:-1] if loc and loc[-1] == "[key]" else loc
    path = ""
    for part in _walk(root, loc)[2]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


# ---- what ---------------------------------------------------------------------------------------------------------


def _text(detail: ErrorDetails, loc: Loc, model: type[BaseModel], root: Node) -> str:
    node = _walk(root, loc)[0]
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(str(loc[-1]), _model_at(model, detail["loc"][:-1]))
    if kind == "missing":
        return f"the key {loc[-1]} is missing{_described(_model_at(model, detail['loc'][:-1]), str(loc[-1]))}"
    if kind == "union_tag_not_found":
        return _no_step(plain(node))
    if kind in {"model_type", "model_attributes_type"}:
        return _no_map(detail, _model_at(model, detail["loc"]))
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    return _plain_text(kind, detail.get("ctx", {}), detail["input"], loc)


def _plain_text(kind: str, ctx: dict[str, Any], value: object, loc: Loc) -> str:
    if kind in _WANTED:
        bounds = {
            key: int(bound) if bound == int(bound) else bound for key, bound in ctx.items() if key in {"ge", "le"}
        }
        return f"expected {_WANTED[kind].format_map(bounds)}, not {shown(value)}{_quotes(kind, value)}"
    match kind:
        case "none_required":
            return f"{loc[-1]} takes no value, not {shown(value)}"
        case "too_short" | "too_long":
            return _length(ctx, value)
        case "string_too_long":
            return f"expected at most {ctx['max_length']} characters, not {len(str(value))}"
        case "string_pattern_mismatch":
            known = (_PATTERNS[part] for part in reversed(loc) if part in _PATTERNS)
            return f"expected {next(known, 'a text like ' + ctx['pattern'])}, not {shown(value)}"
        case "literal_error" | "enum":
            words = re.findall(r"'([^']*)'", ctx["expected"])
            near = nearest(str(value), words)
            return f"expected {one_of(words)}, not {shown(value)}" + (f"; did you mean {near}?" if near else "")
    return f"this value cannot be used ({kind}): {shown(value)}"


def _length(ctx: dict[str, Any], value: object) -> str:
    least, most, has = ctx.get("min_length"), ctx.get("max_length"), ctx["actual_length"]
    if least is not None and has == 0:
        return "expected at least one, nothing stands here"
    things = "keys" if isinstance(value, dict) else "items"
    return f"expected {f'at least {least}' if least is not None else f'at most {most}'} {things}, not {has}"


def _unknown_key(key: str, model: type[BaseModel] | None) -> str:
    if model in STEPS.values() and key in STEPS:
        return f"one step does one thing; begin another with - {key}"
    return f"unknown key {key}{did_you_mean(key, _keys(model))}"


def _keys(model: type[BaseModel] | None) -> list[str]:
    """The keys that a file may give; not what the loader fills in itself."""
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items() if name != "lists"]


def _described(model: type[BaseModel] | None, key: str) -> str:
    """What a key is for, in brackets: its description, or that of the section it holds."""
    fields = model.model_fields.items() if model is not None else ()
    field = next((field for name, field in fields if key in {name, field.alias}), None)
    if field is None:
        return ""
    section = field.annotation
    doc = section.__doc__ if isinstance(section, type) and issubclass(section, Model) else None
    said = (field.description or (doc or "").partition("\n")[0]).rstrip(".")
    return f" ({said[:1].lower()}{said[1:]})" if said else ""


def _no_step(step: object) -> str:
    """Why something is no step: no known action."""
    if step is None:
        return f"an empty step; expected {one_of(STEPS)}"
    if isinstance(step, str):
        first, _, rest = step.partition(" ")
        if first in STEPS and rest:
            return f"unknown step {shown(step)}; did you mean {first}: {rest.strip()}? (a colon is missing)"
        return f"unknown step {shown(step)}{did_you_mean(step, STEPS)}"
    if not isinstance(step, dict):
        return f"expected a step, not {shown(step)}; expected {one_of(STEPS)}"
    if set(step) == {"think"}:
        return f"think belongs to the step before it; did you mean wait: {step['think']}?"
    actions = [str(key) for key in step if key not in _MODIFIERS]
    if not actions:
        return f"a step needs something to do beside {one_of(map(str, step))}; expected {one_of(STEPS)}"
    return f"unknown step {actions[0]}{did_you_mean(actions[0], STEPS)}"


def _no_map(detail: ErrorDetails, model: type[BaseModel] | None) -> str:
    value = detail["input"]
    step = next((name for name, made in STEPS.items() if made is model), None)
    if step is not None and value == step and step not in BARE:
        return f"{step} needs a value, such as {_EXAMPLES[step]}"
    wanted = f"expected keys such as {one_of(_keys(model)[:6])}" if model is not None else "expected keys with values"
    return f"{wanted}, not {shown(value)}{_quotes(detail['type'], value)}"


def _quotes(kind: str, value: object) -> str:
    """How quotes would help: for numbers, true, false, and for {name}, which YAML reads as a map."""
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'; put it in quotes: "{shown(value)}"'
    if isinstance(value, dict) and len(value) == 1 and None in value.values():
        return f'; put it in quotes: "{{{next(iter(value))}}}"'
    return ""


# ---- which model --------------------------------------------------------------------------------------------------


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that a path of pydantic leads to; None where it leads to something else."""
    current: Any = model
    for part in loc:
        current = _into(current, part)
    return next((made for made in _choices(current) if isinstance(made, type) and issubclass(made, BaseModel)), None)


def _into(annotation: Any, part: str | int) -> Any:
    if isinstance(part, str) and part.startswith("<"):
        return next((choice for choice in _tagged(annotation) if Tag(part) in get_args(choice)), None)
    for choice in _choices(annotation):
        origin = get_origin(choice)
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            fields = choice.model_fields.items()
            return next((field.annotation for name, field in fields if part in {name, field.alias}), None)
        if origin is dict:
            return get_args(choice)[1]
        if origin in {list, tuple}:
            return get_args(choice)[0]
    return None


def _tagged(annotation: Any) -> list[Any]:
    """The alternatives of a union, each still with its tag; also of one that may be left out."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return [annotation] if any(isinstance(mark, Tag) for mark in marks) else _tagged(inner)
    if get_origin(annotation) in {Union, types.UnionType}:
        return [choice for part in get_args(annotation) for choice in _tagged(part)]
    return [annotation]


def _choices(annotation: Any) -> list[Any]:
    """The alternatives of a type, without what annotates them."""
    if get_origin(annotation) is Annotated:
        return _choices(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return [choice for part in get_args(annotation) for choice in _choices(part)]
    return [annotation]
