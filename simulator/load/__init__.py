"""Sending a run under Locust: the only part that imports Locust or gevent.

One process:

    client.py       one collector: the bytes of a request to it; what an answer can be
    connection.py   one connection: sends exactly once, says honestly what it saw; dialling.py opens it
    peer.py         what all connections to a collector share; pipe.py the bytes of one, plain or in TLS
    reply.py        the bytes that come back, bounded, to an Answer
    walk.py         one visitor on the way through their requests: copies, retries, what comes next
    crowd.py        the visitors that come here in the order in which they do, planned a block at a time
    agenda.py       who is due when: visitors wait as heap entries, without their requests where they are many
    course.py       one course of sending: lanes take due visitors; stop and drain
    rest.py         when the event loop sleeps, so that nothing has arrived; held.py, why visitors come late
    garbage.py      when Python looks for garbage meanwhile
    own_connections.py   one connection a visitor instead of one a lane
    tally.py        what happened so far; numbers.py makes progress.json and load.json of it
    self_check.py   before every load: the transport sends once, whatever a server does; misbehaving.py is the table
    sender.py       the courses of a run that this process sends, into one ledger
    drive.py        a whole run: setup visits, then the judged ones, then load.json
    in_thread.py    work that may wait long for a disk
    many.py         many small runs, one after another, each through a Locust of its own in one process

A master and workers, which know neither Locust nor a greenlet and are tried in virtual time:

    messages.py     what they say to one another, and how it is read
    master.py       who sends what, when, and until when
    reception.py    who takes part; members.py is a worker as its master knows it
    leases.py       who may send whom; dealing.py deals visitors out, offset.py finds out how far a clock is off
    worker.py       joins, takes orders and leases, reports until its last word is heard
    joining.py      how a run comes to a worker; shipping.py how its ledger comes home

Under Locust:

    leased.py       a run as a worker sends it
    fleet.py        both sides on Locust's own channel, in greenlets
    locustfile.py   options, the driver user, signals, how a run ends; own_face.py makes its run directory
    statistics.py   what Locust is told of every attempt; totals_tab.py, our tabs in its web UI

A run is met through its directory: run.json and the scenario in, ledger, progress.json and load.json out. Nothing here
knows a vendor (wire/), draws a random number (journey/), or judges (verify/).

Importing Locust replaces sockets, threads and time in the whole process, so nobody imports this package but Locust's
own process and the tests of the parts that do without it.
"""
