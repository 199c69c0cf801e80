"""Scalars of event files, against TensorBoard's own reader."""

import os

import pytest
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from lit_prune.errors import UserError
from lit_prune.report.events import read_scalars


@pytest.fixture
def run(tmp_path):
    """Two processes of a run, of which the second begins before the end of the first."""
    for start in (0, 3):
        with SummaryWriter(str(tmp_path), filename_suffix=f".{start}") as writer:
            for step in range(start, start + 5):
                writer.add_scalar("train/loss", 1 / (step + 1), step)
                writer.add_scalar("sparsity/total", start, step)
                writer.add_text("note", "text", step)
    return tmp_path


def as_tensorboard_reads(run):
    accumulator = EventAccumulator(str(run), {SCALARS: 0}).Reload()
    return {
        tag: [(each.step, each.value) for each in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
    }


def test_they_are_those_that_tensorboard_reads(run):
    found = read_scalars(run)
    assert len(found["train/loss"]) == 10
    assert found == as_tensorboard_reads(run)


@pytest.mark.parametrize("num", [1, 4, 5, 13, 40, 10_000])
def test_what_a_killed_process_has_not_written_is_not_there(run, num):
    last = max(run.glob("events*"))
    content = last.read_bytes()
    last.write_bytes(content[: max(0, len(content) - num)])
    assert read_scalars(run) == as_tensorboard_reads(run)


def test_what_is_no_file_is_not_read(run):
    expected = read_scalars(run)
    (run / "events.out.tfevents.1").mkdir()
    os.mkfifo(run / "events.out.tfevents.2")
    assert read_scalars(run) == expected


@pytest.mark.parametrize("place", [2, 9, 30, 200])
def test_a_flipped_byte_is_found_and_the_file_is_named(run, place):
    first = min(run.glob("events*"))
    content = bytearray(first.read_bytes())
    content[place] ^= 8
    first.write_bytes(content)
    with pytest.raises(UserError, match=f"{first.name} must be an event file of TensorBoard, got another checksum"):
        read_scalars(run)
