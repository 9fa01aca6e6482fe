"""How a tracker's queue may be set up, where its format limits that: so many events a request, or each event alone.

The options of every queue are in adapter_options.py.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from simulator.scenario.values import Flag, Model, WrongAt

UpTo100 = Annotated[int, Field(strict=True, ge=1, le=100, description="Most events in one request; no more are taken.")]


class SingleOptions(Model):
    """Of a tracker that can send each event alone: then there is no queue, and nothing to say of one."""

    of_the_queue: ClassVar[tuple[str, ...]] = ("batch", "every")

    single: Flag = False

    @model_validator(mode="after")
    def _has_a_queue_or_none(self) -> SingleOptions:
        for key in self.of_the_queue:
            if self.single and key in self.model_fields_set and getattr(self, key):
                raise WrongAt(
                    f"with single each event leaves alone, so {key} would do nothing; leave one of them out", key
                )
        return self
