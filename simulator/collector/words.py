"""The definitions in force as sentences, for the monitor page. The terms are those of the source document."""

from __future__ import annotations

from simulator.contract import Definitions
from simulator.times import format_duration


def definitions_in_words(definitions: Definitions) -> dict[str, str]:
    """One sentence for each of the four numbers, and one for the day."""
    return {
        "pv": "Page views: every mini_program_view or open_page, repeats included.",
        "uv": f"Users who opened the mini program or viewed a page. {_user(definitions)}",
        "opens": _opens(definitions),
        "new_users": "Users whose first open or page view of all that is stored falls in the period.",
        "day": f"Hours and days are those of {definitions.day}; an event counts at its own time, not at its arrival.",
    }


def _opens(definitions: Definitions) -> str:
    opens = definitions.opens
    if opens.timeout is not None:
        limit = format_duration(opens.timeout)
        return (
            "Times a device came: its first event, every mini_program_open, and every event more than "
            f"{limit} after the one before (exactly {limit} does not)."
        )
    if opens.rule == "every-foreground":
        return "Times the mini program came to the foreground: every mini_program_open and every c_mp_show."
    return "Times the mini program was launched: every mini_program_open."


def _user(definitions: Definitions) -> str:
    return {
        "device": "One user is one device (anonymousId).",
        "openid": "One user is one openid (applet-wechat); an event without one belongs to the openid that its device "
        "had before, or else had first afterwards, or else to the device.",
        "customer": "One user is one customer: identities that ever came together in one event (mobile, unionid, "
        "openid, …); an anonymous event belongs to the customer its device had before, or else had first afterwards.",
    }[definitions.user]
