"""mpsim: one scenario, one plan, driven by a simulated fleet; one verdict on what the collector counted.

    scenario  →  journey  →  wire  →  load  →  (collector under test)  →  verify  →  report
     YAML to     seed +      event     Locust      or the embedded       oracle,      HTML, JUnit,
     a typed     visitor k   to        users,      collector             readers,     JSON, console
     model       to events   bytes     ledger                            findings

traffic/ joins journey and wire, ledger/ keeps what was attempted so that load and verify never meet, runs/ takes one
run from start to verdict, api.py is that for programs, cli/ and pytest_plugin/ are its faces. Every package says in its
docstring what lives there and what does not. Who may import whom is held by import-linter (pyproject.toml,
tests/test_layers.py).

The values that flow are in events.py, contract.py and finding.py; they import nothing heavy, and nothing here does.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
