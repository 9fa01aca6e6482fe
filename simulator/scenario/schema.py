"""The JSON Schemas of scenario and contract files, generated from the models: what an editor completes and checks.

It describes what the loader accepts, short forms included. What it cannot say, such as that a page must be in
app.pages or the order of steps, is check.py. A key that an include may supply is demanded only without an include.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from simulator.scenario.contracts import ContractFile
from simulator.scenario.event_template import OF_A_BATCH, OF_AN_EVENT, OF_THE_REQUEST, PREFIXES
from simulator.scenario.generic_options import GenericOptions
from simulator.scenario.model import Scenario
from simulator.scenario.shorten import BARE, KEY_OF_TEXT
from simulator.scenario.steps import STEPS
from simulator.scenario.target import TargetFile
from simulator.scenario.target_reading import ALONE

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL: Schema = {"type": "null"}


def json_schema() -> Schema:
    """The schema of a scenario file, draft 2020-12."""
    schema = Scenario.model_json_schema(by_alias=True, schema_generator=_Generator)
    schema = {"$schema": DIALECT, "title": "mpsim scenario", **_without_titles(schema)}
    definitions: Schema = schema["$defs"]
    del schema["properties"]["lists"]  # the loader's own
    _short_forms(definitions)
    definitions["Push"]["properties"]["push"]["anyOf"] = _push()
    definitions["Load"]["not"] = {"required": ["arrivals", "users"]}
    definitions["JsonValue"]["description"] = "Any value that JSON can carry."
    _demand_without_include(schema, definitions)
    return schema


def contract_schema() -> Schema:
    """The schema of a contract file, draft 2020-12."""
    schema = ContractFile.model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": DIALECT, "title": "mpsim contract", **_without_titles(schema)}


def target_schema() -> Schema:
    """The schema of a target file, draft 2020-12.

    Of adapters with options of their own the generic one is told: the others' options belong to their wire formats.
    """
    schema = TargetFile.model_json_schema(by_alias=True, schema_generator=_Generator)
    contract = ContractFile.model_json_schema(by_alias=True, schema_generator=_Generator)
    schema["$defs"].update(contract.pop("$defs", {}))
    schema["$defs"]["ContractFile"] = contract
    properties = schema["properties"]
    ways = [{"type": "string"}, {"$ref": "#/$defs/ContractFile"}]
    properties["contract"] = {"anyOf": ways, "description": properties["contract"].get("description", "")}
    schema["$defs"].update(_generic())
    properties["adapter"] = {
        "description": "Wire format of the events: a name, or {name: …} with the adapter's own options, which "
        ".github/docs/adapters.md has for each.",
        "anyOf": [
            {"type": "string"},
            {"$ref": "#/$defs/GenericOptions"},
            {
                "type": "object",
                "properties": {"name": {"type": "string", "not": {"const": "generic"}}},
                "required": ["name"],
            },
        ],
        "default": "dmhub",
    }
    for name, alone in ALONE.items():
        properties[name] = {"anyOf": [{"enum": list(alone)}, properties[name]]}
    return {"$schema": DIALECT, "title": "mpsim target", **_without_titles(schema)}


def _generic() -> Schema:
    """The generic adapter with its options, and what these are made of, by their names."""
    schema = GenericOptions.model_json_schema(by_alias=True, schema_generator=_Generator)
    definitions: Schema = schema.pop("$defs", {})
    for section in (schema, *definitions.values()):
        section.pop("$schema", None)
    schema["properties"] = {"name": {"const": "generic"}, **schema["properties"]}
    schema["required"] = ["name"]
    fields = [*OF_THE_REQUEST, *OF_AN_EVENT, *OF_A_BATCH, *(f"{prefix}…" for prefix in PREFIXES)]
    schema["description"] = (
        "A request as templates, of which any text may hold fields in braces, such as {event} or {page?} (left out "
        f"where empty): {', '.join(fields)}."
    )
    return {"GenericOptions": schema, **definitions}


def _without_titles(value: Any) -> Any:
    """Without pydantic's titles, which only repeat the keys."""
    if isinstance(value, dict):
        return {
            key: _without_titles(item) for key, item in value.items() if not (key == "title" and isinstance(item, str))
        }
    return [_without_titles(item) for item in value] if isinstance(value, list) else value


class _Generator(GenerateJsonSchema):
    """pydantic's schema, with keys of maps held to their pattern and steps as one named alternative."""

    def dict_schema(self, schema: Any) -> Schema:
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made

    def default_schema(self, schema: Any) -> Schema:
        made = super().default_schema(schema)
        # A default of null, or of a value that a file writes otherwise, would only mislead.
        if not isinstance(made.get("default"), str | bool) or "$ref" in made:
            made.pop("default", None)
        return made

    def encode_default(self, dft: Any) -> Any:
        return dft if isinstance(dft, str | bool) else None


def _short_forms(definitions: Schema) -> None:
    """Bare words for steps, and bare texts for their values."""
    refs = [{"$ref": f"#/$defs/{model.__name__}"} for model in STEPS.values()]
    words: Schema = {"enum": list(BARE), "description": "A step that needs no value."}
    definitions["Step"] = {"description": "One step of a journey.", "anyOf": [words, *refs]}
    for name in ("Journey", "Maybe", "Repeat", "Choice", "Offline", "Disorder"):
        definitions[name]["properties"]["steps"]["items"] = {"$ref": "#/$defs/Step"}
    for action, model in STEPS.items():
        properties: Schema = definitions[model.__name__]["properties"]
        alternatives: list[Schema] = properties[action].get("anyOf", [properties[action]])
        if action in KEY_OF_TEXT:
            inner = definitions[alternatives[0]["$ref"].rpartition("/")[2]]["properties"][KEY_OF_TEXT[action]]
            texts = [part for part in inner.get("anyOf", [inner]) if part.get("type") == "string"]
            alternatives = [*alternatives, *texts]
        if action in BARE and not any(part.get("type") == "null" for part in alternatives):
            alternatives = [*alternatives, _NULL]
        definitions[model.__name__]["required"] = [action]
        if len(alternatives) > 1:
            kept = {key: value for key, value in properties[action].items() if key == "description"}
            properties[action] = {**kept, "anyOf": alternatives}


def _push() -> list[Schema]:
    kind: Schema = {"type": "string", "examples": ["applet-wechat", "wechat-unionid", "mobile", "c_memberid"]}
    slots = {f"identityType{slot}": kind for slot in ("", "2", "3")}
    values: Schema = {f"identityValue{slot}": True for slot in ("", "2", "3")}
    return [
        kind,
        {"type": "array", "items": kind, "minItems": 1, "maxItems": 3, "uniqueItems": True},
        {
            "type": "object",
            "properties": {**slots, **values},
            "patternProperties": {"^(?!identity(?:Type|Value))": True},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]


def _demand_without_include(schema: Schema, definitions: Schema) -> None:
    """Move what must be there, but may come from an included file, into a branch for files without an include."""
    schema["if"] = {"properties": {"include": {"minItems": 1}}, "required": ["include"]}
    schema["else"] = {
        "required": schema.pop("required"),
        "properties": {
            "app": {"required": definitions["App"].pop("required")},
            "load": {"anyOf": [{"required": ["arrivals"]}, {"required": ["users"]}]},
        },
    }
