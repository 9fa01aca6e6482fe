"""`python -m tests.bench.quote` puts the committed results into the README; after a measurement, `--quote` does."""

from __future__ import annotations

import sys

from tests.bench import table, ten_million
from tests.bench.table import COMMITTED, README, quoted


def main() -> int:
    """Quote both results."""
    readme = README.read_text(encoding="utf-8")
    for name in (table.NAME, ten_million.NAME):
        readme = quoted(readme, name, (COMMITTED / f"{name}.md").read_text(encoding="utf-8"))
    README.write_text(readme, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
