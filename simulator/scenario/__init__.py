"""Scenario, contract and target files: YAML text to typed values, and all that can be said of one without running it.

The only part that knows pydantic and PyYAML. The way of a file:

    tree.py       text to a tree whose every node knows file, line and column (safe, bounded, YAML 1.2 scalars)
    include.py    other files merged in, the own file first
    shorten.py    short forms of steps (`launch`, `track: c_order`) to their long form
    model.py      the typed sections, over values.py (durations, parts, rates), steps.py and slo.py
    complain.py   pydantic's errors in words, each with its place and the nearest right word
    lists.py      values from list files
    instants.py   arrivals from a list of instants
    check.py      rules over more than one value, with walk.py for the order of steps
    load.py       all of these in a row: `load(path)`

Beside it: lint.py (legal but suspicious), schema.py (JSON Schema for editors), template.py (a file to start from),
contracts.py (contract files, and which definitions are in force), variables.py ({name} in texts), declared.py (which
events the journeys declare), nearest.py (did you mean).

    target.py          target files, over target_reading.py: how totals and events are read, in target_values.py
    log_format.py      the format of an access log; placeholders.py: {name} in requests; secret.py: {env: NAME}
    trial.yaml         what a trial of a target file sends

Not here: what a scenario means in events (journey/), whether its arrivals over the hours of a day reach their count
(journey/arrivals.py), and reading a collector (verify/readers/).
"""
