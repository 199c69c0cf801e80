"""The shipped configurations, found by name."""

import shutil
from pathlib import Path

import pytest

from lit_prune import shipped
from lit_prune.errors import UserError
from lit_prune.shipped import configs_folder, find_config, shipped_configs, summary

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory without configurations."""
    monkeypatch.chdir(tmp_path)


def test_a_checkout_has_them_beside_the_package_and_an_installation_inside_it(tmp_path, monkeypatch):
    assert configs_folder() == CONFIGS
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "lit_prune/shipped.py"))
    assert configs_folder() == tmp_path / "configs"
    shutil.copytree(CONFIGS / "hardware", tmp_path / "lit_prune/configs/hardware")
    assert list(shipped_configs()) == ["hardware/bf16", "hardware/compile", "hardware/ddp"]
    assert find_config("bf16") == tmp_path / "lit_prune/configs/hardware/bf16.yaml"


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ("srnet_poe", "srnet_poe.yaml"),
        ("srnet_poe.yaml", "srnet_poe.yaml"),
        ("configs/srnet_poe.yaml", "srnet_poe.yaml"),
        ("./configs/srnet_poe.yaml", "srnet_poe.yaml"),
        ("data/facts", "data/facts.yaml"),
        ("facts", "data/facts.yaml"),
        ("demo/srnets_fig2", "papers/liu2022/demo/srnets_fig2.yaml"),
        ("configs/papers/liu2022/paper/srnets_fig2.yaml", "papers/liu2022/paper/srnets_fig2.yaml"),
        ("ticket", "ticket.yaml"),  # variants/ticket ends so too
    ],
)
def test_a_name_is_found_from_any_folder(value, file):
    assert find_config(value) == CONFIGS / file


def test_all_names_are_found():
    assert {find_config(name) for name in shipped_configs()} == set(CONFIGS.rglob("*.yaml"))


@pytest.mark.parametrize("value", ["srnet_poe", "configs/srnet_poe.yaml", "other.yaml"])
def test_a_file_that_exists_wins(value):
    Path(value).parent.mkdir(exist_ok=True)
    Path(value).write_text("experiment: own\n")
    assert find_config(value) == Path(value)


def test_a_folder_of_that_name_does_not_win():
    Path("srnet_poe").mkdir()
    assert find_config("srnet_poe") == CONFIGS / "srnet_poe.yaml"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("srnt_poe", "unknown config srnt_poe: choose from srnet_poe, "),
        ("configs/dat/facts.yaml", "unknown config configs/dat/facts.yaml: choose from data/facts"),
        (
            "srnets_fig2",
            "unknown config srnets_fig2: choose from papers/liu2022/demo/srnets_fig2, papers/liu2022/paper/srnets_fig2",
        ),
        ("zzz", "unknown config zzz: choose from those that `lit_prune configs` lists"),
        ("/no/srnet_poe.yaml", "--config must be an existing file, got /no/srnet_poe.yaml: check the path"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_closest(value, message):
    with pytest.raises(UserError) as raised:
        find_config(value)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("configs/studies/srnets_fig2.yaml", "papers/liu2022/demo/srnets_fig2"),
        ("configs/studies/paper/srnets_fig2.yaml", "papers/liu2022/paper/srnets_fig2"),
        ("configs/studies/paper/srnets_backbones.yaml", "papers/liu2022/paper/srnets_backbones"),
        ("configs/studies/task_masks.yaml", "papers/xia2021/demo/task_masks"),
        ("configs/paper/srnet_poe_qqp.yaml", "papers/liu2022/paper/srnet_poe_qqp"),
        ("configs/paper/variants/ticket.yaml", "papers/liu2022/paper/variants/ticket"),
        ("configs/paper/pruning/rank_glue.yaml", "papers/xia2021/paper/rank_glue"),
        ("configs/paper/tuning/fu2023.yaml", "papers/fu2023/paper/fu2023"),
        ("configs/overlay/long.yaml", "recipes/long"),
        ("configs/overlay/ddp.yaml", "hardware/ddp"),
    ],
)
def test_a_path_of_version_0_1_0_is_told_its_new_name(old, new):
    with pytest.raises(UserError) as raised:
        find_config(old)
    assert str(raised.value) == f"unknown config {old}: choose from {new}"


@pytest.mark.parametrize("name", list(shipped_configs()))
def test_every_header_begins_with_a_sentence_that_sums_it_up(name):
    sentence = summary(shipped_configs()[name])
    assert sentence[0].isupper()
    assert sentence[-1] in ".?:"
    assert 20 < len(sentence) < 350
