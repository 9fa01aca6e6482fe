r"""The format of an access log, as nginx's `log_format` or Apache's `LogFormat` writes it → how its lines are read.

Only what tells of a request matters: method, path and query, body, status, time, headers. Everything else in a line may
be anything. Values are read up to the next literal character of the format, so no line takes longer than its length.

A format may be copied out of the server's configuration, where it stands in quotes: what is escaped for those
(\" \' \\ \t \n \r) is read as the server reads it.

Source: ngx_http_log_module (log_format, escape=default|json|none); Apache mod_log_config (%r %>s %t %{Name}i, and the
escapes \" \\ \n \t \xhh).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Escape = Literal["default", "json", "none"]

NAMED = {
    "combined": (
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
        '"$http_user_agent"'
    ),
    "common": '%h %l %u %t "%r" %>s %b',
}
_NGINX = re.compile(r"\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+))")
_APACHE = re.compile(r"%U%q|%%|%[!0-9,]*[<>]?(?:\{([^}]*)\})?\^?([a-zA-Z])")
_ESCAPED = re.compile(r"""\\(["'\\tnr])""")  # of a quoted word in httpd.conf or nginx.conf
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r"}
_ROLES = {
    "request": "request",
    "request_method": "method",
    "request_uri": "target",
    "status": "status",
    "request_body": "body",
    "time_local": "time_local",
    "time_iso8601": "time_iso8601",
    "msec": "time_msec",
    "content_type": "header content-type",
}
_APACHE_ROLES = {"r": "request", "m": "method", "s": "status", "t": "time_bracketed"}
_TIMES = ("time_local", "time_iso8601", "time_msec", "time_bracketed")


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How the lines of a log are read."""

    pattern: re.Pattern[str]  # of a whole line
    roles: tuple[str, ...]  # of its groups
    escape: Escape

    @property
    def tells_time(self) -> bool:
        """Whether a line says when its request came."""
        return any(role in _TIMES for role in self.roles)


def parse_format(text: str, escape: Escape = "default") -> LogFormat:
    """Read a format, or the name of one: combined, common.

    Raises:
        ValueError: what it lacks, or what in it cannot be read.
    """
    written = _ESCAPED.sub(lambda escape: _CONTROLS.get(escape[1], escape[1]), NAMED.get(text, text))
    tokens = _tokens(written)
    roles = tuple(role for kind, role in tokens if kind == "value" and role)
    for role in roles:
        if roles.count(role) > 1:
            raise ValueError(f"the format has the {role.removeprefix('header ')} twice")
    if "request" not in roles and "target" not in roles:
        raise ValueError(
            "the format does not say what was requested; expected $request or $request_uri (nginx), or %r (Apache)"
        )
    if "status" not in roles:
        raise ValueError("the format does not say the status; expected $status (nginx) or %>s (Apache)")
    return LogFormat(re.compile(_pattern(tokens), re.DOTALL), roles, escape)


Token = tuple[str, str]  # ("text", literal) or ("value", role; empty: it does not matter)


def _tokens(written: str) -> list[Token]:
    has_dollar, has_percent = _NGINX.search(written) is not None, "%" in written
    if not has_dollar and not has_percent:
        raise ValueError(
            f"expected combined, common, or a format such as '$remote_addr [$time_local] \"$request\" $status', "
            f"not {written[:60]!r}"
        )
    tokens: list[Token] = []
    at = 0
    for match in (_NGINX if has_dollar else _APACHE).finditer(written):
        if match.start() > at:
            tokens.append(("text", written[at : match.start()]))
        at = match.end()
        if not has_dollar and match[0] == "%%":
            tokens.append(("text", "%"))
            continue
        tokens.append(("value", _nginx_role(match) if has_dollar else _apache_role(match)))
    if at < len(written):
        tokens.append(("text", written[at:]))
    for one, other in pairwise(tokens):
        if one[0] == other[0] == "value":
            raise ValueError("two values stand side by side in the format, so nobody knows where the first one ends")
    return tokens


def _nginx_role(match: re.Match[str]) -> str:
    name = match[1] or match[2]
    if name.startswith("http_"):
        return f"header {name.removeprefix('http_').replace('_', '-')}"
    return _ROLES.get(name, "")


def _apache_role(match: re.Match[str]) -> str:
    if match[0] == "%U%q":
        return "target"
    inside, letter = match[1], match[2]
    if letter == "i" and inside:
        return f"header {inside.lower()}"
    return _APACHE_ROLES.get(letter, "") if inside is None else ""


def _pattern(tokens: list[Token]) -> str:
    parts = []
    for place, (kind, said) in enumerate(tokens):
        if kind == "text":
            parts.append(re.escape(said))
            continue
        following = tokens[place + 1][1][0] if place + 1 < len(tokens) else ""
        value = _value(following, said)
        parts.append(f"({value})" if said else value)
    return "".join(parts)


def _value(following: str, role: str) -> str:
    """Anything up to the character that follows; inside quotes an escaped quote is part of the value."""
    if role == "time_bracketed":
        return r"\[[^\]]*+\]"
    if not following:
        return ".*+"
    if following == '"':
        return r'(?:[^"\\]|\\.)*+'
    return f"[^{re.escape(following)}]*+"
