"""Discovery: which definitions a collector uses, found out by small journeys, and told only where it was seen.

    probing.py   a few probes sent, and the figures of each alone
    found.py     what was found out: keys of a contract file, remarks, and what could not be found out
    period.py    whether events count by their own time, and how old they may be
    zones.py     in which zone days begin, by asking for the local time of instants in which zones differ
    opens.py     what begins an open: the rule, the timeout by bisection, its boundary, and what else ends one
    users.py     who is one user, and whether an identity holds for what came before it
    copies.py    what becomes of a second copy, and of a return without a view
    discover.py  all of these in their order
    contract_text.py   what was found as a contract file

Two definitions are told apart only by a journey for which they give different numbers. What no journey could tell is
said, and stands in the contract file as a comment; nothing is guessed.
"""
