"""Two mentions in a text, as the tokens that they are."""

import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as parquet
import pytest
import torch
import yaml
from rows import Rows
from transformers import AutoTokenizer

import lit_prune
from lit_prune.cli import main
from lit_prune.data import MentionTask, MultitaskDataModule, WscFiles
from lit_prune.data.preparation import Preparation, read_split
from lit_prune.data.sources.wsc import read_wsc
from lit_prune.data.tasks.mention import tokenise_mentions
from lit_prune.encoders.bundled import bundled_path
from lit_prune.errors import UserError
from lit_prune.export.trained import read_run
from lit_prune.heads import SpanPair

SHARED = Path(__file__).parents[3] / "shared/data/WSC"
LABELS = ["other", "same"]


def columns(text, *mentions):
    return {"id": ["r7"], "text_a": [text], "mentions": [list(mentions)]}


def said(tokenizer, tokens, row):
    """The texts of a row's mentions by their tokens, without white space."""
    found = [tokens["input_ids"][row][first : last + 1] for first, last in tokens["spans"][row]]
    return [tokenizer.decode(each).replace(" ", "") for each in found]


def test_spans_are_the_tokens_of_the_mentions(tokenizer):
    text = "A xyz! b (a c)"
    tokens = tokenise_mentions(columns(text, [2, 5], [10, 13]), tokenizer, 32)
    expected = tokenizer(text)
    assert {name: each[0].tolist() for name, each in tokens.items() if name != "spans"} == dict(expected)
    pieces = tokenizer.convert_ids_to_tokens(expected["input_ids"])
    assert pieces == ["[CLS]", "a", "x", "##y", "##z", "[UNK]", "b", "[UNK]", "a", "c", "[UNK]", "[SEP]"]
    assert tokens["spans"][0].tolist() == [[2, 4], [8, 9]]


@pytest.mark.parametrize("max_length", [256, 24])
@pytest.mark.parametrize("name", ["train", "val"])
def test_the_tokens_of_official_mentions_are_their_texts(name, max_length):
    """None of the rows is longer than 256 tokens; in 24, all mentions are kept."""
    if not SHARED.is_dir():
        pytest.skip("the data are not there")
    tokenizer = AutoTokenizer.from_pretrained(str(bundled_path()))
    rows = list(read_wsc(SHARED / f"{name}.jsonl"))
    table = {column: [row[column] for row in rows] for column in rows[0]}
    tokens = tokenise_mentions(table, tokenizer, max_length)
    lengths = [len(each) for each in tokens["input_ids"]]
    assert max(lengths) == max_length if max_length == 24 else max(lengths) < max_length
    for number, row in enumerate(rows):
        texts = ["".join(row["text_a"][start:end].lower().split()) for start, end in row["mentions"]]
        assert said(tokenizer, tokens, number) == texts


def test_of_a_text_too_long_the_tokens_nearest_to_its_mentions_are_kept(tokenizer):
    rows = columns("a b c d e f g h i j k l", [4, 5], [18, 19])  # c and j
    tokens = tokenise_mentions(rows, tokenizer, 8)
    assert tokenizer.decode(tokens["input_ids"][0]) == "[CLS] b c d i j k [SEP]"
    assert tokens["spans"][0].tolist() == [[2, 2], [5, 5]]
    assert {len(each[0]) for name, each in tokens.items() if name != "spans"} == {8}
    assert tokenizer.decode(tokenise_mentions(rows, tokenizer, 4)["input_ids"][0]) == "[CLS] c j [SEP]"
    with pytest.raises(UserError, match=r"max_length must be at least 4, got 3: the mentions of row 'r7'"):
        tokenise_mentions(rows, tokenizer, 3)


def test_a_mention_without_a_token_is_named(tokenizer):
    with pytest.raises(UserError, match=r"a mention of row 'r7' must have a token, got none for characters 2 to 3"):
        tokenise_mentions(columns("a \u200b b", [0, 1], [2, 3]), tokenizer, 8)


def test_rows_without_mentions_are_refused(tokenizer):
    task = MentionTask("wsc", LABELS, Rows(labels=LABELS))
    with pytest.raises(UserError, match=r"mentions of row 'train-0' must be two, got none: .* as WscFiles"):
        read_split(task, "train", Preparation(tokenizer, None, 32, 0.25, seed=0))


def test_the_head_is_over_both_mentions():
    head = MentionTask("wsc", LABELS, Rows()).make_head(SimpleNamespace(hidden_size=16, hidden_dropout=0.3))
    assert isinstance(head, SpanPair)
    assert head.classifier.weight.shape == (2, 32)
    assert head.dropout.p == 0.3


def record(number):
    """The first mention is the third word or the fifth; the second, the seventh word, refers to the third."""
    third = number % 3 > 0
    target = {"span1_index": 2 if third else 4, "span1_text": "c" if third else "d"}
    target |= {"span2_index": 6, "span2_text": "e"}
    return {"text": f"a {'fghij'[number % 5]} c b d f e", "target": target, "label": third, "idx": number}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small files in WSC's layout, and the configuration of their task."""
    folder = tmp_path_factory.mktemp("wsc")
    for name, num_rows in (("train", 60), ("val", 20)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record(number)) + "\n" for number in range(num_rows)))
    (folder / "own.csv").write_text("id,text_a,label\n1,a b,same\n")
    source = {
        "class_path": "lit_prune.data.WscFiles",
        "init_args": {"splits": {"train": ["train.jsonl"], "id": ["val.jsonl"]}},
    }
    bias = {"class_path": "lit_prune.data.OverlapBias", "init_args": {"positive": "same"}}
    task = {"name": "wsc", "labels": LABELS, "source": source, "bias": bias}
    task |= {"positive": None, "merge": None}  # undoes what an experiment on NLI says
    tasks = [{"class_path": "lit_prune.data.MentionTask", "init_args": task}]
    (folder / "wsc.yaml").write_text(yaml.safe_dump({"data": {"tasks": tasks, "root": str(folder)}}))
    return folder


@pytest.fixture(scope="module")
def run(folder, finished):
    """The folder of a run that trains, asks a teacher and finds a mask."""
    learns = ("--model.init_args.dense.steps=60", "--model.init_args.dense.learning_rate=5e-3")
    learns += ("--data.validation_fraction=0.4",)
    return finished(f"--config={folder}/wsc.yaml", *learns, config="configs/srnet_confidence.yaml", name="wsc")


@pytest.fixture
def rows(run):
    """What the run said of its `id` set."""
    return [row for row in parquet.read_table(run / "predictions.parquet").to_pylist() if row["split"] == "id"]


def test_batches_have_the_spans_of_their_rows(folder, tokenizer):
    task = MentionTask("wsc", LABELS, WscFiles({"train": ["train.jsonl"], "id": ["val.jsonl"]}))
    data = MultitaskDataModule([task], tokenizer, torch.zeros(len(tokenizer), 4), root=str(folder), batch_size=8)
    with pytest.warns(UserWarning, match="20 of 20 rows of id have the texts of a training row"):
        data.setup("fit")
    for batch in data.train_dataloader():
        found = batch.inputs["input_ids"].gather(1, batch.head_inputs["spans"][:, :, 0])
        assert torch.equal(batch.head_inputs["spans"][:, :, 0], batch.head_inputs["spans"][:, :, 1])
        first = ["c" if label else "d" for label in batch.labels]
        assert [tokenizer.convert_ids_to_tokens(each) for each in found] == [[each, "e"] for each in first]


def test_what_only_the_mentions_tell_is_learned(run, rows):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["wsc/id/accuracy"] == sum(row["prediction"] == row["label"] for row in rows) / 20 == 1.0


@pytest.mark.parametrize("form", ["dense", "packed"])
def test_an_export_says_what_the_run_said(run, rows, tmp_path, form):
    assert main(["export", str(run), "--format", form, "--out", str(tmp_path / form)]) == 0
    model = lit_prune.load(tmp_path / form)
    records = [record(number) for number in range(20)]
    inputs = model.encoder.tokenizer([each["text"] for each in records], return_tensors="pt", padding=True)
    places = [[each["target"][f"{which}_index"] + 1 for which in ("span1", "span2")] for each in records]
    spans = torch.tensor(places)[:, :, None].expand(-1, -1, 2)
    logits = model(**inputs, spans=spans).logits
    torch.testing.assert_close(logits, torch.tensor([row["logits"] for row in rows]), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(model(**inputs, spans=spans - 1).logits, logits, atol=1e-4)
    card = (tmp_path / form / "README.md").read_text()
    assert "classes other, same of two mentions in a text" in card
    told = card.split("```python\n")[1].split("```")[0].replace("FOLDER", repr(str(tmp_path / form)))
    exec(told, names := {})
    assert names["logits"].shape == (1, 2)


def test_a_run_is_tried_on_its_own_rows_and_on_files_in_wscs_layout(run, rows, folder, tmp_path, capsys):
    assert type(read_run(run, None).model.tasks["wsc"]) is MentionTask
    expected = {row["id"]: row["prediction"] for row in rows}
    for number, which in enumerate((["--split", "id", "--root", str(folder)], ["--file", str(folder / "val.jsonl")])):
        out = tmp_path / f"{number}.parquet"
        assert main(["predict", str(run), *which, "--out", str(out)]) == 0
        found = parquet.read_table(out).to_pylist()
        assert {row["id"]: row["prediction"] for row in found} == expected
    out = tmp_path / "tested"
    assert main(["test", str(run), "--files", f"id={folder / 'val.jsonl'}", "--out", str(out)]) == 0
    own = json.loads((run / "metrics.json").read_text())
    tested = json.loads((out / "metrics.json").read_text())
    assert tested == pytest.approx({name: own[name] for name in tested}, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "--file={own}", "--out={out}"], "own.csv must be a .jsonl in SuperGLUE's layout of WSC"),
        (["predict", "--file={val}", "--out={out}", "--columns={{text_a: q}}"], "--columns must be left out, got "),
        (["test", "--files", "id={own}"], "own.csv must be a .jsonl in SuperGLUE's layout of WSC"),
        (
            ["test", "--files", "id={val}", "--labels={{a: same}}"],
            "got them for 'wsc': its files have WSC's layout",
        ),
    ],
)
def test_what_a_table_cannot_carry_is_one_error(run, folder, tmp_path, capsys, arguments, message):
    places = {"own": folder / "own.csv", "val": folder / "val.jsonl", "out": tmp_path / "out.csv"}
    command, *rest = (each.format(**places) for each in arguments)
    assert main([command, str(run), *rest]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_a_ticket_is_trained_under_a_head_over_mentions(folder, experiment):
    code, found = experiment(f"--config={folder}/wsc.yaml", config="configs/ticket.yaml")
    assert code == 0
    assert "wsc/id/accuracy" in json.loads((found / "metrics.json").read_text())
