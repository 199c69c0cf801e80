"""Models from elsewhere: their configurations may name no code."""

import json
import logging
import shutil

import pytest
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.untrusted import ATTENTION, load_weights
from lit_prune.errors import UserError

KERNEL = "someone/kernel"


@pytest.fixture
def changed(tmp_path, tiny_backbone):
    """A function that copies the tiny encoder and lays settings over a JSON file of it; the folder."""

    def change(file="config.json", **settings):
        folder = tmp_path / "model"
        shutil.copytree(tiny_backbone, folder)
        (folder / "own.py").write_text("raise SystemExit('run')\n")
        path = folder / file
        path.write_text(json.dumps(json.loads(path.read_text()) | settings))
        return str(folder)

    return change


@pytest.mark.parametrize("name", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize("value", [KERNEL, "kernels-community/flash-attn", {"": KERNEL}, "paged|eager", 7])
def test_a_backbone_that_names_kernels_is_an_error(changed, name, value):
    with pytest.raises(UserError, match=r"attn_implementation in config\.json of .* must be one of eager, sdpa"):
        PrunableEncoder(changed(**{name: value}), pretrained=False)


@pytest.mark.parametrize("name", ["_attn_implementation", "attn_implementation"])
def test_so_is_an_encoder_config_that_names_them(tiny_backbone, name):
    with pytest.raises(UserError, match=rf"encoder.config.{name} must be one of eager.*got '{KERNEL}'"):
        PrunableEncoder(str(tiny_backbone), config={name: KERNEL})


def test_flash_attention_must_be_installed(tiny_backbone):
    with pytest.raises(UserError, match="must be one that is installed, got 'flash_attention_3'"):
        PrunableEncoder(str(tiny_backbone), config={"_attn_implementation": "flash_attention_3"})


@pytest.mark.parametrize("name", ATTENTION[:2])
def test_transformers_own_attention_is_taken(tiny_backbone, name):
    encoder = PrunableEncoder(str(tiny_backbone), config={"_attn_implementation": name})
    assert encoder.backbone.config._attn_implementation == name


@pytest.mark.parametrize("name", ["auto_map", "quantization_config", "_attn_implementation_internal", "_commit_hash"])
def test_settings_that_may_name_code_are_refused(tiny_backbone, name):
    with pytest.raises(UserError, match=rf"encoder.config.{name} must be left out"):
        PrunableEncoder(str(tiny_backbone), config={name: {"AutoModel": "own.Own"}})


def test_a_quantized_backbone_is_an_error(changed):
    with pytest.raises(UserError, match=r"quantization_config in config\.json of"):
        PrunableEncoder(changed(quantization_config={"quant_method": "bitsandbytes"}), pretrained=False)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_beside_a_model_is_not_run(changed, file):
    classes = {name: "own.Own" for name in ("AutoConfig", "AutoModel")} | {"AutoTokenizer": ["own.Own", "own.Own"]}
    assert PrunableEncoder(changed(file, auto_map=classes), pretrained=False).model_type == "bert"


def test_a_model_that_needs_its_own_code_is_an_error(changed):
    with pytest.raises(UserError, match="must be the folder of a model"):
        PrunableEncoder(changed(model_type="own", auto_map={"AutoConfig": "own.Own"}), pretrained=False)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_hidden_layers": 10**9},
        {"hidden_size": None},
        {"num_attention_heads": 0},
        {"model_type": [1]},
        {"dtype": 7},
        {"pad_token_id": 10**9},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_an_error_of_one_line(changed, settings):
    with pytest.raises(UserError) as error:
        PrunableEncoder(changed(**settings), pretrained=False)
    assert "\n" not in str(error.value)


@pytest.fixture
def reports():
    """The reports of transformers about loaded weights."""
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())
    logger = logging.getLogger("transformers.modeling_utils")
    logger.addHandler(handler)
    yield seen
    logger.removeHandler(handler)


def test_tensors_of_a_head_that_the_encoder_lacks_are_not_reported(tiny_backbone, tmp_path, reports):
    settings = AutoConfig.from_pretrained(tiny_backbone)
    AutoModelForSequenceClassification.from_config(settings).save_pretrained(tmp_path)
    load_weights(AutoModel, str(tmp_path), settings, "main")
    assert reports == []


def test_tensors_of_another_shape_are_reported_before_they_are_an_error(tiny_backbone, reports):
    settings = AutoConfig.from_pretrained(tiny_backbone, intermediate_size=8)
    with pytest.raises(RuntimeError):
        load_weights(AutoModel, str(tiny_backbone), settings, "main")
    assert "MISMATCH" in reports[0]
