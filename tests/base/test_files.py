"""A file appears whole or not at all."""

import os
import subprocess
import sys

import pytest

from bitline.base.errors import OutputError
from bitline.base.files import make_folder, whole_file, write_atomically


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "f"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_midway_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with pytest.raises(error), whole_file(path) as stream:  # noqa: PT012
        stream.write(b"new, half")
        raise error
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_nothing_is_seen_before_the_end(tmp_path):
    path = tmp_path / "f"
    with whole_file(path) as stream:
        stream.write(b"x" * 100_000)
        stream.flush()
        assert not path.exists()
    assert path.stat().st_size == 100_000


def test_a_killed_writer_leaves_no_file_under_the_name(tmp_path):
    code = (
        "import os, sys\nfrom bitline.base.files import whole_file\n"
        "with whole_file(sys.argv[1]) as stream:\n stream.write(b'half'); stream.flush(); os._exit(9)"
    )
    path = tmp_path / "f"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    assert not path.exists()


@pytest.mark.parametrize("name", ["none/f", "file/f", ".", "a\0b", "x" * 300])
def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path, name):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(tmp_path / name, b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_folder_in_the_files_place(tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(tmp_path / "f", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_folders_are_made_with_their_parents(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be created"):
        make_folder(tmp_path / "file" / "b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be written to; expected a folder with write permission"):
        make_folder(tmp_path / "locked")
