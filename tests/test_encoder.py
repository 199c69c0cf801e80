"""The encoder against plain transformers, loaded, masked and written back; and what is refused."""

import json
import shutil

import pytest
import torch
from torch import nn
from transformers import AutoModel, BertModel

from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.sparsity.install import dense_state_dict, install
from lit_prune.sparsity.masks import FixedMask
from lit_prune.sparsity.targets import match

TEXTS = ["the doctor saw the judge .", "a boy slept ."]


@pytest.fixture(params=["tiny_backbone", "tiny_roberta"])
def folder(request):
    return request.getfixturevalue(request.param)


def inputs(encoder):
    return dict(encoder.tokenizer(TEXTS, padding=True, return_tensors="pt"))


@torch.no_grad()
def plain_output(folder, batch, state=None):
    plain = AutoModel.from_pretrained(folder).eval()
    if state is not None:
        wrong = plain.load_state_dict(state, strict=False)
        assert not wrong.unexpected_keys
        assert all(name.startswith("pooler.") for name in wrong.missing_keys)
    return plain(**batch)


@torch.no_grad()
def test_hidden_states_are_those_of_plain_transformers(folder):
    encoder = PrunableEncoder(str(folder)).eval()
    hidden, pooled = encoder(inputs(encoder))
    plain = plain_output(folder, inputs(encoder))
    assert hidden.shape == (2, inputs(encoder)["input_ids"].shape[1], 16)
    assert torch.equal(hidden, plain.last_hidden_state)
    assert torch.equal(pooled, plain.pooler_output if encoder.has_pooler else hidden[:, 0])


@torch.no_grad()
def test_the_state_dict_of_a_changed_backbone_loads_into_plain_transformers(folder):
    encoder = PrunableEncoder(str(folder)).eval()
    for parameter in encoder.parameters():
        parameter.mul_(1.5)
    hidden, _ = encoder(inputs(encoder))
    plain = plain_output(folder, inputs(encoder), encoder.backbone.state_dict())
    assert torch.equal(hidden, plain.last_hidden_state)
    assert not torch.equal(hidden, plain_output(folder, inputs(encoder)).last_hidden_state)


@torch.no_grad()
def test_a_masked_backbone_loads_dense_into_plain_transformers(folder):
    encoder = PrunableEncoder(str(folder)).eval()
    before, _ = encoder(inputs(encoder))
    root = nn.ModuleDict({"encoder": encoder})
    found = match(root, encoder.model_type, ["query", "key", "value", "attention_output", "intermediate", "output"])
    names = [name for each in found.values() for name in each]
    generator = torch.Generator().manual_seed(0)
    install(root, names, lambda _, linear: FixedMask(torch.rand(linear.weight.shape, generator=generator) > 0.5))
    hidden, _ = encoder(inputs(encoder))
    plain = plain_output(folder, inputs(encoder), dense_state_dict(encoder.backbone))
    assert len(names) == 12
    assert torch.equal(hidden, plain.last_hidden_state)
    assert not torch.allclose(hidden, before)


def test_bert_brings_its_pooler_and_roberta_leaves_it_to_the_head(tiny_backbone, tiny_roberta):
    bert, roberta = PrunableEncoder(str(tiny_backbone)), PrunableEncoder(str(tiny_roberta))
    assert (bert.has_pooler, roberta.has_pooler) == (True, False)
    assert (bert.model_type, roberta.model_type) == ("bert", "roberta")
    assert bert.hidden_size == roberta.hidden_size == 16
    assert not any(name.startswith("pooler") for name in roberta.backbone.state_dict())


def test_it_starts_in_training_mode_with_dropout_on(folder):
    encoder = PrunableEncoder(str(folder))
    assert all(module.training for module in encoder.modules())
    assert encoder.hidden_dropout == 0.1
    assert not torch.equal(*(encoder(inputs(encoder))[0] for _ in range(2)))


def test_frozen_embeddings_are_the_tables_alone(folder):
    encoder = PrunableEncoder(str(folder), freeze_embeddings=True)
    frozen = {name for name, parameter in encoder.backbone.named_parameters() if not parameter.requires_grad}
    kinds = ("word", "position", "token_type")
    assert frozen == {f"embeddings.{kind}_embeddings.weight" for kind in kinds}
    assert all(parameter.requires_grad for parameter in PrunableEncoder(str(folder)).parameters())


def test_the_word_embeddings_are_the_table_of_the_checkpoint(tiny_backbone):
    encoder = PrunableEncoder(str(tiny_backbone))
    assert torch.equal(
        encoder.word_embeddings, AutoModel.from_pretrained(tiny_backbone).embeddings.word_embeddings.weight
    )
    assert not encoder.word_embeddings.requires_grad
    assert len(encoder.word_embeddings) == len(encoder.tokenizer)


def test_without_pretraining_the_weights_are_drawn_by_the_seed(folder):
    def drawn(seed):
        torch.manual_seed(seed)
        return PrunableEncoder(str(folder), pretrained=False)

    loaded = PrunableEncoder(str(folder))
    assert torch.equal(drawn(1).word_embeddings, drawn(1).word_embeddings)
    assert not torch.equal(drawn(1).word_embeddings, drawn(2).word_embeddings)
    assert not torch.equal(drawn(1).word_embeddings, loaded.word_embeddings)
    assert drawn(1).backbone.state_dict().keys() == loaded.backbone.state_dict().keys()


def test_config_is_laid_over_the_backbones_own(tiny_backbone):
    encoder = PrunableEncoder(
        str(tiny_backbone), config={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    )
    assert encoder.hidden_dropout == 0
    assert torch.equal(*(encoder(inputs(encoder))[0] for _ in range(2)))
    assert len(PrunableEncoder(str(tiny_backbone), config={"num_hidden_layers": 1}).backbone.encoder.layer) == 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"dropuot": 0.0}, r"encoder.config has \['dropuot'\], which .* \(bert\) does not know"),
        ({"num_hidden_layers": "x"}, r"num_hidden_layers"),
        ({"num_attention_heads": 3}, r"not a multiple of the number of attention heads"),
        ({"intermediate_size": 8}, r"encoder.config does not fit"),
    ],
)
def test_config_that_does_not_fit_is_refused(tiny_backbone, config, message):
    with pytest.raises(UserError, match=message):
        PrunableEncoder(str(tiny_backbone), config=config)


def test_an_unknown_name_without_a_network_says_what_to_do():
    with pytest.raises(UserError, match=r"'nobody/nothing' could not be loaded.*a local folder.*HF_HOME.*=bundled"):
        PrunableEncoder("nobody/nothing")


def no_vocabulary(folder):
    for path in (*folder.glob("vocab*"), *folder.glob("tokenizer*")):
        path.unlink()


DAMAGES = {
    "no config": lambda folder: (folder / "config.json").unlink(),
    "no model type": lambda folder: (folder / "config.json").write_text("{}"),
    "half a config": lambda folder: (folder / "config.json").write_text("{"),
    "another type": lambda folder: (folder / "config.json").write_text(json.dumps({"model_type": "zzz"})),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "truncated weights": lambda folder: (folder / "model.safetensors").write_bytes(b"\x10\x27" + bytes(100)),
    "no vocabulary": no_vocabulary,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_named(tiny_backbone, tmp_path, damage):
    folder = tmp_path / "model"
    shutil.copytree(tiny_backbone, folder)
    DAMAGES[damage](folder)
    with pytest.raises(UserError, match=f"encoder.backbone '{folder}' "):
        PrunableEncoder(str(folder))


def test_weights_saved_in_half_precision_are_loaded_in_single(tiny_backbone, tmp_path):
    folder = tmp_path / "half"
    shutil.copytree(tiny_backbone, folder)
    BertModel.from_pretrained(tiny_backbone).half().save_pretrained(folder)
    assert {parameter.dtype for parameter in PrunableEncoder(str(folder)).parameters()} == {torch.float32}


def test_weights_that_the_checkpoint_does_not_hold_are_named(tiny_backbone, tmp_path):
    shutil.copytree(tiny_backbone, tmp_path / "bert")
    BertModel.from_pretrained(tiny_backbone, add_pooling_layer=False).save_pretrained(tmp_path / "bert")
    with pytest.warns(match=r"pooler\.dense\.bias, pooler\.dense\.weight: drawn at random"):
        PrunableEncoder(str(tmp_path / "bert"))
