"""The words of the monitor page in English and Chinese, and the definitions in force as sentences.

All of them are in page/words.json, which the page reads too: no text that people see stands elsewhere. The terms are
those of the source document and of WeChat (访问次数, 访问人数, 打开次数, 新用户数).
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Literal

from simulator.contract import Definitions
from simulator.times import format_duration

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
_CATALOGUE = Path(__file__).parent / "page" / "words.json"
_MOST_ACCEPTED = 20  # languages of a browser that are looked at


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every text by its key, in each language; what stands in braces is filled in."""
    found: dict[str, dict[str, str]] = json.loads(_CATALOGUE.read_text(encoding="utf-8"))
    return found


def preferred(accepted: str) -> Language:
    """The language of ours that a browser likes best, as its Accept-Language says; English where it says neither.

    Never raises: what cannot be read is passed over.
    """
    liked: list[tuple[float, Language]] = []
    for part in accepted.split(",")[:_MOST_ACCEPTED]:
        tag, _, weight = part.strip().partition(";")
        language: Language | None = {"en": "en", "zh": "zh"}.get(tag.strip().lower().split("-")[0])  # type: ignore[assignment]
        given = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight) if weight else None
        if language and (given or not weight) and (quality := float(given[1]) if given else 1.0) > 0:
            liked.append((quality, language))
    return max(liked, key=lambda one: one[0])[1] if liked else "en"


def filled(template: str, language: Language) -> str:
    """A page of ours with the words of a language where their keys stand in double braces; `language` is one of them.

    Raises:
        KeyError: no such key.
    """
    words = {key: texts[language] for key, texts in catalogue().items()} | {"lang": language}
    return re.sub(r"\{\{([\w.]+)\}\}", lambda found: html.escape(words[found[1]]), template)


def definitions_in_words(definitions: Definitions, language: Language = "en") -> dict[str, str]:
    """One sentence for each of the four numbers, and one for the day."""
    opens = definitions.opens
    limit = "" if opens.timeout is None else format_duration(opens.timeout)
    return {
        "pv": _say("define.pv", language),
        "uv": _say("define.uv", language, user=_say(f"define.user.{definitions.user}", language)),
        "opens": _say(f"define.opens.{opens.rule}", language, limit=limit),
        "new_users": _say("define.new_users", language),
        "day": _say("define.day", language, day=definitions.day),
    }


def _say(key: str, language: Language, **values: str) -> str:
    return catalogue()[key][language].format(**values)
