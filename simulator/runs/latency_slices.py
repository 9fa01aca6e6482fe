"""latencies.json of a run directory: its latencies by slices of its visitors, for comparing two runs.

Written when a run is judged; result.json has the percentiles of the whole run and of its phases, which people read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from simulator.errors import UsageError
from simulator.ledger.histogram import Histogram
from simulator.report.disk import write_whole
from simulator.verify.slo import Latencies

LATENCIES_FILE = "latencies.json"
MEASURES = ("response", "service")  # from the intended instant, and from the send
_VERSION = 1
_MOST_BYTES = 64 << 20

Slices = dict[str, dict[int, Histogram]]  # measure → slice → latencies in microseconds


def write_latencies(folder: Path, slices: Mapping[int, Latencies]) -> None:
    """Write latencies.json, whole or not at all.

    Raises:
        OSError: no permission, no space.
    """
    rows = [
        {"slice": number, **{name: getattr(own, name).as_json() for name in MEASURES}}
        for number, own in sorted(slices.items())
    ]
    document = {"version": _VERSION, "unit": "microseconds", "slices": rows}
    write_whole(folder / LATENCIES_FILE, json.dumps(document, separators=(",", ":")).encode())


def read_latencies(folder: Path) -> Slices | None:
    """What was written; None where the run was judged before there was such a file.

    Raises:
        UsageError: it is damaged, or of another version.
    """
    path = folder / LATENCIES_FILE
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is larger than any that mpsim writes")
        document = json.loads(path.read_bytes())
        if document["version"] != _VERSION:
            raise UsageError(f"{path} has version {document['version']}; this mpsim reads version {_VERSION}")
        return {
            name: {int(row["slice"]): Histogram.from_json(row[name]) for row in document["slices"]} for name in MEASURES
        }
    except FileNotFoundError:
        return None
    except OSError as failed:
        raise UsageError(f"{path} cannot be read ({failed.strerror})") from failed
    except (ValueError, KeyError, TypeError) as damaged:
        raise UsageError(f"{path} is damaged: {damaged}") from damaged
