"""Plan, ledger and readings → what is right: expectations, verdicts and findings.

    sighting.py    attempts of one event → least and most stored copies, and when they may have arrived
    storing.py     sightings → the rows a collector may hold: duplicates removed, in order
    identity.py    who a row's user is; which rows can share a user at all
    opening.py     where an open begins, and what it contains
    metrics.py     the four numbers of certain rows, one definition each
    cells.py       a row → the cells in which it counts, for certain or possibly
    worlds.py      every way in which the unknown outcomes may have gone
    bounds.py      the four numbers as intervals, where some outcomes are unknown
    activity.py    opens cut by a timeout, as intervals, by dynamic programming
    feasible.py    whether one world gives all totals together, where few outcomes are unknown
    oracle.py      blocks of visitors → expectations of a run or of a plan
    recount.py     the same numbers unit by unit: which row each one of a count comes from
    explain.py     what one visitor adds to a number, and why, in words
    figures.py     what other products publish beside the four numbers: lengths, bounces, new visits

    readers/       the collector's own totals → a reading; its stored events, where it lists them
    settle.py      reading until the totals are right and stay so
    judging.py     expectations and a reading → judged cells
    diagnose.py    judged cells → findings that say what kind of fault it is
    listed.py      the stored events themselves, in a temporary file, a chunk of visitors at a time
    earlier.py     copies that were stored before the run, added to sightings
    reconcile.py   plan and ledger against them, event by event: the second stage
    rules/         other definitions, tried where totals are wrong over right events
    slo.py         latencies and the expressions about them
    noise.py       whether a latency differs between two runs by more than noise
    totals.py      the four totals of some blocks, without their cells
    phases.py      what became of each phase of a load, and whether the collector held it
    verdict.py     everything → one word and one exit code

Users and devices never cross a block of visitor numbers, so each block is counted alone and the counts are added, also
those of other processes (`Oracle.part`): memory grows with the cells and never with the events.
Nothing here imports the embedded collector or shares its counting: a wrong definition must not agree with itself.
What is not here: who was sent what (traffic/), what came back (ledger/), and how a result looks (report/).
"""
