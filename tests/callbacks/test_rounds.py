"""How much each round of pruning removes."""

import pytest

from lit_prune.callbacks import ImpRounds
from lit_prune.errors import UserError


def test_equal_shares_of_the_original_weights():
    assert ImpRounds(final=0.9, num_rounds=9).sparsities == pytest.approx([0.1 * number for number in range(1, 10)])
    assert ImpRounds(final=0.5, num_rounds=1).sparsities == [0.5]


def test_a_share_of_what_is_left_until_the_last_round_removes_what_is_missing():
    assert ImpRounds(final=0.5, fraction=0.2).sparsities == pytest.approx([0.2, 0.36, 0.488, 0.5])
    assert ImpRounds(final=0.75, fraction=0.5).sparsities == pytest.approx([0.5, 0.75])
    assert ImpRounds(final=0.0, fraction=0.5).sparsities == [0.0]
    assert ImpRounds(final=0.5, fraction=0.2, num_rounds=4).sparsities[-1] == 0.5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"final": 0.9}, ["num_rounds or fraction"]),
        ({"final": 1.0, "num_rounds": 3}, ["1.0", "below 1"]),
        ({"final": 0.9, "num_rounds": 0}, ["num_rounds must be at least 1, got 0"]),
        ({"final": 0.9, "fraction": 1.2}, ["above 0 and below 1, got 1.2"]),
        ({"final": 0.9, "num_rounds": 5, "fraction": 0.1}, ["must be 22", "got 5", "0.410", "final=0.9"]),
    ],
)
def test_rounds_that_do_not_add_up_are_an_error(settings, words):
    with pytest.raises(UserError) as error:
        ImpRounds(**settings)
    assert all(word in str(error.value) for word in words), error.value


def test_a_paradigm_without_rounds_is_named(experiment, capsys):
    callback = "{class_path: lit_prune.callbacks.ImpRounds, init_args: {num_rounds: 2, final: 0.5}}"
    code, _ = experiment(f"--trainer.callbacks+={callback}", config="configs/srnet_poe.yaml")
    assert code == 2
    assert "got PruneAfterFinetune" in capsys.readouterr().err
