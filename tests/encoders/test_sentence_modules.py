"""The modules of a sentence-transformers folder, as that package writes them and as older versions did."""

import json

import pytest

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
    assert (modules.pooling, modules.others) == (expected, ())
    if expected == "mean":
        modules.check("pooling", "mean")
    is_known = expected in ("first", "mean", "last")
    message = (
        f"pooling must be {expected}, as the backbone" if is_known else "must pool by first, mean, last for pooling"
    )
    with pytest.raises(UserError, match=message):
        modules.check("pooling", "first" if expected != "first" else "mean")


def test_a_module_that_the_package_lacks_is_an_error(tmp_path):
    modules = read_sentence_modules(folder(tmp_path, ["Transformer", "Pooling", "Dense"], {}), "main")
    with pytest.raises(UserError, match="must have no module but pooling and normalisation for pooling, got Dense"):
        modules.check("pooling", "mean")


def test_other_models_have_none_and_damaged_files_are_errors(tmp_path):
    assert read_sentence_modules(str(tmp_path), "main") is None
    tmp_path.joinpath("modules.json").write_text("{")
    with pytest.raises(UserError, match=r"modules\.json must be JSON"):
        read_sentence_modules(str(tmp_path), "main")
    tmp_path.joinpath("modules.json").write_text('["a"]')
    with pytest.raises(UserError, match="must list modules with type and path"):
        read_sentence_modules(str(tmp_path), "main")
