"""`--resume`: what cannot be continued."""

import pytest

from lit_prune.cli import main


@pytest.mark.parametrize("arguments", [["--resume"], ["--resume", "/no/such/run"], ["--resume=/no/such/run"]])
def test_resume_of_nothing_is_an_error(capsys, arguments):
    assert main(["fit", *arguments]) == 2
    assert "--resume" in capsys.readouterr().err
