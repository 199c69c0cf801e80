"""The modules of a sentence-transformers folder, as that package writes them and as older versions did."""

import json
import shutil

import pytest

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.sentence_modules import read_sentence_modules
from lit_prune.errors import UserError


def folder(path, kinds, pooling):
    listed = [{"path": f"{number}_{kind}", "type": f"some.package.{kind}"} for number, kind in enumerate(kinds)]
    path.joinpath("modules.json").write_text(json.dumps(listed))
    if "Pooling" in kinds:
        own = path / f"{kinds.index('Pooling')}_Pooling"
        own.mkdir()
        own.joinpath("config.json").write_text(json.dumps(pooling))
    return str(path)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "first"),
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "lasttoken"}, "last"),
        ({"pooling_mode": ["cls", "max"]}, "cls+max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}, "cls+max"),
        ({"pooling_mode": "weightedmean"}, "weightedmean"),
        ({}, "mean"),
    ],
)
def test_the_pooling_is_read(tmp_path, settings, expected):
    modules = read_sentence_modules(folder(tmp_path, ["Transformer", "Pooling", "Normalize"], settings), "main")
    assert (modules.pooling, modules.normalise, modules.unsupported) == (expected, True, ())
    is_known = expected in ("first", "mean", "last")
    if is_known:
        modules.check("task 'a'", expected, True)
        with pytest.raises(UserError, match="normalise of task 'a' must be True, as the backbone"):
            modules.check("task 'a'", expected, False)
    message = (
        f"pooling of task 'a' must be {expected}, as the backbone" if is_known else f"got pooling by {expected[:3]}"
    )
    with pytest.raises(UserError, match=message):
        modules.check("task 'a'", "first" if expected != "first" else "mean", True)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("sentence_bert_config.json", {"do_lower_case": True}, "do_lower_case"),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}, "a default prompt"),
        ("modules.json", [{"path": "2", "type": "a.Dense"}], "the module Dense"),
        ("1_Pooling/config.json", {"include_prompt": False}, "include_prompt: false"),
    ],
)
def test_what_the_package_lacks_is_an_error(tmp_path, name, content, found):
    source = folder(tmp_path, ["Transformer", "Pooling"], {})
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"have nothing else beside its encoder but normalisation, got {found}"):
        read_sentence_modules(source, "main").check("task 'a'", "mean", False)


def test_lengths_and_prompts_are_kept(tmp_path):
    source = folder(tmp_path, ["Transformer", "Pooling"], {})
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')
    settings = {"prompts": {"query": "q: "}, "similarity_fn_name": "cosine", "__version__": {}}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(settings))
    modules = read_sentence_modules(source, "main")
    assert modules.max_length == 20
    assert modules.settings == {"prompts": {"query": "q: "}, "similarity_fn_name": "cosine"}
    assert not modules.normalise


def test_other_models_have_none_and_damaged_files_are_errors(tmp_path):
    assert read_sentence_modules(str(tmp_path), "main") is None
    tmp_path.joinpath("modules.json").write_text("{")
    with pytest.raises(UserError, match=r"modules\.json must be JSON"):
        read_sentence_modules(str(tmp_path), "main")
    tmp_path.joinpath("modules.json").write_text('["a"]')
    with pytest.raises(UserError, match="must list modules with type and path"):
        read_sentence_modules(str(tmp_path), "main")


def test_an_encoder_reads_them_only_when_a_task_embeds(tiny_backbone, tmp_path):
    source = shutil.copytree(tiny_backbone, tmp_path / "source")
    (source / "modules.json").write_text("{")
    encoder = PrunableEncoder(str(source))
    with pytest.raises(UserError, match=r"modules\.json must be JSON"):
        encoder.check_embedding("task 'a'", "mean", True)
