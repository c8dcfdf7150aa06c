import contextlib
import sqlite3

import pytest

from bitline.base.errors import TraceError
from bitline.sim.study.store import STORE_NAME, Kept, Outcome, Store, open_store

DONE = Outcome("a" * 32, "done", {"model": "gpt2", "time_s": 0.1}, {"time_s": 0.1, "operators": [1, 2]})
FAILED = Outcome("b" * 32, "failed", {"model": "gpt2", "error": "does not fit"})


def change(folder, statement):
    with contextlib.closing(sqlite3.connect(folder / STORE_NAME)) as database, database:
        database.execute(statement)


@pytest.fixture
def filled(tmp_path):
    with open_store(tmp_path) as store:
        store.put([DONE, FAILED])
    return tmp_path


def test_outcomes_come_back_after_the_store_was_closed(filled):
    with contextlib.closing(Store(filled, create=False)) as store:
        assert store.find(DONE.key) == Kept("done", DONE.row)
        assert store.result(DONE.key) == DONE.result
        assert store.find(FAILED.key) == Kept("failed", FAILED.row)
        assert store.result(FAILED.key) is None
        assert store.find("c" * 32) is None
        assert [key for key, _ in store.all()] == [DONE.key, FAILED.key]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE points SET status = 'failed' WHERE key LIKE 'a%'",
        "UPDATE points SET row = replace(row, '0.1', '0.2') WHERE key LIKE 'a%'",
        "UPDATE results SET result = zeroblob(3) WHERE key LIKE 'a%'",
        "UPDATE results SET result = 'text' WHERE key LIKE 'a%'",
        "UPDATE results SET digest = 'x' WHERE key LIKE 'a%'",
        "DELETE FROM results",
        "UPDATE points SET row = CAST(x'ff00ff' AS TEXT) WHERE key LIKE 'a%'",
        "UPDATE points SET digest = 'x' WHERE key LIKE 'a%'",
    ],
)
def test_a_damaged_record_counts_as_not_done(filled, statement):
    change(filled, statement)
    with open_store(filled) as store:
        assert store.find(DONE.key) is None
        assert None in (store.row(DONE.key), store.result(DONE.key))
        assert [key for key, _ in store.all() if store.find(key)] == [FAILED.key]
        store.put([DONE])
        assert store.find(DONE.key) == Kept("done", DONE.row)


def test_every_flipped_byte_is_noticed_or_harmless(filled):
    """A store with one byte changed gives each outcome as it was, or not at all, or says that it is damaged."""
    file = filled / STORE_NAME
    intact = file.read_bytes()
    noticed = 0
    for place in [*range(0, 120), *range(4096, len(intact), 7)]:
        file.write_bytes(intact[:place] + bytes([intact[place] ^ 0x41]) + intact[place + 1 :])
        try:
            with contextlib.closing(Store(filled, create=False)) as store:
                kept = dict(store.all())
                found = [store.find(outcome.key) for outcome in (DONE, FAILED)]
        except TraceError:
            noticed += 1
            continue
        assert set(kept) <= {DONE.key, FAILED.key}
        assert found[0] in (None, Kept("done", DONE.row))
        assert found[1] in (None, Kept("failed", FAILED.row))
        noticed += None in found
    assert noticed > 20


def test_a_truncated_store_never_gives_a_wrong_outcome(filled):
    file = filled / STORE_NAME
    intact = file.read_bytes()
    refused = 0
    for length in range(1, len(intact), 512):
        file.write_bytes(intact[:length])
        try:
            with open_store(filled) as store:
                kept = dict(store.all())
        except TraceError:
            refused += 1
            continue
        assert kept.items() <= {DONE.key: Kept("done", DONE.row), FAILED.key: Kept("failed", FAILED.row)}.items()
    assert refused > 4


@pytest.mark.parametrize(("version", "age"), [(1, "an older"), (3, "a newer")])
def test_a_store_of_another_version_is_refused_and_left_alone(filled, version, age):
    change(filled, f"PRAGMA user_version = {version}")
    before = (filled / STORE_NAME).read_bytes()
    with pytest.raises(TraceError) as error, open_store(filled):
        pass
    assert f"schema: has schema {version}, of {age} version of bitline; expected 2" in str(error.value)
    assert (filled / STORE_NAME).read_bytes() == before


def test_the_database_of_another_program_is_refused(tmp_path):
    change(tmp_path, "CREATE TABLE other (x)")
    with pytest.raises(TraceError, match="is not the store of a sweep"), open_store(tmp_path):
        pass


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / STORE_NAME).write_text("junk " * 1000)
    with pytest.raises(TraceError, match="cannot be read"), open_store(tmp_path):
        pass


def test_a_point_that_is_done_stays_done(filled):
    with open_store(filled) as store:
        store.put([Outcome(DONE.key, "failed", {"error": "out of memory"})])
        assert store.find(DONE.key) == Kept("done", DONE.row)
        store.put([Outcome(FAILED.key, "done", {"error": None}, {"time_s": 1})])
        assert (store.find(FAILED.key).status, store.result(FAILED.key)) == ("done", {"time_s": 1})


def test_a_store_can_be_read_while_a_sweep_writes_it(tmp_path):
    with open_store(tmp_path) as store:
        store.put([DONE])
        with contextlib.closing(Store(tmp_path, create=False)) as reader:
            assert reader.find(DONE.key) == Kept("done", DONE.row)
        store.put([FAILED])


def test_a_missing_store_is_not_made_by_reading(tmp_path):
    with pytest.raises(TraceError, match="cannot be read"):
        Store(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []
