"""Peak memory of a process, beside what it allocates."""

import mmap
from pathlib import Path

import pytest

from lit_prune.hardware import memory
from lit_prune.hardware.memory import peak_bytes, reset_peak, resident_bytes

SIZE = 64 * 2**20


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux only")
def test_the_peak_is_that_since_the_reset():
    reset_peak("cpu")
    before = peak_bytes("cpu")
    with mmap.mmap(-1, SIZE) as pages:  # not an array, for which a large process may have free memory
        for place in range(0, SIZE, mmap.PAGESIZE):
            pages[place] = 1
    assert peak_bytes("cpu") - before > 0.9 * SIZE
    reset_peak("cpu")
    assert peak_bytes("cpu") - before < 0.5 * SIZE
    assert resident_bytes("VmRSS") <= peak_bytes("cpu")


def test_a_system_that_measures_nothing_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "status").write_text("Name:\tpython\n")
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "status")
    monkeypatch.setattr(memory, "_RESET", tmp_path / "missing" / "clear_refs")
    reset_peak("cpu")
    assert peak_bytes("cpu") is None


def test_it_is_none_where_the_system_does_not_measure_it(monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    assert peak_bytes("cpu") is None
