"""Plan and adapter joined: the requests that a run sends, asked for by load/ to send and by verify/ to judge.

    sending.py   a block of visitors folded through an adapter
    opened.py    a run directory opened: manifest, scenario, plan, adapter
    making.py    a run directory made: options checked, scenario copied, run.json written
    links.py     links of method 2: what registers one, and whether it was taken
    target_files.py   what --target names, as a target; which hosts it sends to and reads from
    listening.py whether a port is free to listen on
    serving.py   a small HTTP server of ours, bounded: the collector's and the capture server's
    targets.py   where events may be sent, and whether anybody answers there

Not here: what a visitor does (journey/), how a request looks (wire/), what became of it (ledger/).
"""
