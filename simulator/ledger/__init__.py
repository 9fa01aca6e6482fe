"""What was attempted and what came back: written by load/, read by verify/, so that these two never meet.

    record.py     Attempt: one physical send
    write.py      intent before the send, outcome after it, into a file mapped to memory; the file format is there
    read.py       every worker's file back to attempts; damage is an error with file and byte
    tail.py       what is new in the files of a run that is being sent
    index.py      the attempts of one visitor at a time, in memory that does not grow with them
    leases.py     which worker had which visitors, and where a lost one leaves a hole
    histogram.py  durations in bounded memory, for both sides
    manifest.py   run.json: what the run is

The plan is regenerated from the seed, so an attempt is its place in the plan and what became of it: 48 bytes. What
is not here: what a request said (traffic/), what an outcome means for a total (verify/).
"""
