"""The command line around its commands: help, versions, what is a user's error and what is a bug."""

import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lit_prune
from lit_prune.cli import COMMANDS, GROUPS, RENAMED, main
from lit_prune.errors import UserError


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_every_command(arguments, capsys):
    assert main(arguments) == 0
    text = capsys.readouterr().out
    for purpose, group in GROUPS.items():
        section = text[text.index(f"{purpose}:\n") :].partition("\n\n")[0].splitlines()
        assert [line.split(maxsplit=1) for line in section[1:]] == [list(each) for each in group.items()]
    assert max(map(len, text.splitlines())) <= 100


def test_every_command_is_a_module():
    modules = {path.stem for path in (Path(lit_prune.__file__).parent / "commands").glob("*.py")}
    assert modules == {*COMMANDS, "__init__", "parser", "pointwise"}


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_is_an_alias_that_warns_in_one_line(old, new, capsys):
    assert main([old]) == main(new) == 2
    warning, error, same_error = capsys.readouterr().err.splitlines()
    assert warning == f"lit_prune: warning: {old} is now {' '.join(new)}: version 0.3 drops the old name"
    assert error == same_error
    main(["--help"])
    assert f"  {old} " not in capsys.readouterr().out


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lit_prune {lit_prune.__version__}\n"


def test_an_unknown_command_is_an_error_that_names_those_there_are(capsys):
    assert main(["fitt"]) == 2
    message = capsys.readouterr().err
    assert "'fitt': did you mean fit? " in message
    assert all(name in message for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_arguments(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


def test_help_answers_without_torch():
    code = "import sys; from lit_prune.cli import main; main(['--help']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_threads_are_limited_before_a_command_computes(monkeypatch):
    called = []
    monkeypatch.setattr("lit_prune.hardware.threads.limit_threads", lambda: called.append("threads"))
    monkeypatch.setattr("lit_prune.commands.bench.run", called.append)
    assert main(["bench", "step"]) == 0
    assert called == ["threads", ["step"]]


def test_a_bug_keeps_its_traceback(monkeypatch):
    def broken(arguments):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("lit_prune.commands.fit.run", broken)
    with pytest.raises(ZeroDivisionError):
        main(["fit"])


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "/full/runs.json"),
        OSError(errno.EROFS, "Read-only file system", "/full/.lock"),
        Exception("No space left on device (os error 28)"),  # raised by a library in Rust
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_full_or_read_only_disk_is_one_line_in_every_command(monkeypatch, capsys, error, wrapped):
    def fails(arguments):
        try:
            raise error
        finally:  # as a library that writes its end anyway
            if wrapped:
                raise AttributeError("no attribute 'pos'")

    monkeypatch.setattr("lit_prune.commands.study.run", fails)
    assert main(["study"]) == 2
    line = capsys.readouterr().err
    assert re.fullmatch(r"lit_prune: error: (/full/\S+|the disk) must be writable, got .*: free space or .*\n", line)


def test_of_errors_about_errors_the_last_word_counts(monkeypatch, capsys):
    def wrapped(arguments):
        try:
            raise UserError("the value is 3")
        except UserError as error:
            raise UserError(f"run a: {error}") from error

    monkeypatch.setattr("lit_prune.commands.fit.run", wrapped)
    assert main(["fit"]) == 2
    assert capsys.readouterr().err == "lit_prune: error: run a: the value is 3\n"


def test_the_process_arguments_are_read_when_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lit_prune", "fit", "--resume", "/no/such/run"])
    assert main() == 2
    assert "/no/such/run" in capsys.readouterr().err
