"""`python -m lit_prune`, without the process around it."""

import runpy
import subprocess
import sys

import pytest


def test_it_is_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lit_prune", "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("lit_prune", run_name="__main__")
    assert stop.value.code == 0
    assert "fit" in capsys.readouterr().out


def test_a_users_error_is_its_exit_code(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lit_prune", "fit", "--resume", "nowhere"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("lit_prune", run_name="__main__")
    assert stop.value.code == 2
    assert "--resume nowhere" in capsys.readouterr().err


def test_a_closed_pipe_is_no_traceback():
    command = [sys.executable, "-m", "lit_prune", "configs"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
