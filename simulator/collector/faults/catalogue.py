"""Every fault there is: importing a family registers its faults."""

from simulator.collector.faults import decoding, labelling, opening, storing, users
from simulator.collector.faults.fault import Fault, named, registered

FAMILIES = (decoding, labelling, opening, storing, users)

__all__ = ["FAMILIES", "Fault", "named", "registered"]
