"""The embedded reference collector: small, honest, in a process of its own, one SQLite file.

    options.py      what it is started with, and the bounds on what it takes in
    ingest.py       bytes of a request to a row: one decoding, and why an event is bad
    store.py        the rows; one writer thread, group commit, durable before the answer; duplicates by a unique key
    sql/            the schema, and one file for each definition of a user, of an open, and the table that is counted
    customers.py    identities that occurred together, as connected components
    totals.py       the four numbers in each kind of cell, in SQL over every stored row
    listing.py      stored events, good and bad, as JSON
    parts.py        one running collector: how it reads an event, where it stores it, how it counts
    web.py          parameters, bodies and errors of the interfaces
    app.py          the tracker's own two paths as a raw ASGI application; everything else is routed from here
    openapi.py      /v1/…, /security/… and /datacube/…: the documented interfaces
    monitor.py      /monitor/…, /events/… and the monitor page (page/); words.py and page/words.json, what it says
    server.py       the socket, the signals, the line that says it listens
    faults/         seeded faults, each a wrapper around these parts

What is not here: the oracle. verify/ computes the same numbers from the plan and the ledger, and neither imports a
line of the other, so a wrong definition cannot agree with itself. Nothing here imports wire/ either: the collector
reads what arrives on its own terms. It holds no switch for a fault; faults are wrappers around ingest, store and
totals, each of which `parts.Collector` takes.
"""
