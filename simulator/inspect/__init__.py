"""The user's own integration under inspection: captured requests and the program's life → findings.

    capture.py     a request and what it says, read by the adapters; what nobody reads is told as such
    source.py      the program's scripts as syntax trees, for the static rules
    case.py        what the rules look at: source, visitors, trials, and what is known beside
    rule.py        what a rule, a breach of it and a finding are; documents.py what the rules quote
    rules/         the rules, a small family a file
    inspection.py  a case held against the rules in force; baseline.py findings that are known
    network.py     who answers a program under test: the collector, well or in trouble, lookups, the app's backend
    config.py      inspect.toml
    variant.py     a program that is another one with a few changes
    listening/     the capture server for a real phone

A rule reads a case and yields breaches; it knows nothing of levels, reports or exit codes. What breaks one rule in one
way is one finding, whoever shows it, and a finding that another explains is not told as well.

Not here: the mini program itself (runtime/), driving it and whether the four totals are right (runs/inspecting.py), how
findings look (report/inspection/).
"""
