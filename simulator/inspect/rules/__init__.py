"""The rules, a small family a file, and the one list of them.

A new rule is a function with `@rule` in its family's file and a place in that file's RULES; a new family adds its line
here. Numbers and tables that a rule holds something against are wechat.py's and the wires'.
"""

from simulator.inspect.rule import Rule
from simulator.inspect.rules import failures, identities, launching, naming, program, sending, sources, viewing

RULES: tuple[Rule, ...] = (
    *program.RULES,
    *launching.RULES,
    *viewing.RULES,
    *sending.RULES,
    *naming.RULES,
    *identities.RULES,
    *sources.RULES,
    *failures.RULES,
)
BY_CODE = {one.code: one for one in RULES}
assert len(BY_CODE) == len(RULES), "two rules have one code"

__all__ = ["BY_CODE", "RULES"]
