"""The command `lit_prune export`."""

import shutil

import pytest

from lit_prune.cli import main


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["/no/such/run", "--out", "OUT"], ["/no/such/run", "not the folder of a run"]),
        (["RUN", "--out", "OUT", "--dtype", "int3"], ["int3", "float32, float16"]),
        (["RUN", "--out", "OUT", "--task", "nlx"], ["nlx", "nli"]),
        (["RUN", "--out", "RUN"], ["is there already"]),
        (["RUN", "--out", "OUT", "--formatt", "x"], ["formatt"]),
    ],
)
def test_a_wrong_argument_is_one_clear_error(finished_run, tmp_path, capsys, arguments, parts):
    names = {"RUN": str(finished_run), "OUT": str(tmp_path / "out")}
    assert main(["export", *(names.get(each, each) for each in arguments)]) == 2
    message = "\n".join(capsys.readouterr().err.strip().splitlines()[-2:])
    assert all(part in message for part in parts)
    assert not (tmp_path / "out").exists()


def test_the_run_alone_is_enough(finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "run")
    assert main(["export", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "export" / "model.safetensors").is_file()
