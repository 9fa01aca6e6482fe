"""One file for each kind of source of totals and of stored events: the collector's own numbers → a reading.

    setting.py     what a reader is told of a run; the two faces of readers: totals, and a list of events
    registry.py    which reader a section of a target file (scenario/target_reading.py) is for: one line each
    reading.py     what a reader of totals hands over, whatever the source
    figures.py     rows of any source to a reading: cells named, numbers checked, what nobody gives said to be missing
    secrets.py     what a target file leaves to the environment, and how it stays out of every text
    scope.py       a list of events less what a target's scope leaves out

    monitor_reader.py   mpsim's own interface: monitor.py its totals, events.py its events, interfaces.py the rest
    http_totals.py http_events.py   any other over HTTP: requesting.py asks page by page, fetch.py is one bounded
                   request, documents.py finds figures and events in JSON
    sql_totals.py sql_events.py   by SQL: database.py is a connection that only reads
    command.py     a program that prints JSON
    access_log.py  an access log, of whose files log_files.py gives the lines
    counted.py     totals of a collector that only lists its events: tally.py counts them

A reader never trusts a reply: what is not a whole number where one is expected is unread, with a reason, and never 0.
What the numbers must be is oracle.py, which shares nothing with tally.py; reading until they have settled is settle.py.
"""
