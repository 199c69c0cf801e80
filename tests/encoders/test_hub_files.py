"""Names on the hub, and the licence of a model."""

import pytest
from huggingface_hub import constants

from lit_prune.encoders.hub_files import cached_commit, find_file, is_on_hub, read_licence


@pytest.mark.parametrize("name", ["bert-base-uncased", "google-bert/bert-base-uncased", "me/a.model_1"])
def test_a_name_is_on_the_hub(name):
    assert is_on_hub(name)


@pytest.mark.parametrize("name", ["bundled", "/tmp/model", "./model", "../model", "a/b/c", "a b", ""])
def test_a_path_is_not(name):
    assert not is_on_hub(name)


def test_a_folder_is_not_whatever_its_name(tmp_path, monkeypatch):
    (tmp_path / "me" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert not is_on_hub("me/model")
    assert is_on_hub("me/other")


def test_a_file_is_found_or_none(tiny_backbone):
    assert find_file(str(tiny_backbone), "config.json", "main") == tiny_backbone / "config.json"
    assert find_file(str(tiny_backbone), "modules.json", "main") is None


def test_the_commit_is_that_in_the_cache(tiny_backbone, tmp_path, monkeypatch):
    cached = tmp_path / "models--me--model"
    (cached / "snapshots" / ("c" * 40)).mkdir(parents=True)
    (cached / "snapshots" / ("c" * 40) / "config.json").write_text("{}")
    (cached / "refs").mkdir()
    (cached / "refs" / "v2").write_text("c" * 40)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert cached_commit("me/model", "v2") == "c" * 40
    assert cached_commit("me/model", "main") is None
    assert cached_commit(str(tiny_backbone), "main") is None


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlicense: mit\nlanguage: en\n---\n# A model", {"license": "mit"}),
        (
            "---\nlicense: other\nlicense_name: own\nlicense_link: https://a.b\n---\n",
            {"license": "other", "license_name": "own", "license_link": "https://a.b"},
        ),
        ("---\nlicense: [mit, apache-2.0]\n---\n", {"license": "unknown"}),
        ("---\n- a\n---\n", {"license": "unknown"}),
        ("---\nlicense: [\n---\n", {"license": "unknown"}),
        ("---\nlicense: !!python/object/apply:os.getcwd []\n---\n", {"license": "unknown"}),
        ("# No metadata", {"license": "unknown"}),
        (None, {"license": "unknown"}),
    ],
)
def test_the_licence_is_read_as_data(card, expected, tmp_path):
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert read_licence(str(tmp_path), "main") == expected


def test_a_card_that_is_no_text_has_no_licence(tmp_path):
    (tmp_path / "README.md").write_bytes(b"---\nlicense: \xff\n---\n")
    assert read_licence(str(tmp_path), "main") == {"license": "unknown"}
