"""The help of `lit_prune fit`: the package's own settings; those of the Trainer on demand."""

import pytest

from lit_prune.cli import main
from lit_prune.fitting.parser import TRAINER_DEFAULTS


def help_of(*arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", *arguments])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_it_begins_with_purpose_and_examples_and_shows_settings_of_the_package(capsys):
    text = help_of("--help", capsys=capsys)
    assert len(text.splitlines()) < 200
    shown = ["lit_prune fit --config", "\nTrain a model", "  lit_prune fit --config configs/srnet_poe.yaml\n"]
    options = ["seed_everything", "experiment", "resume", "model", "encoder.backbone", "data.tasks", "trainer.help"]
    places = [text.index(each) for each in [*shown, *(f"\n  --{option} " for option in options)]]
    assert places == sorted(places)


@pytest.mark.parametrize("hidden", ["--trainer.max_steps", "--axes", "--chosen_precision", "-->"])
def test_it_leaves_out_what_no_user_needs_first(hidden, capsys):
    assert hidden not in help_of("--help", capsys=capsys)


def test_the_settings_of_the_trainer_have_a_help_of_their_own(capsys):
    text = " ".join(help_of("--trainer.help", capsys=capsys).split())
    for name in TRAINER_DEFAULTS:
        assert f"--trainer.{name} " in text
    assert "default: 1.0)" in text[text.index("--trainer.gradient_clip_val") :][:300]
    assert "--data." not in text


def test_the_help_of_a_class_names_its_arguments(capsys):
    assert "--model.mask.length" in help_of("--model.help", "MaskTraining", capsys=capsys)
