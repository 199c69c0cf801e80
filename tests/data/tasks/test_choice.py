"""Rows whose choices are scored one by one."""

import json
from types import SimpleNamespace

import pyarrow.parquet as parquet
import pytest
import torch
import yaml

import lit_prune
from lit_prune.cli import main
from lit_prune.data import ChoiceTask
from lit_prune.data.batch import Collate
from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.data.sources import Row, Source
from lit_prune.data.table import count_tokens
from lit_prune.data.tasks.choice import tokenise_choices
from lit_prune.errors import UserError
from lit_prune.export.trained import read_run


class Rows(Source):
    """Choices of different lengths; the right one has the word of the text."""

    def available(self, root):
        return ["train", "id"]

    def fingerprint(self, split, root):
        return {"of": "choices"}

    def rows(self, split, root):
        for number in range(12):
            choices = ["a b c d e", "f"] if number % 2 else ["f", "a b c d e"]
            label = "2" if number % 2 else "1"
            yield Row(id=f"{split}-{number}", text_a="f g h", text_b="\n".join(choices), label=label, group="")


@pytest.fixture
def prepared(tokenizer):
    how = Preparation(tokenizer, None, 32, 0.25, seed=0)
    return prepare_task(ChoiceTask("copa", Rows()), how, torch.zeros(len(tokenizer), 4))


def test_each_choice_is_tokenised_with_its_text(tokenizer, prepared):
    train, sets = prepared
    assert [(each.split, len(each.rows)) for each in sets] == [("validation", 3), ("id", 12)]
    row = sets[1].rows[1]
    assert row["label"] == 1
    for tokens, choice in zip(row["input_ids"], ("a b c d e", "f"), strict=True):
        assert tokens == tokenizer("f g h", choice)["input_ids"]
    lengths = [sum(map(len, each)) for each in train["input_ids"]]
    assert count_tokens(train).tolist() == lengths


def test_a_batch_has_the_choices_of_a_row_one_after_another(tokenizer, prepared):
    rows = prepared[1][1].rows[:3]
    batch = Collate(tokenizer, {"copa": ChoiceTask("copa", Rows())})(
        {"task": "copa", "index": [0, 1, 2], "weight": 1.0, **rows}
    )
    assert batch.inputs["input_ids"].shape == (6, 16)
    assert batch.labels.tolist() == rows["label"]
    first = batch.inputs["input_ids"][2][batch.inputs["attention_mask"][2].bool()].tolist()
    assert first == rows["input_ids"][1][0]


def test_the_logits_of_a_row_are_its_choices_scores():
    head = ChoiceTask("copa", Rows(), num_choices=3).make_head(
        SimpleNamespace(hidden_size=8, hidden_dropout=0.0, has_pooler=True, head_transform=None)
    )
    pooled = torch.randn(6, 8)
    assert torch.equal(head(torch.zeros(6, 2, 8), pooled), head.classifier(pooled).view(2, 3))


@pytest.mark.parametrize("text", ["one", "one\ntwo\nthree", "one\n "])
def test_another_number_of_choices_is_named_with_its_row(tokenizer, text):
    rows = {"id": ["r7"], "text_a": ["a"], "text_b": [text]}
    with pytest.raises(UserError, match=r"text_b of row 'r7' must have 2 choices, one a line, got \d "):
        tokenise_choices(rows, tokenizer, 16, 2)


def test_choices_are_trained_on_exported_and_tried_on_other_rows(experiment, tmp_path):
    records = [
        {
            "premise": "a b",
            "question": "cause",
            "choice1": f"c {number}",
            "choice2": "d e f",
            "label": number % 2,
            "idx": number,
        }
        for number in range(20)
    ]
    for name in ("train", "val"):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    source = {
        "class_path": "lit_prune.data.CopaFiles",
        "init_args": {"splits": {"train": ["train.jsonl"], "id": ["val.jsonl"]}},
    }
    tasks = [{"class_path": "lit_prune.data.ChoiceTask", "init_args": {"name": "copa", "source": source}}]
    (tmp_path / "copa.yaml").write_text(yaml.safe_dump({"data": {"tasks": tasks}}))
    brief = ("--model.init_args.dense.steps=4", "--trainer.val_check_interval=2", f"--data.root={tmp_path}")
    code, run = experiment(f"--config={tmp_path}/copa.yaml", *brief, config="configs/dense.yaml")
    assert code == 0
    metrics = json.loads((run / "metrics.json").read_text())
    rows = [row for row in parquet.read_table(run / "predictions.parquet").to_pylist() if row["split"] == "id"]
    assert metrics["copa/id/accuracy"] == sum(row["prediction"] == row["label"] for row in rows) / 20
    assert main(["export", str(run), "--format", "dense", "--out", str(tmp_path / "dense")]) == 0
    model = lit_prune.load(tmp_path / "dense")
    inputs = model.encoder.tokenizer(
        ["a b What was the cause?"] * 2, ["c 0", "d e f"], padding=True, return_tensors="pt"
    )
    torch.testing.assert_close(model(**inputs).logits, torch.tensor([rows[0]["logits"]]), atol=1e-4, rtol=1e-4)
    assert type(read_run(run, None).model.tasks["copa"]) is ChoiceTask
    own = ("--split", "id", "--root", str(tmp_path))
    assert main(["predict", str(run), *own, "--out", str(tmp_path / "out.csv")]) == 0
    (tmp_path / "own.csv").write_text('id,text_a,text_b,label\n1,a b,"c\nd",2\n')
    assert main(["test", str(run), "--files", f"id={tmp_path}/own.csv"]) == 0
