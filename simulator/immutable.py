"""`immutable`: how the small immutable values that flow by the million are declared.

To the type checker it is a frozen dataclass, so nobody can assign to a field. At run time the guard is left out: a
frozen dataclass sets each field through a function call, which makes an event of sixteen fields six times as dear.
Equality, hash, slots and `dataclasses.replace` are those of a frozen dataclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as immutable
else:
    from dataclasses import dataclass

    def immutable(*, frozen, slots):
        """A frozen dataclass without the guard against assignment, which is the type checker's business."""
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["immutable"]
