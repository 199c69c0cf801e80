"""The encoder against plain transformers, loaded, masked and written back; a whole run; and what is refused."""

import json
import shutil

import pytest
import torch
from torch import nn
from transformers import (
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
    BartConfig,
    BertConfig,
    BertModel,
    GPT2Config,
    LlamaConfig,
    XLMConfig,
)

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.sparsity.install import dense_state_dict, install, masked_layers
from lit_prune.sparsity.masks import FixedMask, LearnedMask, refresh
from lit_prune.sparsity.targets import TARGETS, match

SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
TEXTS = ["the doctor saw the judge .", "a boy slept ."]
ATTENTION = [
    (model_type, attention)
    for model_type in TARGETS
    for attention in (["eager"] if model_type in ("deberta", "deberta-v2", "mpnet") else ["eager", "sdpa"])
]


@pytest.fixture(params=TARGETS)
def folder(request, tiny_family):
    return tiny_family(request.param)


@pytest.fixture(params=ATTENTION, ids="-".join)
def family(request, tiny_family):
    """A backbone's folder and an attention implementation that its family has."""
    model_type, attention = request.param
    return tiny_family(model_type), attention


def inputs(encoder):
    return dict(encoder.tokenizer(TEXTS, padding=True, return_tensors="pt"))


def plain_model(folder, **options):
    model = AutoModelForTextEncoding if "t5" in folder.name else AutoModel
    return model.from_pretrained(folder, **options)


@torch.no_grad()
def plain_output(folder, attention, batch, state=None):
    plain = plain_model(folder, attn_implementation=attention).eval()
    if state is not None:
        wrong = plain.load_state_dict(state, strict=False)
        assert not wrong.unexpected_keys
        assert all(name.startswith("pooler.") for name in wrong.missing_keys)
    return plain(**batch)


def load(family):
    folder, attention = family
    encoder = PrunableEncoder(str(folder), config={"_attn_implementation": attention}).eval()
    assert encoder.backbone.config._attn_implementation == attention
    return encoder


@torch.no_grad()
def test_hidden_states_are_those_of_plain_transformers(family):
    encoder = load(family)
    hidden, pooled = encoder(inputs(encoder))
    plain = plain_output(*family, inputs(encoder))
    assert hidden.shape == (2, inputs(encoder)["input_ids"].shape[1], encoder.hidden_size)
    assert torch.equal(hidden, plain.last_hidden_state)
    attended = inputs(encoder)["attention_mask"]
    mean = (hidden * attended[..., None]).sum(1) / attended.sum(1, keepdim=True)
    expected = {"first": hidden[:, 0], "mean": mean, None: plain.get("pooler_output")}
    assert torch.equal(pooled, expected[encoder.pooling])
    assert (encoder.pooling == "mean") == (encoder.model_type in ("t5", "eurobert"))


@torch.no_grad()
@pytest.mark.parametrize("model_type", ["roberta", "t5", "qwen3"])
@pytest.mark.parametrize("pooling", ["first", "mean", "last"])
def test_pooling_is_of_the_tokens_of_each_text(tiny_family, tmp_path, model_type, pooling):
    if model_type == "qwen3" and pooling != "last":
        return
    encoder = PrunableEncoder(str(tiny_family(model_type)), pooling=pooling).eval()
    hidden, pooled = encoder(inputs(encoder))
    for text, of_batch, row in zip(TEXTS, pooled, hidden, strict=True):
        alone, of_text = encoder(dict(encoder.tokenizer([text], return_tensors="pt")))
        torch.testing.assert_close(of_text[0], of_batch)
        expected = {"first": row[0], "mean": row[: alone.shape[1]].mean(0), "last": row[alone.shape[1] - 1]}
        torch.testing.assert_close(of_batch, expected[pooling])
    encoder.backbone.config.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    assert PrunableEncoder(str(tmp_path), pretrained=False).pooling == pooling


def test_a_family_with_a_pooler_has_no_other_pooling(tiny_backbone):
    with pytest.raises(UserError, match=r"encoder.pooling must be left out for bert, got mean: it has a pooler"):
        PrunableEncoder(str(tiny_backbone), pooling="mean")


@torch.no_grad()
def test_the_state_dict_of_a_changed_backbone_loads_into_plain_transformers(family):
    encoder = load(family)
    for parameter in encoder.parameters():
        parameter.mul_(1.5)
    hidden, _ = encoder(inputs(encoder))
    plain = plain_output(*family, inputs(encoder), encoder.backbone.state_dict())
    assert torch.equal(hidden, plain.last_hidden_state)
    assert not torch.equal(hidden, plain_output(*family, inputs(encoder)).last_hidden_state)


@torch.no_grad()
def test_a_masked_backbone_loads_dense_into_plain_transformers(family):
    encoder = load(family)
    before, _ = encoder(inputs(encoder))
    root = nn.ModuleDict({"encoder": encoder})
    targets = [name for name in TARGETS[encoder.model_type] if name not in ("embeddings", "pooler", "classifier")]
    names = [name for names in match(root, encoder.model_type, targets).values() for name in names]
    generator = torch.Generator().manual_seed(0)
    install(root, names, lambda _, weight: FixedMask(torch.rand(weight.shape, generator=generator) > 0.5))
    hidden, _ = encoder(inputs(encoder))
    plain = plain_output(*family, inputs(encoder), dense_state_dict(encoder.backbone))
    assert torch.equal(hidden, plain.last_hidden_state)
    assert not torch.allclose(hidden, before)


@torch.no_grad()
@pytest.mark.parametrize("model_type", TARGETS)
def test_what_pads_a_batch_changes_no_text(tiny_family, model_type):
    encoder = PrunableEncoder(str(tiny_family(model_type))).eval()
    alone, _ = encoder(dict(encoder.tokenizer(TEXTS[1:], return_tensors="pt")))
    padded, _ = encoder(inputs(encoder))
    torch.testing.assert_close(padded[1:, : alone.shape[1]], alone)


@torch.no_grad()
@pytest.mark.parametrize("model_type", ["distilbert", "modernbert"])
def test_token_types_do_nothing_to_a_family_without_them(tiny_family, model_type):
    encoder = PrunableEncoder(str(tiny_family(model_type))).eval()
    batch = inputs(encoder)
    assert set(batch) == {"input_ids", "attention_mask"}
    types = torch.ones_like(batch["input_ids"])
    assert torch.equal(encoder(batch)[0], encoder(batch | {"token_type_ids": types})[0])


@pytest.mark.parametrize("model_type", ["deberta", "deberta-v2"])
def test_attention_that_a_family_does_not_have_is_refused(tiny_family, model_type):
    with pytest.raises(UserError, match=r"that encoder.config fits, got .*: Deberta.* does not support"):
        PrunableEncoder(str(tiny_family(model_type)), config={"_attn_implementation": "sdpa"})


@pytest.mark.parametrize("model_type", TARGETS)
def test_bert_and_albert_bring_their_pooler_and_the_others_leave_it_to_the_head(tiny_family, model_type):
    encoder = PrunableEncoder(str(tiny_family(model_type)))
    assert encoder.model_type == model_type
    assert encoder.has_pooler == (model_type in ("bert", "albert"))
    assert any(name.startswith("pooler") for name in encoder.backbone.state_dict()) == encoder.has_pooler
    assert encoder.hidden_size == 16


def test_it_starts_in_training_mode_with_dropout_on(folder):
    encoder = PrunableEncoder(str(folder))
    assert all(module.training for module in encoder.modules())
    assert encoder.hidden_dropout == 0.1
    assert not torch.equal(*(encoder(inputs(encoder))[0] for _ in range(2)))


def test_frozen_embeddings_are_the_tables_alone(folder):
    encoder = PrunableEncoder(str(folder), freeze_embeddings=True)
    parameters = dict(encoder.backbone.named_parameters())
    frozen = {name for name, parameter in parameters.items() if not parameter.requires_grad}
    tables = ("embeddings.weight", "embed_tokens.weight", "shared.weight")
    assert frozen == {name for name in parameters if name.endswith(tables)}
    assert all(parameter.requires_grad for parameter in PrunableEncoder(str(folder)).parameters())


def test_the_word_embeddings_are_the_table_of_the_checkpoint(folder):
    encoder = PrunableEncoder(str(folder))
    width = getattr(encoder.backbone.config, "embedding_size", 16)
    assert encoder.word_embeddings.shape == (len(encoder.tokenizer), width)
    assert torch.equal(encoder.word_embeddings, plain_model(folder).get_input_embeddings().weight)
    assert not encoder.word_embeddings.requires_grad


def test_without_pretraining_the_weights_are_drawn_by_the_seed(folder):
    def drawn(seed):
        torch.manual_seed(seed)
        return PrunableEncoder(str(folder), pretrained=False)

    loaded = PrunableEncoder(str(folder))
    assert torch.equal(drawn(1).word_embeddings, drawn(1).word_embeddings)
    assert not torch.equal(drawn(1).word_embeddings, drawn(2).word_embeddings)
    assert not torch.equal(drawn(1).word_embeddings, loaded.word_embeddings)
    assert drawn(1).backbone.state_dict().keys() == loaded.backbone.state_dict().keys()


def test_config_is_laid_over_the_backbones_own(folder):
    encoder = PrunableEncoder(str(folder), config={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
    assert encoder.hidden_dropout == 0
    assert torch.equal(*(encoder(inputs(encoder))[0] for _ in range(2)))


def test_config_may_change_the_shape(tiny_backbone):
    assert len(PrunableEncoder(str(tiny_backbone), config={"num_hidden_layers": 1}).backbone.encoder.layer) == 1


def test_compiled_layers_compute_what_plain_ones_do_with_and_without_masks(tiny_backbone):
    """One graph for both layers, and the state dict's names stay."""
    plain, compiled = (PrunableEncoder(str(tiny_backbone), compile=each).eval() for each in (False, True))
    assert list(compiled.state_dict()) == list(plain.state_dict())
    inputs = plain.tokenizer(["a b c", "d e f"], return_tensors="pt")
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    for masked in (False, True):
        if masked:
            for each in (plain, compiled):
                names = [f"backbone.encoder.layer.{layer}.output.dense" for layer in (0, 1)]
                install(each, names, lambda _, weight: LearnedMask(weight.detach().abs()))
                for layer in masked_layers(each).values():
                    refresh([layer.mask], 0.5)
        found, expected = (_with_gradients(each, inputs) for each in (compiled, plain))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2
    assert not torch._dynamo.utils.counters["graph_break"]


def _with_gradients(encoder, inputs):
    encoder.zero_grad()
    output = encoder(inputs)[0]
    output.square().sum().backward()
    return [output, *(value.grad for value in encoder.parameters() if value.grad is not None)]


def test_a_family_without_layers_to_compile_is_named(tiny_family):
    with pytest.raises(UserError, match=r"encoder\.compile.*albert"):
        PrunableEncoder(str(tiny_family("albert")), compile=True)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"dropuot": 0.0}, r"unknown keys \['dropuot'\] of encoder.config: .*\(bert\)"),
        ({"num_hidden_layers": "x"}, r"num_hidden_layers"),
        ({"num_attention_heads": 3}, r"not a multiple of the number of attention heads"),
        ({"intermediate_size": 8}, r"that encoder.config fits, got"),
    ],
)
def test_config_that_does_not_fit_is_refused(tiny_backbone, config, message):
    with pytest.raises(UserError, match=message):
        PrunableEncoder(str(tiny_backbone), config=config)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=50), "gpt2"),
        (LlamaConfig(**SHAPE, vocab_size=50), "llama"),
        (BartConfig(d_model=16, encoder_layers=1, decoder_layers=1, vocab_size=50), "bart, a decoder"),
        (BertConfig(**SHAPE, vocab_size=50, is_decoder=True), "bert, a decoder"),
        (XLMConfig(emb_dim=16, n_layers=1, n_heads=2, vocab_size=50, causal=True), "xlm, a decoder"),
    ],
    ids=["gpt2", "llama", "bart", "bert as a decoder", "causal xlm"],
)
def test_what_is_no_encoder_is_refused(tmp_path, config, kind):
    AutoModel.from_config(config).save_pretrained(tmp_path)
    message = rf"encoder.backbone must be a bidirectional text encoder, got '{tmp_path}' \({kind}\): choose one such as"
    with pytest.raises(UserError, match=message):
        PrunableEncoder(str(tmp_path))


def test_an_encoder_cannot_be_made_a_decoder(tiny_backbone):
    with pytest.raises(UserError, match=r"must be a bidirectional text encoder, got .* \(bert, a decoder\)"):
        PrunableEncoder(str(tiny_backbone), config={"is_decoder": True})


@pytest.fixture
def with_tokenizer(tiny_backbone, tmp_path):
    """A function: what changes the tokenizer -> a folder with the tiny BERT and that tokenizer."""

    def make(change):
        folder = shutil.copytree(tiny_backbone, tmp_path / "model")
        tokenizer = AutoTokenizer.from_pretrained(tiny_backbone)
        change(tokenizer)
        tokenizer.save_pretrained(folder)
        return str(folder)

    return make


def test_a_tokenizer_with_more_tokens_than_embeddings_is_refused(with_tokenizer, tiny_backbone):
    size = len(AutoTokenizer.from_pretrained(tiny_backbone))
    folder = with_tokenizer(lambda tokenizer: tokenizer.add_tokens(["zzz", "yyy"]))
    message = rf"an embedding for each of the {size + 2} tokens of its tokenizer, got {size}: call `model.resize_token"
    with pytest.raises(UserError, match=message):
        PrunableEncoder(folder)


def test_embeddings_may_be_more_than_tokens(tiny_backbone, tmp_path):
    folder = shutil.copytree(tiny_backbone, tmp_path / "model")
    model = BertModel.from_pretrained(tiny_backbone)
    model.resize_token_embeddings(len(AutoTokenizer.from_pretrained(tiny_backbone)) + 8)
    model.save_pretrained(folder)
    PrunableEncoder(str(folder))


def test_a_tokenizer_without_a_pad_token_is_refused(with_tokenizer):
    folder = with_tokenizer(lambda tokenizer: setattr(tokenizer, "pad_token", None))
    with pytest.raises(UserError, match=r"must have a pad token, got none in .*: set `tokenizer.pad_token`"):
        PrunableEncoder(folder)


@torch.no_grad()
def test_a_tokenizer_that_pads_on_the_left_pads_on_the_right_here(with_tokenizer):
    encoder = PrunableEncoder(with_tokenizer(lambda tokenizer: setattr(tokenizer, "padding_side", "left"))).eval()
    _, alone = encoder(dict(encoder.tokenizer(TEXTS[1:], return_tensors="pt")))
    _, padded = encoder(inputs(encoder))
    torch.testing.assert_close(padded[1:], alone)


@torch.no_grad()
@pytest.mark.parametrize("model_type", TARGETS)
def test_every_position_of_an_encoder_can_be_used(tiny_family, model_type):
    encoder = PrunableEncoder(str(tiny_family(model_type))).eval()
    relative = model_type.startswith("deberta") or model_type == "t5"
    assert encoder.num_positions == (None if relative else 64)
    length = encoder.num_positions or 100
    assert (encoder.tokenizer.model_max_length == length) is not relative
    text = " ".join(["the"] * 200)
    batch = encoder.tokenizer(text, truncation=True, max_length=length, return_tensors="pt")
    assert encoder(dict(batch))[0].shape[1] == length


def test_an_unknown_name_without_a_network_says_what_to_do():
    with pytest.raises(
        UserError,
        match=r"got 'nobody/nothing' \(no such folder; .* a local folder.*HF_HOME.*--encoder.backbone bundled",
    ):
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
    with pytest.raises(UserError, match=f"encoder.backbone .*'{folder}'"):
        PrunableEncoder(str(folder))


def test_weights_saved_in_half_precision_are_loaded_in_single(tiny_backbone, tmp_path):
    folder = tmp_path / "half"
    shutil.copytree(tiny_backbone, folder)
    BertModel.from_pretrained(tiny_backbone).half().save_pretrained(folder)
    assert {parameter.dtype for parameter in PrunableEncoder(str(folder)).parameters()} == {torch.float32}


def test_weights_that_the_checkpoint_does_not_hold_are_named(tiny_backbone, tmp_path):
    shutil.copytree(tiny_backbone, tmp_path / "bert")
    BertModel.from_pretrained(tiny_backbone, add_pooling_layer=False).save_pretrained(tmp_path / "bert")
    with pytest.warns(match=r"pooler\.dense\.bias, pooler\.dense\.weight: initialised at random"):
        PrunableEncoder(str(tmp_path / "bert"))
