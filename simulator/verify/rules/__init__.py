"""Other definitions, tried one after another where totals are wrong over right events.

    rule.py      one alternative, what it sees, and the table of all
    search.py    a wrong metric → the rule that explains every cell of it, with the visitors concerned
    opens.py counted.py people.py cells.py    the table, by what an alternative changes
    changes.py naming.py text.py              other rows, other users, other texts, for those
    origins.py instants.py                    what became of the source and the instant of stored events, in a sentence

The engine is the one that counted first (recount.py); an alternative gives it other switches, rows or users and shares
nothing with the embedded collector or its seeded faults. Importing the package fills the table.
"""

from simulator.verify.rules import cells, counted, opens, people

__all__ = ["cells", "counted", "opens", "people"]
