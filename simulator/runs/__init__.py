"""One run from start to verdict.

    preparing.py   a run made ready to send: its directory, and the embedded collector
    collector_process.py, load_process.py   the embedded collector and Locust, as child processes
    links.py       links of method 2, registered before the run
    running.py     the whole way: prepare, start, load, judge, report
    replaying.py   some visitors of an earlier run, sent again; searching.py whom, where nobody is asked for
    reading.py     the readers of a run's collector, as its target says
    trying.py      a target file tried: one event of each kind; plain_sending.py one request without Locust;
                   trying_events.py its stored events against what was sent, as in a run
    conform/       the conformance suite, and discovery of the definitions that a collector uses
    baseline.py known.py   what a collector held before the run: its totals, where its list of events ended, and what
                   it had of the run's own namespace already
    judging.py     a run directory to a Result: ledger, oracle, list of events, readings; looking.py looks until all
                   of these are of one moment
    holes.py       what lost workers leave open
    comparing.py   the collector's other interfaces against its totals
    watching.py watched.py   totals read while a run is sent, and whether they could be so then
    following.py so_far.py   what the totals must be by now, beside what was read, for whoever looks on
    metrics_out.py a run's numbers for Prometheus, while it goes on
    load_facts.py   how the load went, for the verdict
    load_report.py concluding.py    what the load said of itself; everything that was found, to a verdict and a Result
    listing.py counting.py diagnosing.py   the stored events; one pass over plan, ledger and list; what is wrong and why
    chunks.py gathering.py   a part of that pass, which any process can make; what is summed up of its attempts
    dividing.py, counting_process.py   the processes that share a large run, as child processes; machine.py how many
    phasing.py latencies.py   counted phases, and gathered latencies, as a Result has them
    reconciliation.py   every event with which something is wrong, as a file
    two_runs.py    what changed from one judged run to another; latency_slices.py keeps what that needs
    explaining.py  what one visitor of a plan adds to a total, and why
    driving.py     a plan's visitors on phones with the user's own mini program
    inspecting.py  what they sent, held against rules (inspect/) and against the totals of the plan
    planning.py    the expected totals of a plan, before anything is sent
    selftest.py    the kill matrix: trial.py is one run against a faulty or an honest collector, selftest_scenarios/
                   what it sends, sender_process.py the Locust that sends many of them; killing.py says when a fault
                   counts as killed, affected.py whom it affects, repeating.py shows it again by as few visitors as
                   smallest.py finds, replayed.py by `mpsim replay`
    false_alarms.py   the other half: no failing network makes a right collector fail; fault_proxy.py is the network,
                   plain_count.py what the expectations are held against

Never imports load/: importing Locust patches the process. The two meet through the run directory.
"""
