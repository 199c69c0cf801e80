"""`--resume`: what cannot be continued."""

import pytest

from lit_prune.cli import main
from lit_prune.files import write_recorded
from lit_prune.fitting.resume import resumed


@pytest.mark.parametrize("arguments", [["--resume"], ["--resume", "/no/such/run"], ["--resume=/no/such/run"]])
def test_resume_of_nothing_is_an_error(capsys, arguments):
    assert main(["fit", *arguments]) == 2
    assert "--resume" in capsys.readouterr().err


def test_a_configuration_that_has_changed_is_resumed_with_a_warning(tmp_path, recwarn):
    write_recorded(tmp_path / "config.yaml", lambda path: path.write_text("experiment: a\n"))
    write_recorded(tmp_path / "run.json", lambda path: path.write_text('{"id": "1"}'))
    assert resumed(["--resume", str(tmp_path)]) == (["--config", str(tmp_path / "config.yaml")], tmp_path)
    assert not recwarn
    (tmp_path / "config.yaml").write_text("experiment: b\n")
    with pytest.warns(UserWarning, match=r"config\.yaml has changed since the run began"):
        resumed(["--resume", str(tmp_path)])
