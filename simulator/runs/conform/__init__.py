"""Conformance: small, exact cases against any collector, and the definitions that it uses found out.

    suite/           the cases, as files: journeys in the steps of a scenario, and numbers that a person wrote down
    cases.py         the suite and its version
    expecting.py     what a case comes to under a definition, and under which others it comes to something else
    days.py          local days that a case has to itself
    staging.py       a case made ready for one target: visitors, requests, cells; shapes.py other ways to send them
    exchanging.py    requests and replies; hiding.py keeps secrets out of them
    looking.py       figures before and after, in the cells that the target's reader has
    supporting.py    why a case says nothing about a target
    judging.py       what becomes of a case
    conducting.py    all cases on one target
    discovering/     which definitions a collector uses
    standing.py      a target ready to be tried, and what is stated, found or assumed of it
    conforming.py    `mpsim conform`: all targets, one matrix

How a case file is written is scenario/case_file.py, what is printed report/conform_*.py. The numbers of the suite are
held against the oracle by the tests only: what a collector is told to have wrong is never our own count of it.
"""
