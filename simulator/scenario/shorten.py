"""Short forms of steps, and the long form that each stands for; the models know the long forms only.

Whatever has another shape is left as it is, so that the models complain about what was written.
"""

from __future__ import annotations

# Steps that may stand as a bare word, with the value that it stands for.
BARE: dict[str, object] = {
    "launch": {}, "show": {}, "back": 1, "share": None, "exit": None, "timeout": None, "kill": {},
}  # fmt: skip
# Steps whose value may be a bare text, with the key that the text stands for.
KEY_OF_TEXT = {"launch": "source", "show": "source", "track": "event", "kill": "after"}


def lengthen(document: object) -> object:
    """A scenario with every step of every journey in its long form."""
    if not isinstance(document, dict) or not isinstance(document.get("journeys"), dict):
        return document
    journeys = {name: _with_steps(journey) for name, journey in document["journeys"].items()}
    return {**document, "journeys": journeys}


def _with_steps(holder: object) -> object:
    """A map that holds steps, or ways to choose from, with these in their long form."""
    if not isinstance(holder, dict):
        return holder
    long = dict(holder)
    if isinstance(long.get("steps"), list):
        long["steps"] = [long_step(step) for step in long["steps"]]
    if isinstance(long.get("choose"), list):
        long["choose"] = [_with_steps(choice) for choice in long["choose"]]
    return long


def long_step(step: object) -> object:
    """One step in its long form: `launch` is {launch: {}}, {track: c_order} is {track: {event: c_order}}."""
    if isinstance(step, str):
        return {step: BARE[step]} if step in BARE else step
    if not isinstance(step, dict):
        return step
    long = _with_steps(step)
    assert isinstance(long, dict)
    for action, value in long.items():
        if value is None and action in BARE:
            long[action] = BARE[action]
        elif isinstance(value, str) and action in KEY_OF_TEXT:
            long[action] = {KEY_OF_TEXT[action]: value}
        elif isinstance(value, str) and action == "push":
            long[action] = [value]
    return long
