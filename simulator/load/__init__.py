"""Sending a run under Locust: the only part that imports Locust or gevent.

    client.py       one connection: sends exactly once, says honestly what it saw
    pipe.py         its bytes, plain or in TLS
    reply.py        the bytes that come back, bounded, to an Answer
    walk.py         one visitor on the way through their requests: copies, retries, what comes next
    crowd.py        the visitors of a run in the order in which they come, planned a block at a time
    agenda.py       who is due when: visitors wait as heap entries
    course.py       one course of sending: lanes take due visitors; stop and drain
    tally.py        what happened so far, for progress.json and load.json
    self_check.py   before every load: the transport sends once, whatever a server does; misbehaving.py is the table
    drive.py        a whole run: setup visits, then the judged ones, then load.json
    many.py         many small runs, one after another, each through a Locust of its own in one process
    locustfile.py   Locust's side: options, the driver user, its statistics, how a run ends

A run is met through its directory: run.json and the scenario in, ledger, progress.json and load.json out. Nothing here
knows a vendor (wire/), draws a random number (journey/), or judges (verify/).

Importing Locust replaces sockets, threads and time in the whole process, so nobody imports this package but Locust's
own process and the tests of the parts that do without it.
"""
