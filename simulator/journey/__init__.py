"""Scenario to events: what every visitor of a run does, as a pure function of seed, namespace, start and number.

    plan.py         settings, the period, and the entry points
    arrivals.py     when visitor k comes: the integral of the rate, in exact arithmetic, or the k-th instant of a list
    phases.py       the phases of a run, and whose they are
    population.py   who visitor k is: devices, identities, source, journey, values
    devices.py      phones that look real
    lifecycle.py    what the steps of a journey mean for a mini program: launch, show, hide, the page stack
    length.py       the longest visit that a file allows

No clock, no file, no socket, no vendor: how an event looks on a wire is wire/, and the two meet in traffic/.
"""
