"""Peak memory: what it holds at least, and where it is not known."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lit_prune.bench import memory
from lit_prune.bench.training import Setting

TOY = Setting(layers=1, hidden=256, batch=2, length=8, precision="fp32", device="cpu")
EMBEDDINGS = 30_522 * 256 * 4  # bytes of the word embeddings, most of the toy model


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a CPU process is known on Linux only")
def test_it_counts_gradients_and_both_moments_of_what_is_trained():
    assert memory.peak_memory(TOY, "dense") > 4 * EMBEDDINGS
    assert EMBEDDINGS < memory.peak_memory(TOY, "mask_phase") < 4 * EMBEDDINGS


def test_it_is_none_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(memory, "ProcessPoolExecutor", lambda workers, context: ThreadPoolExecutor(workers))
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    assert memory.peak_memory(TOY, "mask_phase") is None
