"""The stored rows: duplicates, batches, failures, and whose file it is."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from simulator.collector.ingest import BadRow, EventRow, Rules, event_row
from simulator.collector.store import Store, StoreFailed, open_store
from simulator.contract import Definitions, parse_opens
from simulator.errors import UsageError
from simulator.times import Ms


def event(number: int, **fields: str) -> EventRow:
    said = {"event": "c_x", "externalId": str(number), "anonymousId": "d"} | fields
    made = event_row(said, Rules(), Ms(1_772_700_000_000), "GET /")
    assert isinstance(made, EventRow)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "collector.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(path)
    yield opened
    opened.close()


def stored(path: Path, what: str = "fields ->> 'externalId'", table: str = "event") -> list[object]:
    """Read by a connection of its own: only what is committed."""
    connection = sqlite3.connect(path)
    try:
        return [value for (value,) in connection.execute(f"SELECT {what} FROM {table} ORDER BY id")]
    finally:
        connection.close()


@pytest.mark.parametrize(("fsync", "level"), [(True, 2), (False, 0)], ids=["waits for the disk", "does not"])
def test_whether_a_commit_waits_for_the_disk(path: Path, fsync: bool, level: int) -> None:
    """2 is FULL, 0 is OFF; another connection sees the rows either way."""
    opened = open_store(path, fsync=fsync)
    asyncio.run(opened.append([event(1)]))

    assert opened._connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert stored(path) == ["1"]
    opened.close()


@pytest.mark.parametrize("size", [1, 3, 4, 5, 255, 256, 257, 1000])
def test_a_batch_of_any_size_is_stored_in_order(store: Store, path: Path, size: int) -> None:
    asyncio.run(store.append([event(number) for number in range(size)]))

    assert stored(path) == [str(number) for number in range(size)]


def test_many_at_once_share_commits_and_all_are_stored(store: Store, path: Path) -> None:
    async def everybody() -> None:
        await asyncio.gather(*(store.append([event(number)]) for number in range(500)))

    asyncio.run(everybody())

    assert stored(path) == [str(number) for number in range(500)]


def test_the_first_of_a_duplicate_wins_within_a_batch_and_later(store: Store, path: Path) -> None:
    asyncio.run(store.append([event(1, source="first"), event(2), event(1, source="second")]))
    asyncio.run(store.append([event(2, source="third"), event(3)]))

    assert stored(path, "source") == ["first", "", ""]


def test_what_cannot_be_recognised_is_stored_each_time(store: Store, path: Path) -> None:
    asyncio.run(store.append([event(0, externalId="")] * 3))

    assert len(stored(path)) == 3


def test_a_bad_event_is_kept_each_time(store: Store, path: Path) -> None:
    asyncio.run(store.append([], [BadRow(Ms(1), "event is missing", "{}", "GET /")] * 2))

    assert stored(path, "reason", "bad_event") == ["event is missing"] * 2


def test_a_reset_forgets_events_and_never_gives_an_id_twice(store: Store, path: Path) -> None:
    asyncio.run(store.append([event(1), event(2)]))
    asyncio.run(store.reset())
    asyncio.run(store.append([event(1)]))

    assert stored(path, "id") == [3]


def test_a_failed_batch_is_told_to_all_and_leaves_nothing(store: Store, path: Path) -> None:
    """A full disk, played by a limit of pages; afterwards the store works on."""
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")

    async def two() -> Sequence[BaseException | None]:
        large = [event(number, note="x" * 255) for number in range(100)]
        return await asyncio.gather(store.append(large), store.append([event(1000)]), return_exceptions=True)

    told = asyncio.run(two())

    assert isinstance(told[0], StoreFailed)
    assert "full" in str(told[0])
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert [row for row in stored(path) if row != "1000"] == []
    asyncio.run(store.append([event(1)]))
    assert "1" in stored(path)


def test_a_registered_link_is_there_after_reopening(path: Path) -> None:
    first = open_store(path)
    asyncio.run(first.register("p7", "pages/a?x=1"))
    asyncio.run(first.register("p7", "pages/a?x=2"))
    asyncio.run(first.reset())
    first.close()

    second = open_store(path)

    assert second.links == {"p7": "pages/a?x=2"}
    second.close()


def test_closing_leaves_one_file(path: Path) -> None:
    opened = open_store(path)
    asyncio.run(opened.append([event(1)]))
    opened.close()

    assert [entry.name for entry in path.parent.iterdir()] == ["collector.db"]
    assert stored(path) == ["1"]


def test_other_definitions_are_said_once(path: Path) -> None:
    def noted(definitions: Definitions) -> str:
        opened = open_store(path)
        try:
            return opened.note_definitions(definitions)
        finally:
            opened.close()

    assert noted(Definitions()) == ""
    assert noted(Definitions()) == ""
    assert noted(Definitions(parse_opens("timeout=30m"), "device", "UTC")) == (
        f"{path} was last counted with opens launch, user openid, day Asia/Shanghai; now with opens timeout=30m, "
        "user device, day UTC. Definitions are switches of counting only: the stored events stay and are counted anew."
    )
    assert noted(Definitions(parse_opens("timeout=30m"), "device", "UTC")) == ""


def test_a_file_of_another_version_is_refused(path: Path) -> None:
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(UsageError, match=r"a collector's database of version 99, this mpsim reads version 1"):
        open_store(path)


def test_somebody_elses_database_is_refused_untouched(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    before = path.read_bytes()

    with pytest.raises(UsageError, match="not a collector's database"):
        open_store(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"name,value\n" * 1000)

    with pytest.raises(UsageError, match=r"cannot be used as the collector's database"):
        open_store(path)


@pytest.mark.parametrize("name", ["missing/collector.db", "."])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be used as the collector's database"):
        open_store(tmp_path / name)
