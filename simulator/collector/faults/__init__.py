"""Seeded faults: the embedded collector, wrong in exactly one way, to prove that a wrong collector is caught.

    fault.py       what a fault says of itself, and the registry
    catalogue.py   the families below, registered
    planting.py    where one can be planted: decoded fields, rows to store, the SQL that counts
    decoding.py    faults in reading a request: escapes, cuts, case, dates
    storing.py     faults in keeping rows: lost, stored twice, taken for a duplicate, refused by mistake
    labelling.py   faults in the source of an event, and in the page or hour it is counted under
    users.py       faults in who is one user, and in who is new
    opening.py     faults in what begins an open, and in what is a view
    __main__.py    `python -m simulator.collector.faults FAULT --db FILE …`: a faulty collector as a process

The collector itself holds no switch for any of this: a fault wraps `parts.Collector`, the decoding, the rows on their
way to the store, or the text of a counting statement. None of them touches a number that was already counted, so each
is something that a real collector could get wrong. Which scenario catches it, in which metric and as which finding is
declared beside it; `mpsim selftest` holds all of that against what the verification really says.
"""

from simulator.collector.faults.catalogue import Fault, named, registered

__all__ = ["Fault", "named", "registered"]
