"""Configuration files of version 0.1.0 on a command line."""

import json

import pytest

from lit_prune.fitting.upgraded import as_argument, upgraded
from lit_prune.runs import upgrade

OLD = "lit_prune.callbacks.stability.SeedStability"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "old.yaml").write_text(f"trainer: {{callbacks: [{{class_path: {OLD}}}]}}\n")
    (tmp_path / "new.yaml").write_text("experiment: new\n")
    return tmp_path


def test_settings_that_are_still_read_are_of_the_version_before_too(tmp_path):
    (tmp_path / "old.yaml").write_text("model: {init_args: {mask: {steps: 5, select_after: 0.0}}}\n")
    (tmp_path / "new.yaml").write_text("model: {init_args: {mask: {steps: 5}}}\n")
    with pytest.warns(UserWarning, match=r"/old\.yaml has settings of version 0.1.0"):
        upgraded(["--config", str(tmp_path / "old.yaml"), "--config", str(tmp_path / "new.yaml")])


@pytest.mark.parametrize("option", ["--config", "-c"])
def test_the_content_of_an_old_file_replaces_its_path_with_one_warning(files, option):
    old, new = str(files / "old.yaml"), str(files / "new.yaml")
    with pytest.warns(UserWarning, match="has settings of version 0.1.0") as warned:
        found = upgraded([option, new, option, old, f"{option}={old}", "--experiment", old])
    assert len(warned) == 1
    assert found[:3] == [option, new, option]
    assert found[4].partition("=")[::2] == (option, found[3])
    assert json.loads(found[3]) == {
        "trainer": {"callbacks": [{"class_path": "lit_prune.callbacks.seeds.SeedStability"}]}
    }
    assert found[5:] == ["--experiment", old]


def test_present_missing_and_damaged_files_stay_as_they_are(files, recwarn):
    (files / "damaged.yaml").write_text("a: [")
    arguments = [f"--config={files / name}" for name in ("new.yaml", "missing.yaml", "damaged.yaml")]
    assert upgraded([*arguments, "--config", "{experiment: a}", "--config"]) == [
        *arguments,
        "--config",
        "{experiment: a}",
        "--config",
    ]
    assert not recwarn


def test_an_upgraded_file_resolves_as_the_present_one(files, monkeypatch, resolve):
    monkeypatch.setitem(upgrade.RENAMED, ("ImpRounds", "number"), "num_rounds")
    text = "trainer:\n  callbacks:\n  - class_path: lit_prune.callbacks.ImpRounds\n"
    text += "    init_args: {{{}: 2, final: 1e-1}}\n"
    (files / "old.yaml").write_text(text.format("number"))
    (files / "new.yaml").write_text(text.format("num_rounds"))
    with pytest.warns(UserWarning, match="has settings of version 0.1.0"):
        found = resolve(("--config=configs/imp.yaml", f"--config={files / 'old.yaml'}"))
    assert found == resolve(("--config=configs/imp.yaml", f"--config={files / 'new.yaml'}"))


def test_the_argument_of_a_file_is_its_path_unless_it_was_upgraded(tmp_path):
    assert as_argument(tmp_path, {"a": 1}, {"a": 1}) == str(tmp_path)
    assert as_argument(tmp_path, {"a": 1}, {"b": 1}) == '{"b": 1}'
