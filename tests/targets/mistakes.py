"""Every kind of mistake in a target file, with what is said of it and in which line."""

from __future__ import annotations

from typing import NamedTuple

RIGHT = """\
target: ours
url: http://127.0.0.1:8080
adapter: {name: dmhub, path: /cbe/__utm}
replies: {acked: [200], refused: [400]}
contract: {opens: launch, user: openid, day: Asia/Shanghai, dedupe: by_id}
settle: {lag: 1s, quiet: 1s, deadline: 20s}
scope: {source: ad}
totals:
  http:
    auth: {bearer: {env: READ_TOKEN}}
    timeout: 10s
    requests:
      - path: /stats
        query: {from: "{from}", to: "{to}", after: "{cursor}"}
        by: source
        rows: data.rows
        cell: name
        pv: views
        pages: {cursor: data.next}
events:
  log:
    files: events.log
    format: '$msec $status "$request"'
not_read: [new_users, uv by page]
"""


class Mistake(NamedTuple):
    """One line or part that is replaced, and the complaint that must come."""

    right: str
    wrong: str
    line: int
    text: str  # all of the complaint behind its place


MISTAKES = {
    # what it is → the mistake
    "a misspelt key": Mistake(
        "settle:", "setle:", 6, "setle  unknown key setle; did you mean settle?"
    ),
    "no name": Mistake("target: ours\n", "", 1, "the key target is missing (what reports call it)"),
    "a name with spaces": Mistake(
        "target: ours", "target: our own", 1,
        "target  expected letters, digits, _ and -, at most 64, such as our-collector, not our own",
    ),
    "no totals": Mistake(
        RIGHT[RIGHT.index("totals:") : RIGHT.index("events:")],
        "",
        1,
        "the key totals is missing (how the totals are read; one of these)",
    ),
    "a URL that is none": Mistake(
        "url: http://127.0.0.1:8080", "url: 127.0.0.1:8080", 2,
        "url  expected a URL such as http://127.0.0.1:8080, not 127.0.0.1:8080",
    ),
    "a password in the URL": Mistake(
        "url: http://127.0.0.1:8080", "url: http://me:pw@127.0.0.1:8080", 2,
        "url  a user and a password do not belong into a URL; use auth with {env: NAME}",
    ),
    "an adapter that is none": Mistake(
        "name: dmhub,", "name: dmhup,", 3, "adapter.name  no adapter dmhup; did you mean dmhub?"
    ),
    "an option that the adapter has not": Mistake(
        "path: /cbe/__utm}", "pth: /cbe/__utm}", 3, "adapter.pth  unknown key pth; did you mean path?"
    ),
    "an adapter without a name": Mistake(
        "adapter: {name: dmhub, path: /cbe/__utm}", "adapter: {path: /cbe/__utm}", 3,
        "adapter  expected an adapter's name, such as dmhub, or {name: dmhub, …}, not nothing",
    ),
    "a status that is none": Mistake(
        "refused: [400]", "refused: [20]", 4, "replies.refused[0]  expected 200 or more, not 20"
    ),
    "a status that means both": Mistake(
        "refused: [400]", "refused: [200]", 4, "replies  the status 200 cannot mean both acked and refused"
    ),
    "a definition that is none": Mistake(
        "opens: launch", "opens: lunch", 5,
        "contract.opens  expected launch, timeout=DURATION (such as timeout=30m) or every-foreground, not 'lunch'",
    ),
    "a misspelt key of the contract": Mistake(
        "dedupe: by_id", "dedup: by_id", 5, "contract.dedup  unknown key dedup; did you mean dedupe?"
    ),
    "a contract that is nowhere": Mistake(
        "contract: {opens: launch, user: openid, day: Asia/Shanghai, dedupe: by_id}", "contract: dmhub2018", 5,
        "contract  no contract dmhub2018, and no such file beside this one; did you mean dmhub-2018?",
    ),
    "a promise in two places": Mistake(
        "dedupe: by_id}", "dedupe: by_id, lag: 3s}", 6,
        "settle  the contract says lag as well; expected it in one of the two places",
    ),
    "a duration without a unit": Mistake(
        "deadline: 20s", "deadline: 20", 6,
        'settle.deadline  expected a duration with a unit, such as "90s" or "45m", not 20',
    ),
    "a scope that is empty": Mistake(
        "scope: {source: ad}", 'scope: {source: ""}', 7,
        "scope.source  expected a text that is not empty, not ",
    ),
    "a way to read that is none": Mistake(
        "  http:", "  htp:", 9, "totals.htp  unknown key htp; did you mean http?"
    ),
    "two ways to read": Mistake(
        "totals:\n", "totals:\n  monitor:\n", 9,
        "totals  monitor and http exclude each other; expected one way to read totals",
    ),
    "a token in the file": Mistake(
        "{bearer: {env: READ_TOKEN}}", "{bearer: abc123}", 10,
        "totals.http.auth.bearer  a secret does not belong into a file; write {env: NAME} and set that variable",
    ),
    "a misspelt env": Mistake(
        "{env: READ_TOKEN}", "{evn: READ_TOKEN}", 10,
        "totals.http.auth.bearer  unknown key evn; did you mean env?",
    ),
    "a variable's name that is none": Mistake(
        "{env: READ_TOKEN}", "{env: READ TOKEN}", 10,
        "totals.http.auth.bearer  expected env: with the name of an environment variable, such as {env: READ_TOKEN}, "
        "not READ TOKEN",
    ),
    "a secret among the headers": Mistake(
        "    timeout: 10s", "    headers: {x-api-key: abc123}", 11,
        "totals.http.headers.x-api-key  x-api-key is a secret, which does not belong into a file; write x-api-key: "
        "{env: NAME}",
    ),
    "a path without its slash": Mistake(
        "path: /stats", "path: stats", 13,
        "totals.http.requests[0].path  expected a path that begins with a slash, such as /api/stats, not stats",
    ),
    "a placeholder that nobody fills": Mistake(
        'from: "{from}"', 'from: "{form}"', 14,
        "totals.http.requests[0].query.from  nobody knows {form}; did you mean from? (one of your own is written "
        "{{name}})",
    ),
    "a placeholder that nobody fills beside a header of the same name": Mistake(
        'from: "{from}"', 'from: "{form}"}\n        headers: {from: me', 14,
        "totals.http.requests[0].query.from  nobody knows {form}; did you mean from? (one of your own is written "
        "{{name}})",
    ),
    "a placeholder that nobody fills in a header of all requests": Mistake(
        "    timeout: 10s", '    headers: {x-run: "{name}"}', 11,
        "totals.http.headers.x-run  nobody knows {name}; expected from, to, from_ms, to_ms, from_s, to_s, from_day, "
        "to_day, created, "
        "namespace, zone, appid or tenant (one of your own is written {{name}})",
    ),
    "a page without pages in a header": Mistake(
        '{from: "{from}", to: "{to}", after: "{cursor}"}\n        by: source\n        rows: data.rows\n'
        "        cell: name\n        pv: views\n        pages: {cursor: data.next}\n",
        '{}\n        headers: {after: "{cursor}"}\n        by: source\n        cell: name\n        pv: views\n', 15,
        "totals.http.requests[0].headers.after  {cursor} has a meaning only with pages; say with pages: how the "
        "reply goes on",
    ),
    "pages with a name of one's own in its place": Mistake(
        '"{cursor}"', '"{{cursor}}"', 19,
        "totals.http.requests[0].pages  with pages the request must name {cursor}, {page} or {offset}, or pages "
        "must say "
        "next",
    ),
    "a page without pages": Mistake(
        "        pages: {cursor: data.next}\n", "", 14,
        "totals.http.requests[0].query.after  {cursor} has a meaning only with pages; say with pages: how the reply "
        "goes on",
    ),
    "pages without a page": Mistake(
        ', after: "{cursor}"', "", 19,
        "totals.http.requests[0].pages  with pages the request must name {cursor}, {page} or {offset}, or pages "
        "must say "
        "next",
    ),
    "a cursor from nowhere": Mistake(
        "pages: {cursor: data.next}", "pages: {first: 2}", 19,
        "totals.http.requests[0].pages  {cursor} is asked for, and pages does not say where the reply has it; add "
        "cursor to "
        "pages",
    ),
    "a kind of cell that is none": Mistake(
        "by: source", "by: sorce", 15,
        "totals.http.requests[0].by  expected all, source, content, hour, day or page, not sorce; did you mean source?",
    ),
    "an expression for an identity that is none": Mistake(
        "events:\n  log:\n    files: events.log\n    format: '$msec $status \"$request\"'\n",
        "events:\n  http:\n    path: /events\n    fields: {external_id: id, identities: {mobile: a..b}}\n", 23,
        "events.http.fields.identities.mobile  this is no JMESPath expression: a..b (it goes wrong at "
        "character 3); expected such as data.rows",
    ),
    "an expression for all identities that is none": Mistake(
        "events:\n  log:\n    files: events.log\n    format: '$msec $status \"$request\"'\n",
        "events:\n  http:\n    path: /events\n    fields: {external_id: id, identities: a..b}\n", 23,
        "events.http.fields.identities  this is no JMESPath expression: a..b (it goes wrong at "
        "character 3); expected such as data.rows",
    ),
    "an expression that is none": Mistake(
        "rows: data.rows", "rows: data..rows", 16,
        "totals.http.requests[0].rows  this is no JMESPath expression: data..rows (it goes wrong at "
        "character 6); expected such as data.rows",
    ),
    "no figure": Mistake(
        "        pv: views\n", "", 13,
        "totals.http.requests[0]  expected at least one of pv, uv, opens or new_users, with where it stands in a row",
    ),
    "opens of a page": Mistake(
        "by: source", "by: page\n        opens: opens", 16,
        "totals.http.requests[0].opens  pages have no opens and no new users; expected pv or uv",
    ),
    "a log without a place": Mistake(
        "    files: events.log\n", "", 21,
        "events.log  the key files is missing (paths, from the target file's folder; {env: NAME} for a path from "
        "there)",
    ),
    "a format without a request": Mistake(
        "'$msec $status \"$request\"'", "'$msec $status'", 23,
        "events.log.format  the format does not say what was requested; expected $request or $request_uri (nginx), or "
        "%r (Apache)",
    ),
    "a format without a status": Mistake(
        "'$msec $status \"$request\"'", "'$msec \"$request\"'", 23,
        "events.log.format  the format does not say the status; expected $status (nginx) or %>s (Apache)",
    ),
    "a format that is none": Mistake(
        "'$msec $status \"$request\"'", "combind", 23,
        "events.log.format  expected combined, common, or a format such as '$remote_addr [$time_local] \"$request\" "
        "$status', not 'combind'",
    ),
    "a format whose values run together": Mistake(
        "'$msec $status \"$request\"'", "'$msec$status \"$request\"'", 23,
        "events.log.format  two values stand side by side in the format, so nobody knows where the first one ends",
    ),
    "a figure that is none": Mistake(
        "[new_users, uv by page]", "[new_user, uv by page]", 24,
        "not_read[0]  new_user is no figure; did you mean new_users?, or such as opens by hour",
    ),
    "a kind of cell of a figure that is none": Mistake(
        "uv by page", "uv by pages", 24, "not_read[1]  pages is no kind of cell; did you mean page?"
    ),
    "nothing left to judge": Mistake(
        "[new_users, uv by page]", "[pv, uv, opens, new_users]", 24,
        "not_read  none of the four totals is left, so nothing would be judged",
    ),
    "a key twice": Mistake(
        "not_read:", "url: http://127.0.0.1:1\nnot_read:", 24,
        "the key url stands here a second time, first in line 2",
    ),
}  # fmt: skip

COUNTED = RIGHT.replace(RIGHT[RIGHT.index("totals:") : RIGHT.index("events:")], "totals: events\n")
SQL = RIGHT.replace(
    RIGHT[RIGHT.index("totals:") : RIGHT.index("not_read:")],
    "totals:\n  sql:\n    database: postgresql://reader@127.0.0.1/analytics\n    queries:\n"
    "      all: select count(*) as pv from event where at >= :from\n",
)
COMMAND = RIGHT.replace(
    RIGHT[RIGHT.index("totals:") : RIGHT.index("not_read:")],
    "totals:\n  command:\n    run: [python3, totals.py, '{from}']\n",
)

OTHER_MISTAKES = {
    "totals of events that nobody lists": (
        COUNTED,
        Mistake(
            COUNTED[COUNTED.index("events:\n") : COUNTED.index("not_read:")], "", 8,
            "totals  the totals are counted from the listed events, and no key events says how to list them",
        ),
    ),
    "a word that is no way to read": (
        COUNTED,
        Mistake("totals: events", "totals: event", 8, "totals  event is no way to read totals; did you mean events?"),
    ),
    "a way to read that needs more": (
        COUNTED,
        Mistake(
            "totals: events", "totals: sql", 8,
            "totals  sql needs what stands in it; see mpsim schema target",
        ),
    ),
    "arrivals without a time": (
        COUNTED.replace("dedupe: by_id", "dedupe: none, time: arrival"),
        Mistake(
            "'$msec $status", "'$status", 12,
            "events.log.format  the contract counts by arrival, and the format has no time; add $msec or $time_iso8601 "
            "(nginx), or %t (Apache)",
        ),
    ),
    "a password in the URL of a database behind other keys": (
        SQL,
        Mistake(
            SQL[SQL.index("    database:") : SQL.index("\n", SQL.index("    database:")) + 1],
            "    timeout: 10s\n    database: postgresql://reader:hunter2@127.0.0.1/x\n", 11,
            "totals.sql.database  a password stands in this URL; take it out and write password: {env: NAME}",
        ),
    ),
    "a secret behind other headers": (
        RIGHT,
        Mistake(
            "    timeout: 10s",
            '    headers:\n      accept: text/plain\n      x-other: "1"\n      authorization: Bearer abc',
            14,
            "totals.http.headers.authorization  authorization is a secret, which does not belong into a file; "
            "write authorization: {env: NAME}",
        ),
    ),
    "a secret of an adapter": (
        RIGHT,
        Mistake(
            "adapter: {name: dmhub, path: /cbe/__utm}", "adapter: {name: matomo, site: 1, token_auth: PLAIN}", 3,
            "adapter.token_auth  a secret does not belong into a file; write {env: NAME} and set that variable",
        ),
    ),
    "a secret among the headers of a template": (
        RIGHT,
        Mistake(
            "adapter: {name: dmhub, path: /cbe/__utm}",
            'adapter:\n  name: generic\n  body: {json: {e: "{event}"}}\n  headers:\n    accept: text/plain\n'
            "    Authorization: Bearer abc", 8,
            "adapter.headers.Authorization  Authorization is a secret, which does not belong into a file; write "
            "Authorization: with {env.NAME} in its place",
        ),
    ),
    "a database that is none": (
        SQL,
        Mistake(
            "postgresql://reader@127.0.0.1/analytics", "analytics", 10,
            "totals.sql.database  expected a database URL such as postgresql+psycopg://reader@127.0.0.1/analytics, not "
            "analytics",
        ),
    ),
    "a password in the database's URL": (
        SQL,
        Mistake(
            "reader@", "reader:pw@", 10,
            "totals.sql.database  a password stands in this URL; take it out and write password: {env: NAME}",
        ),
    ),
    "a query that is none": (
        SQL,
        Mistake(
            "select count", "delete from x; select count", 12,
            "totals.sql.queries.all  expected a query that begins with select or with, not delete from x; select "
            "count(*) as pv from event where at …",
        ),
    ),
    "a parameter that nobody binds": (
        SQL,
        Mistake(
            ":from", ":start", 12,
            "totals.sql.queries.all  nobody knows :start; did you mean from? (a colon of your own is written \\:)",
        ),
    ),
    "a query of no kind of cell": (
        SQL,
        Mistake(
            "      all:", "      totals:", 12,
            "totals.sql.queries.totals  expected all, source, content, hour, day or page, not totals",
        ),
    ),
    "a command for a shell": (
        COMMAND,
        Mistake(
            "[python3, totals.py, '{from}']", "python3 totals.py", 10,
            "totals.command.run  expected a list of the program and its arguments, such as [python3, totals.py], not "
            "python3 totals.py; no shell reads it",
        ),
    ),
    "an argument that nobody fills": (
        COMMAND,
        Mistake(
            "'{from}'", "'{since}'", 10,
            "totals.command.run[2]  nobody knows {since}; did you mean from? (one of your own is written {{name}})",
        ),
    ),
    "a page of a program": (
        COMMAND,
        Mistake(
            "'{from}'", "'{page}'", 10,
            "totals.command.run[2]  nobody knows {page}; expected from, to, from_ms, to_ms, from_s, to_s, from_day, "
            "to_day, created, namespace, zone, appid or tenant (one of your own is written {{name}})",
        ),
    ),
}  # fmt: skip
