"""Whatever interrupts the writer of a run's files, the run resumes bit for bit; what is damaged is an error."""

import json
import os
import random
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from faults import CALLS, killed
from run_helpers import assert_same

from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.runs.checkpoint_io import AtomicCheckpointIO
from lit_prune.runs.checkpoints import keep_base, read_checkpoint

LORA = ("--model.init_args.method={class_path: lit_prune.tuning.Lora, init_args: {rank: 4}}",)
PARADIGMS = {name: () for name in ("dense", "srnet_poe", "mask_only", "imp", "imp_rewind", "movement", "rank_movement")}
PARADIGMS |= {"sam": (), "sam-lora": LORA}


@pytest.fixture(scope="session")
def left_alone(finished):
    """A function: a paradigm -> the folder of a complete run, made once."""
    return cache(lambda paradigm: finished(*PARADIGMS[paradigm], config=config_of(paradigm), name=paradigm))


def config_of(paradigm):
    return f"configs/{paradigm.partition('-')[0]}.yaml"


@pytest.fixture
def kill(command, tmp_path, left_alone):
    """A function: a paradigm and a fault -> the killed run, and the same left alone.

    A fault's place that is a share is that of the bytes of the file.
    """

    def run(paradigm, file, number, place):
        reference = left_alone(paradigm)
        if isinstance(place, float):
            place = int(place * (reference / "checkpoints" / file).stat().st_size)
        arguments = command(*PARADIGMS[paradigm], config=config_of(paradigm), name="killed")
        assert killed(arguments, file, number, place)
        return tmp_path / "runs" / "killed" / "version_0", reference

    return run


def check_resumes(run, reference):
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, reference)
    assert not list(run.rglob("*.partial"))


@pytest.mark.parametrize("place", [0.0, 0.5, 0.98, "before fsync", "after rename"])
def test_a_run_killed_while_it_writes_its_last_checkpoint_resumes_bit_for_bit(kill, place):
    check_resumes(*kill("srnet_poe", "last.ckpt", 5, place))


@pytest.mark.slow
@pytest.mark.parametrize("paradigm", PARADIGMS)
@pytest.mark.parametrize(
    ("file", "place"),
    [
        *(("last.ckpt", place) for place in (0.0, 0.3, 0.6, 0.98, *CALLS)),
        *(("best.ckpt", place) for place in (0.5, "before rename", "after rename")),
        *((name, place) for name in ("run.json", "checksums.json") for place in ("before rename", "after rename")),
    ],
)
def test_every_paradigm_killed_anywhere_in_the_writer_resumes_bit_for_bit(kill, paradigm, file, place):
    check_resumes(*kill(paradigm, file, 2 if file != "best.ckpt" else 1, place))


@pytest.mark.parametrize("place", ["before rename", "after rename"])
@pytest.mark.parametrize("file", ["metrics.json", "dense.ckpt"])
def test_a_run_killed_while_it_writes_another_file_resumes_bit_for_bit(kill, file, place):
    check_resumes(*kill("srnet_poe", file, 1, place))


# ---- damage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["best.ckpt", "dense.ckpt", "last.ckpt"])
def test_flipped_bits_in_a_checkpoint_are_an_error_or_change_no_tensor(plain_run, tmp_path, name):
    for each in (plain_run / "checkpoints").iterdir():
        shutil.copy(each, tmp_path)
    path = tmp_path / name
    content, expected = path.read_bytes(), read_checkpoint(path)["state_dict"]
    draw, num_found = random.Random(name), 0
    for place in (draw.randrange(8 * len(content)) for _ in range(100)):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            state = read_checkpoint(path)["state_dict"]
        except UserError:
            num_found += 1
        else:
            assert state.keys() == expected.keys()
            assert all(torch.equal(state[key], value) for key, value in expected.items())
    assert num_found > 50


@pytest.mark.parametrize("command", ["--resume", "test", "export"])
def test_a_damaged_run_is_one_error_that_names_the_file(finished_run, tmp_path, capsys, command):
    run = shutil.copytree(finished_run, tmp_path / "version_0")
    damaged = run / "metrics.json"
    if command == "--resume":
        damaged.unlink()
        damaged = run / "dense_predictions.parquet"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 4
    damaged.write_bytes(content)
    arguments = {
        "--resume": ["fit", "--resume", str(run)],
        "test": ["test", str(run), "--files", f"id={Path(__file__)}"],
        "export": ["export", str(run), "--format", "dense", "--out", str(tmp_path / "out")],
    }
    assert main(arguments[command]) == 2
    assert f"{damaged} must have a SHA-256 in " in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["missing", "flipped"])
def test_a_run_whose_best_model_is_gone_does_not_resume_to_its_end(plain_run, tmp_path, capsys, damage):
    run = shutil.copytree(plain_run, tmp_path / "version_0")
    (run / "metrics.json").unlink()
    best = run / "checkpoints" / "best.ckpt"
    content = bytearray(best.read_bytes())
    best.unlink()
    if damage == "flipped":
        content[len(content) // 2] ^= 1
        best.write_bytes(content)
    assert main(["fit", "--resume", str(run)]) == 2
    assert str(best) in capsys.readouterr().err
    assert not (run / "metrics.json").exists()


@pytest.mark.parametrize("command", ["--resume", "export"])
def test_a_checkpoint_of_another_run_is_not_taken_for_this_one(plain_run, finished_run, tmp_path, capsys, command):
    run = shutil.copytree(plain_run, tmp_path / "version_0")
    for name in ("best.ckpt", "last.ckpt", "dense.ckpt"):
        shutil.copy(finished_run / "checkpoints" / name, run / "checkpoints" / name)
    if command == "--resume":
        (run / "metrics.json").unlink()
        assert main(["fit", "--resume", str(run)]) == 2
    else:
        assert main(["export", str(run), "--format", "dense", "--out", str(tmp_path / "out")]) == 2
    assert "must have the run id " in capsys.readouterr().err


def test_a_run_without_an_id_is_read_with_one_warning(plain_run, tmp_path):
    run = shutil.copytree(plain_run, tmp_path / "version_0")
    record = json.loads((run / "run.json").read_text())
    del record["id"]
    (run / "run.json").write_text(json.dumps(record))
    (run / "checksums.json").unlink()
    with pytest.warns(UserWarning, match="has no run id") as warned:
        assert main(["export", str(run), "--format", "dense", "--out", str(tmp_path / "out")]) == 0
    assert sum("has no run id" in str(each.message) for each in warned) == 1


def test_a_base_that_is_written_anew_leaves_the_run_it_came_from_alone(plain_run, tmp_path):
    origin = Path(shutil.copy(plain_run / "checkpoints" / "dense.ckpt", tmp_path / "origin.ckpt"))
    before = origin.read_bytes()
    keep_base(origin, tmp_path / "other")
    base = tmp_path / "other" / "dense.ckpt"
    assert base.samefile(origin)
    AtomicCheckpointIO().save_checkpoint({"state_dict": {}, "lit_prune": {}}, base)
    assert origin.read_bytes() == before != base.read_bytes()


# ---- disks -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of a few megabytes of its own; only root can have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_the_run_resumes_once_there_is_room(
    small_disk, command, plain_run, capsys, monkeypatch
):
    quiet = ("--trainer.logger", "false")  # TensorBoard's events would take the last bytes, which run.json needs
    arguments = command("--trainer.default_root_dir", str(small_disk), *quiet, name="full")
    filler, run = small_disk / "filler", small_disk / "full" / "version_0"
    saved = AtomicCheckpointIO.save_checkpoint

    def save_checkpoint(self, checkpoint, path, storage_options=None):
        if checkpoint["global_step"] == 30:
            room = os.statvfs(small_disk)
            filler.write_bytes(b"0" * (room.f_bavail * room.f_frsize - 50_000))
        saved(self, checkpoint, path, storage_options)

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", save_checkpoint)
    assert main(arguments) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{run} must be readable and writable, got No space left on device" in message
    assert f"--resume {run}" in message
    assert json.loads((run / "run.json").read_text())["status"] == "failed"
    assert not list(run.rglob("*.partial"))
    filler.unlink()
    monkeypatch.undo()
    check_resumes(run, plain_run)


def test_checkpoints_are_not_staged_elsewhere(command, tmp_path):
    """TMPDIR may be on another device, or full: a copy from there would not be atomic."""
    arguments = command("--model.init_args.dense.steps", "2", "--model.init_args.mask.steps", "2", name="staged")
    code = "import sys, tempfile; from lit_prune.cli import main; import lit_prune.fitting.cli, lit_prune.data.module\n"
    code += "import fsspec.implementations.local as local\n"
    code += "def refuse(*_, **__): raise AssertionError('staged')\n"
    code += "local.LocalFileOpener.commit = refuse; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
