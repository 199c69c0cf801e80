"""Peak memory: what it holds at least, and where it is not known."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch

from lit_prune.bench import memory
from lit_prune.bench.bert import dense_bert
from lit_prune.bench.inference import Workload, make_forward
from lit_prune.bench.training import Setting, training_step

TOY = Setting(layers=1, hidden=256, batch=2, length=8, precision="fp32", device="cpu")
EMBEDDINGS = 30_522 * 256 * 4  # bytes of the word embeddings, most of the toy model


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a CPU process is known on Linux only")
def test_it_counts_gradients_and_both_moments_of_what_is_trained():
    assert memory.peak_memory(partial(training_step, TOY, "dense"), "cpu") > 4 * EMBEDDINGS
    assert EMBEDDINGS < memory.peak_memory(partial(training_step, TOY, "mask_phase"), "cpu") < 4 * EMBEDDINGS


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a CPU process is known on Linux only")
@pytest.mark.slow
def test_the_making_counts_where_it_is_to():
    use = Workload(batch=1, length=8, precisions=["bf16"], repeats=1, device="cpu")
    make = partial(
        make_forward, partial(dense_bert, 1, 256), "bf16", use
    )  # from float32, of which nothing is left then
    assert memory.peak_memory(make, "cpu") > EMBEDDINGS * 1.5
    assert EMBEDDINGS * 0.5 < memory.peak_memory(make, "cpu", with_making=False) < EMBEDDINGS * 1.4


def test_tensors_in_use_count_once_and_with_their_gradients():
    before = memory.live_tensor_bytes()
    weight = torch.zeros(1000, requires_grad=True)
    view = weight.detach()[10:]
    assert memory.live_tensor_bytes() - before == 4000
    weight.sum().backward()
    weight.grad.add_(1)  # its own memory, not an expanded number
    assert memory.live_tensor_bytes() - before == 8000
    del weight, view
    assert memory.live_tensor_bytes() == before


def test_it_is_none_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(memory, "ProcessPoolExecutor", lambda workers, context: ThreadPoolExecutor(workers))
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    assert memory.peak_memory(partial(training_step, TOY, "mask_phase"), "cpu") is None
