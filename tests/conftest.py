"""What all tests share: caches of their own, no network, and tiny random encoders in folders as transformers writes."""

# ruff: noqa: E402

import os
import tempfile
from pathlib import Path

# Read when the libraries are first imported; subprocesses of tests inherit it.
CACHE = tempfile.TemporaryDirectory(prefix="lit_prune_tests_")
os.environ |= {
    "HF_HOME": CACHE.name,
    "HF_HUB_CACHE": f"{CACHE.name}/hub",
    "HF_DATASETS_CACHE": f"{CACHE.name}/datasets",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",  # tiny models gain nothing by two threads, and lose much on a busy machine
}

import pytest
import torch
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
    BertConfig,
    BertModel,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from lit_prune.cli import main
from lit_prune.data import GeneratedNli
from lit_prune.data.bias.words import words
from lit_prune.fitting.cli import make_resolver

# Fixtures that tests of more than one room use, a module for each room that they are of.
pytest_plugins = [
    f"fixtures.{name}"
    for name in ("compare", "evaluate", "export", "pages", "report", "studies", "vocabulary", "wheel")
]

REPOSITORY = Path(__file__).parents[1]
SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}

# The other families: what is laid over SHAPE, as in the checkpoints that their authors published.
POSITIONS = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False}
TOKENS = {"pad_token_id": 0, "bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "max_position_embeddings": None}
FAMILIES = {
    "xlm-roberta": {"max_position_embeddings": 66, "type_vocab_size": 1},
    "electra": {"embedding_size": 8},
    "distilbert": {"hidden_dim": 32},
    "deberta": POSITIONS | {"type_vocab_size": 0},
    "deberta-v2": POSITIONS | {"type_vocab_size": 0, "share_att_key": True, "position_buckets": 8},
    "modernbert": TOKENS | {"mlp_dropout": 0.1},
    "albert": {"embedding_size": 8, "hidden_dropout_prob": 0.1},
    "camembert": {"max_position_embeddings": 66, "type_vocab_size": 1},
    "mpnet": {"max_position_embeddings": 66},
    "nomic_bert": {"hidden_dropout_prob": 0.1},
    "eurobert": TOKENS | {"num_key_value_heads": 2, "mask_token_id": 4, "attention_dropout": 0.1},
    "t5": T5,
    "umt5": T5,  # no table of targets
    "qwen3": TOKENS | {"num_key_value_heads": 2, "head_dim": 8},  # a decoder
}
WITHOUT_TOKEN_TYPES = ("distilbert", "modernbert", "mpnet", "eurobert", "t5", "umt5", "qwen3")


@pytest.fixture(scope="session")
def corpus_words():
    """The words of a small generated corpus, in lower case, and single letters."""
    rows = GeneratedNli(num_train=300, version=1).rows("train", None)
    known = {word.lower() for row in rows for text in (row["text_a"], row["text_b"]) for word in words(text)}
    return sorted(known | set("abcdefghijklmnopqrstuvwxyz"))


@pytest.fixture(scope="session")
def random_bert(tmp_path_factory, corpus_words):
    """A function: positions -> a folder with a random BERT, 16 wide, 2 layers, that knows the generated corpus."""

    def make(num_positions: int) -> Path:
        folder = tmp_path_factory.mktemp("tiny_bert")
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *corpus_words]
        pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
        (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
        BertTokenizerFast.from_pretrained(str(folder)).save_pretrained(folder)
        _save(BertModel, BertConfig(**SHAPE, vocab_size=len(pieces), max_position_embeddings=num_positions), folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_backbone(random_bert):
    """The folder of a random BERT of 64 positions and its tokenizer."""
    return random_bert(64)


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory, corpus_words):
    """A folder with a random RoBERTa of the same shape, without a pooler, and a tokenizer of whole words."""
    folder = tmp_path_factory.mktemp("tiny_roberta")
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *corpus_words]
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        bos_token="<s>",
        cls_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
    ).save_pretrained(folder)
    config = RobertaConfig(**SHAPE, vocab_size=len(pieces), max_position_embeddings=66, type_vocab_size=1)
    _save(RobertaModel, config, folder, add_pooling_layer=False)
    return folder


@pytest.fixture(scope="session")
def tiny_family(tmp_path_factory, tiny_backbone, tiny_roberta):
    """A function that gives the folder of a random encoder of any supported family, by model type."""
    folders = {"bert": tiny_backbone, "roberta": tiny_roberta}

    def folder(model_type: str) -> Path:
        if model_type not in folders:
            folders[model_type] = tmp_path_factory.mktemp(f"tiny_{model_type}")
            options = (
                {"model_input_names": ["input_ids", "attention_mask"]} if model_type in WITHOUT_TOKEN_TYPES else {}
            )
            tokenizer = AutoTokenizer.from_pretrained(
                tiny_roberta if model_type in ("xlm-roberta", "camembert") else tiny_backbone, **options
            )
            tokenizer.save_pretrained(folders[model_type])
            shape = {"max_position_embeddings": 64} | SHAPE | FAMILIES[model_type]
            config = AutoConfig.for_model(model_type, vocab_size=len(tokenizer), **shape)
            model = AutoModelForTextEncoding if model_type in ("t5", "umt5") else AutoModel
            _save(model.from_config, config, folders[model_type])
        return folders[model_type]

    return folder


def _save(model: type, config: object, folder: Path, **options: bool) -> None:
    torch.manual_seed(0)
    model(config, **options).save_pretrained(folder)


# Laid over an experiment of configs/: three seconds instead of minutes.
OVERLAY = """
encoder:
  backbone: {backbone}
  freeze_embeddings: false
  config: {{hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1}}
data:
  tasks:
    - class_path: lit_prune.data.Task
      init_args:
        name: nli
        labels: [contradiction, entailment, neutral]
        positive: entailment
        merge: {{contradiction: non_entailment, neutral: non_entailment}}
        source:
          class_path: lit_prune.data.GeneratedNli
          init_args: {{version: 1, bias_rate: 0.9, num_train: 253, num_eval: 60}}
        bias: lit_prune.data.OverlapBias
  max_length: 48
  batch_size: 32
model:
  init_args: {{}}
trainer:
  precision: 32-true
  accelerator: cpu
  val_check_interval: 6
"""
PHASES = {
    "dense": {"dense": {"length": "20 steps", "learning_rate": 1e-3}},
    "mask": {"mask": {"length": "20 steps", "learning_rate": 1e-2}, "refresh_every": 4},
    "rounds": {"rounds": {"length": "5 steps", "learning_rate": 1e-3}},
    "prune": {"prune": {"length": "20 steps", "learning_rate": 1e-3}, "refresh_every": 4},
    "search": {"search": {"length": "10 steps", "learning_rate": 1e-3}},
    "tune": {"tune": {"length": "20 steps", "learning_rate": 1e-3}},
    "ticket": {"ticket": {"length": "12 steps", "learning_rate": 1e-3}},
}


def _overlay(path: Path, backbone: Path, config: str) -> Path:
    """Write what makes a configuration small."""
    overlay = yaml.safe_load(OVERLAY.format(backbone=backbone))
    model = yaml.safe_load((REPOSITORY / config).read_text())["model"]
    for phase in PHASES.keys() & model["init_args"].keys():
        overlay["model"]["init_args"] |= PHASES[phase]
    path.write_text(yaml.safe_dump(overlay))
    return path


def _command(folder: Path, backbone: Path, *arguments: str, config: str, name: str) -> list[str]:
    """The command line that fits a configuration made small into `folder`."""
    overlay = _overlay(folder / "overlay.yaml", backbone, config)
    command = ["fit", "--config", str(REPOSITORY / config), "--config", str(overlay)]
    command += ["--trainer.default_root_dir", str(folder / "runs"), "--experiment", name]
    command += ["--trainer.enable_progress_bar", "false"]
    return [*command, *arguments]


def _fit(folder: Path, *arguments: object, name: str, **options: object) -> tuple[int, Path]:
    """Fit it; the exit code, and the run's folder."""
    return main(_command(folder, *arguments, name=name, **options)), folder / "runs" / name / "version_0"


@pytest.fixture
def experiment(tmp_path, tiny_backbone):
    """A function that fits a configuration made small, with further arguments, under `tmp_path`."""

    def run(*arguments: str, config: str = "configs/srnet_poe.yaml", name: str = "e2e") -> tuple[int, Path]:
        return _fit(tmp_path, tiny_backbone, *arguments, config=config, name=name)

    return run


@pytest.fixture(scope="session")
def resolve():
    """A function: arguments of fit -> the configuration that they resolve to."""
    return make_resolver()


@pytest.fixture(scope="session")
def small(tmp_path_factory, tiny_backbone):
    """A function: a configuration -> the two files that fit it made small."""
    folder = tmp_path_factory.mktemp("small")

    def configs(config: str) -> list[str]:
        overlay = _overlay(folder / f"{Path(config).stem}.yaml", tiny_backbone, config)
        return [str(REPOSITORY / config), str(overlay)]

    return configs


@pytest.fixture
def two_tasks(tmp_path):
    """The file of two small generated tasks, to be laid over a configuration."""
    shipped = yaml.safe_load((REPOSITORY / "configs/data/multitask.yaml").read_text())
    for task in shipped["data"]["tasks"]:
        task["init_args"]["source"]["init_args"] |= {"num_train": 200, "num_eval": 60}
    path = tmp_path / "two_tasks.yaml"
    path.write_text(yaml.safe_dump(shipped))
    return str(path)


@pytest.fixture
def command(tmp_path, tiny_backbone):
    """A function like `experiment` that gives the command line of the same run, for another process."""

    def arguments(*arguments: str, config: str = "configs/srnet_poe.yaml", name: str = "e2e") -> list[str]:
        return _command(tmp_path, tiny_backbone, *arguments, config=config, name=name)

    return arguments


def _finished(factory: pytest.TempPathFactory, backbone: Path, *arguments: str, config: str, name: str) -> Path:
    """The folder of a complete run, for a whole session of tests."""
    code, folder = _fit(factory.mktemp(name), backbone, *arguments, config=config, name=name)
    assert code == 0
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_backbone):
    """A function that fits a configuration made small, for a whole session: the folder of the complete run."""

    def run(*arguments, config, name):
        return _finished(tmp_path_factory, tiny_backbone, *arguments, config=config, name=name)

    return run


@pytest.fixture(scope="session")
def four_kinds(tmp_path_factory):
    """The file of four small generated tasks, each of a kind of its own, to be laid over a configuration."""
    shipped = yaml.safe_load((REPOSITORY / "configs/data/multitask_four.yaml").read_text())
    for task in shipped["data"]["tasks"]:
        task["init_args"]["source"]["init_args"] |= {"num_train": 200, "num_eval": 60}
        if "windows" in task["init_args"]:
            task["init_args"]["windows"] = {"max_length": 48, "stride": 8, "max_question_length": 16}
    path = tmp_path_factory.mktemp("four_kinds") / "four_kinds.yaml"
    path.write_text(yaml.safe_dump(shipped))
    return str(path)


@pytest.fixture(scope="session")
def four_kinds_run(tmp_path_factory, tiny_backbone, four_kinds):
    """The folder of one complete run of configs/movement.yaml on four kinds of tasks, masks hybrid; only to read."""
    hybrid = ("--config", four_kinds, "--model.init_args.task_masks=hybrid")
    return _finished(tmp_path_factory, tiny_backbone, *hybrid, config="configs/movement.yaml", name="four_kinds")


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory, tiny_backbone):
    """The folder of the complete run that `experiment()` makes without further arguments; only to read."""
    return _finished(tmp_path_factory, tiny_backbone, config="configs/srnet_poe.yaml", name="plain")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, tiny_backbone):
    """The folder of one complete run of configs/srnet_poe.yaml that learns something; only to read.

    120 dense steps and 20 of the mask, evaluated every 10.
    """
    learns = ("--model.init_args.dense.steps", "120", "--model.init_args.dense.learning_rate", "5e-3")
    learns += ("--trainer.val_check_interval", "10", "--trainer.log_every_n_steps", "4")
    return _finished(tmp_path_factory, tiny_backbone, *learns, config="configs/srnet_poe.yaml", name="finished")


@pytest.fixture(scope="session")
def finished_imp_run(tmp_path_factory, tiny_backbone):
    """The folder of one complete run of configs/imp.yaml, 20 dense steps and nine rounds of 5; only to read."""
    return _finished(tmp_path_factory, tiny_backbone, config="configs/imp.yaml", name="finished_imp")


@pytest.fixture(scope="session")
def finished_dense_run(tmp_path_factory, tiny_backbone):
    """The folder of one complete run of configs/dense.yaml, 20 steps; only to read."""
    return _finished(tmp_path_factory, tiny_backbone, config="configs/dense.yaml", name="finished_dense")


@pytest.fixture(scope="session")
def finished_roberta_run(tmp_path_factory, tiny_roberta):
    """The folder of one complete run of configs/srnet_poe.yaml over RoBERTa, 20 steps a phase; only to read."""
    return _finished(tmp_path_factory, tiny_roberta, config="configs/srnet_poe.yaml", name="finished_roberta")


@pytest.fixture(scope="session")
def finished_rank_run(finished):
    """The folder of a complete run of configs/rank_magnitude.yaml, a quarter of the ranks kept; only to read."""
    quarter = ("--model.init_args.schedule.init_args.final", "0.75")
    return finished(*quarter, config="configs/rank_magnitude.yaml", name="finished_rank")


@pytest.fixture(scope="session")
def finished_sparse_run(finished):
    """The folder of a complete run of configs/magnitude.yaml, a tenth of each matrix kept; only to read."""
    return finished(config="configs/magnitude.yaml", name="finished_sparse")


@pytest.fixture
def export(tmp_path):
    """A function that exports a run; the new folder."""

    def run(folder, form, *arguments):
        out = tmp_path / form
        assert main(["export", str(folder), "--format", form, "--out", str(out), *arguments]) == 0
        return out

    return run
