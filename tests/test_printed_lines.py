"""The printed lines of a normal run: those for its user, in a pipe and on a terminal, and nothing else."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from itertools import groupby

import pytest

# Kind of a printed line -> its pattern, for a run of configs/srnet_poe.yaml.
KINDS = {
    "progress": r"(dense|mask) \d+/20: train/loss \d\.\d{3}(, selection \d\.\d{3})?(, sparsity \d\.\d{3})?",
    "bar": r"mask 20/20: 100%\|█+\| 40/40 \[.*\]",
    "title": r"nli \(version 1, selected by validation accuracy, never by OOD\)",
    "table": r"[┏┡┃│└].*",
    "bias": r"bias model on the training set: accuracy .*",
    "sparsity": r"sparsity 0\.5000 of .*; 40 optimizer steps",
    "density": r"parameter_density \d\.\d{4}",
    "warning": r"warning: the selected model has collapsed: it predicts .*",
    "folder": r"\S+/version_0",
}
SUMMARY = ["title", "table", "bias", "sparsity", "density", "folder"]
COLLAPSED = [*SUMMARY[:-1], "warning", "folder"]


@pytest.fixture
def main_job(command):
    """The command line of a small run of the main configuration."""
    return [sys.executable, "-m", "lit_prune", *command("--trainer.enable_progress_bar", "null")]


def kinds(lines):
    """The kinds of lines, in their order; a line of no kind is its own."""
    found = [next((kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, line)), line) for line in lines]
    return [kind for kind, _ in groupby(found)]


def screen(text):
    """The lines that a terminal shows in the end."""
    lines, row = [""], 0
    for part in re.split(r"(\r|\n|\x1b\[A)", re.sub(r"\x1b\[[0-9;]*m", "", text)):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
            column = 0
        elif part == "\x1b[A":
            row -= 1
        elif part == "\r":
            column = 0
        elif part:
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    return [line.strip() for line in lines if line.strip()]


def test_a_run_into_a_pipe_prints_progress_and_its_summary(main_job):
    ran = subprocess.run(main_job, capture_output=True, text=True)
    assert ran.returncode == 0
    assert ran.stderr == ""
    assert kinds(ran.stdout.splitlines()) in (["progress", *SUMMARY], ["progress", *COLLAPSED])


def test_a_run_on_a_terminal_leaves_the_bar_and_its_summary(main_job):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
    process = subprocess.Popen(main_job, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = b""
    while part := _read(ours):
        printed += part
    assert process.wait() == 0
    assert kinds(screen(printed.decode())) in (["bar", *SUMMARY], ["bar", *COLLAPSED])


def _read(terminal):
    try:
        return os.read(terminal, 10_000)
    except OSError:  # the process has ended
        return b""


SEVERAL = """
import json, sys
from lit_prune.cli import main
for arguments in json.loads(sys.argv[1]):
    print("==", arguments[0], flush=True)
    assert main(arguments) == 0
"""


def test_the_other_commands_print_results_alone(plain_run, small, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("text_a,text_b,label\na b,a,entailment\nc,d,neutral\ne,f,contradiction\n")
    configs = [part for path in small("configs/dense.yaml") for part in ("--config", path)]
    last = {
        "export": str(tmp_path / "exported"),
        "predict": str(tmp_path / "predicted.csv"),
        "test": str(tmp_path / "tested"),
        "compare": str(tmp_path / "compared"),
        "stability": str(tmp_path / "seeds"),
        "report": str(tmp_path / "seeds" / "report.md"),
        "fit": str(plain_run),
    }
    run = str(plain_run)
    commands = [
        ["export", run, "--format", "dense", "--out", last["export"]],
        ["predict", run, "--file", str(rows), "--out", last["predict"]],
        ["test", run, "--files", f"id={rows}", "--out", last["test"]],
        ["compare", run, "--out", last["compare"]],
        ["stability", *configs, "--seeds", "1..2", "--out", last["stability"]],
        ["report", last["stability"]],
        ["fit", "--resume", run],
    ]
    ran = subprocess.run([sys.executable, "-c", SEVERAL, json.dumps(commands)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    printed = {part.split("\n", 1)[0]: part.splitlines()[1:] for part in ran.stdout.split("== ")[1:]}
    assert {name: lines[-1] for name, lines in printed.items()} == last
    assert len(printed["export"]) == len(printed["predict"]) == 1
    assert [line.split()[0] for line in printed["stability"][:-1]] == ["running", "completed"] * 2
    assert kinds(printed["fit"]) in (SUMMARY, COLLAPSED)
