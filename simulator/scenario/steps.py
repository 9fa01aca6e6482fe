"""The steps of a journey, each in its long form; the short forms (`launch`, `track: c_order`) are shorten.py.

What a step means for the mini program is CONTRACT section 1 and journey/lifecycle.py. Two rules a reader of a file
meets first: think comes after its step, and a step right after `hide` that is no show, launch, exit, timeout, kill,
wait or skew comes after an implicit return to the foreground, like a `show` without a query (scene 1089; Assumed).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Discriminator, Field, JsonValue, Tag

from simulator.events import Spoil
from simulator.scenario.values import (
    NOW,
    ONCE,
    Copies,
    Counted,
    EventName,
    Flag,
    Model,
    Part,
    Path,
    Scene,
    Skewed,
    Spanned,
    Weight,
    Whole,
)


class _Step(Model):
    think: Spanned = Field(default=NOW, description="Pause after the step.")


class _Sending(_Step):
    times: Counted = Field(default=ONCE, description="The step again and again, think after each.")
    duplicates: Copies = Field(default=0, description="On purpose: the same bytes sent so many times more.")
    retries: Copies = Field(default=0, description="Sent again at most so often while it is not acked.")
    late: Spanned = Field(
        default=NOW, description="On purpose: leaves so much later than it happened; others overtake it."
    )


class Enter(Model):
    """How a launch or show came about; nothing given: the visitor's source (launch), or no query (show)."""

    source: str | None = Field(default=None, description="A source of this file: its scene, path and code.")
    path: Path | None = Field(default=None, description="A path with its parameters, instead of the source's.")
    scene: Scene | None = Field(default=None, description="WeChat's scene, instead of the source's.")


class Launch(_Sending):
    """The mini program starts: mini_program_open, then the view of its page."""

    launch: Enter


class Show(_Sending):
    """It comes back from the background; after its destruction this is a launch."""

    show: Enter


class View(_Sending):
    """A page is opened on top of the present one: one view."""

    view: Path = Field(description="Path of the page, such as pages/product/detail?id={sku}.")


class Back(_Sending):
    """So many pages are closed and the one below is shown: one view."""

    back: Annotated[Whole, Field(ge=1, le=9)] = 1


class Push(_Step):
    """Identities are given to the tracker; nothing is sent. Types that the visitor lacks are skipped."""

    push: list[str] | dict[str, JsonValue] = Field(
        description="Identity types by slot, or the tracker's own object; a value that is left out is the visitor's."
    )


class Tracked(Model):
    """An event of the application's own."""

    event: EventName = Field(description="Its name; custom events begin with c_ and stand in app.events.")
    name: str = Field(default="", description="targetName; empty: the remembered one.")
    id: str = Field(default="", description="targetId; empty: the remembered one.")
    params: dict[str, JsonValue] = Field(default={}, description="Further properties.")
    form: Literal["object", "positional"] = Field(
        default="object", description="Which signature of track() the app uses."
    )
    callback: Flag = Field(default=False, description="The next step waits for the outcome.")


class Track(_Sending):
    """An event of the application's own."""

    track: Tracked


class Tap(_Step):
    """A handler of the page is tapped; a simulated tracker sends nothing for it."""

    tap: str = Field(min_length=1, description="Name of the handler, for real mini programs.")
    times: Counted = Field(default=ONCE, description="The tap again and again, think after each.")


class Share(_Step):
    """The share button; a simulated tracker sends nothing for it."""

    share: Path | None = Field(default=None, description="Path of the card; left out: the page itself.")


class Hide(_Step):
    """To the background for so long; from app.destroy on it is destroyed there, and the return is a launch."""

    hide: Spanned


class Exit(_Step):
    """Hidden and destroyed at once; the next entry is a launch."""

    exit: None


class Timeout(_Step):
    """Hidden until it is destroyed (app.destroy); the next entry is a launch."""

    timeout: None


class Killing(Model):
    """How it was killed."""

    after: Spanned = Field(default=NOW, description="Time in the background until then.")
    unsent: Copies = Field(default=0, description="So many events before it never left the phone.")


class Kill(_Step):
    """To the background and destroyed there before the limit, as under memory pressure."""

    kill: Killing


class Wait(Model):
    """Time passes; the mini program stays as it is, open, hidden or closed."""

    wait: Spanned


class Malformed(_Sending):
    """On purpose: an event that a collector must list as bad and not count."""

    malformed: Spoil


class Skew(Model):
    """From here on the phone's clock is wrong by so much; "0s" puts it right."""

    skew: Skewed


class Maybe(Model):
    """The steps are taken with this probability."""

    maybe: Part
    steps: Annotated[list[AnyStep], Field(min_length=1, description="What happens, in this order.")]


class Repeat(Model):
    """The steps are taken so many times."""

    repeat: Counted
    steps: Annotated[list[AnyStep], Field(min_length=1, description="What happens, in this order.")]


class Choice(Model):
    """One way of a choice."""

    weight: Weight = 1
    steps: list[AnyStep] = Field(description="May be empty: this way does nothing.")


class Choose(Model):
    """One of several ways is taken, drawn by weight."""

    choose: Annotated[list[Choice], Field(min_length=1)]


class Offline(Model):
    """No network during the steps; the requests leave so long after them, in order."""

    offline: Spanned
    steps: Annotated[list[AnyStep], Field(min_length=1, description="What happens, in this order.")]


class Disorder(Model):
    """On purpose: the requests of the steps leave in a drawn order, within so long after them."""

    disorder: Spanned
    steps: Annotated[list[AnyStep], Field(min_length=1, description="What happens, in this order.")]


STEPS: dict[str, type[BaseModel]] = {
    "launch": Launch, "show": Show, "view": View, "back": Back, "push": Push, "track": Track, "tap": Tap,
    "share": Share, "hide": Hide, "exit": Exit, "timeout": Timeout, "kill": Kill, "wait": Wait,
    "malformed": Malformed, "skew": Skew, "maybe": Maybe, "repeat": Repeat, "choose": Choose,
    "offline": Offline, "disorder": Disorder,
}  # fmt: skip


def action_of(step: object) -> str | None:
    """The key that says what a step is, in its short or long form; None when there is none."""
    if isinstance(step, str):
        return step if step in STEPS else None
    keys = step if isinstance(step, dict) else getattr(type(step), "model_fields", {})
    return next((key for key in keys if key in STEPS), None)


def _tag(step: object) -> str | None:
    # In angle brackets, so that complain.py can tell a tag in pydantic's path of an error from a key of the file.
    action = action_of(step)
    return f"<{action}>" if action else None


AnyStep = Annotated[
    Annotated[Launch, Tag("<launch>")] | Annotated[Show, Tag("<show>")] | Annotated[View, Tag("<view>")]
    | Annotated[Back, Tag("<back>")] | Annotated[Push, Tag("<push>")] | Annotated[Track, Tag("<track>")]
    | Annotated[Tap, Tag("<tap>")] | Annotated[Share, Tag("<share>")] | Annotated[Hide, Tag("<hide>")]
    | Annotated[Exit, Tag("<exit>")] | Annotated[Timeout, Tag("<timeout>")] | Annotated[Kill, Tag("<kill>")]
    | Annotated[Wait, Tag("<wait>")] | Annotated[Malformed, Tag("<malformed>")] | Annotated[Skew, Tag("<skew>")]
    | Annotated[Maybe, Tag("<maybe>")] | Annotated[Repeat, Tag("<repeat>")] | Annotated[Choose, Tag("<choose>")]
    | Annotated[Offline, Tag("<offline>")] | Annotated[Disorder, Tag("<disorder>")],
    Discriminator(_tag),
]  # fmt: skip

for _model in (Choice, Maybe, Repeat, Choose, Offline, Disorder):
    _model.model_rebuild()  # their steps were named before AnyStep was known, and complain.py reads the fields

Scoped = Maybe | Repeat | Offline | Disorder  # steps with one list of steps inside
