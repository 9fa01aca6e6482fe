"""One file for each kind of source of totals: the collector's own numbers → a reading.

    reading.py   what a reader hands over, whatever the source
    fetch.py     one bounded request
    monitor.py   the embedded collector's GET /monitor/totals
    interfaces.py   the same totals, and the counts of events, as its other interfaces tell them
    events.py    its GET /events/good and /events/bad: the stored events themselves

A reader never trusts a reply: what is not a whole number where one is expected is unread, with a reason, and never 0.
What the numbers must be is oracle.py; reading until they have settled is settle.py.
"""
