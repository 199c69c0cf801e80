"""The sets of finished runs as files of a user, and commands that must fail."""

import csv

import pytest

from lit_prune.cli import main
from lit_prune.data import GeneratedNli


@pytest.fixture(scope="session")
def set_file(tmp_path_factory):
    """A function that gives the csv file of a set, `id` or `ood`, that all finished runs were evaluated on."""
    folder = tmp_path_factory.mktemp("sets")

    def write(split):
        path = folder / f"{split}.csv"
        rows = list(GeneratedNli(bias_rate=0.9, num_train=253, num_eval=60).rows(split, None))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def refused(capsys):
    """A function that runs a command which a user got wrong; the one line that says so."""

    def run(*arguments):
        assert main([str(each) for each in arguments]) == 2
        captured = capsys.readouterr()
        assert not captured.out
        return captured.err

    return run
