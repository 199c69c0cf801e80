"""`lit_prune vocabulary`: from files to a folder, of runs and of models of others."""

import json

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from lit_prune import load
from lit_prune.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:.*does not contain .*pooler")


def test_a_model_of_transformers(with_vocabulary, nli_files, nli_rows, tmp_path, capsys):
    source, out = with_vocabulary("word_piece"), tmp_path / "out"
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    sets = [f"{name}={path}" for name, path in nli_files.items()]
    assert main(["vocabulary", str(source), "--keep", str(nli_files["kept"]), "--files", *sets, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == str(out)
    for row in (
        "tokens per text, original",
        "unknown tokens, smaller",
        "accuracy, smaller vocabulary",
        "tokens are kept",
    ):
        assert row in printed
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before
    assert {path.name for path in out.iterdir()} == before.keys() | {"README.md"}
    texts = [row["text_a"] for row in nli_rows[:20]]
    with torch.inference_mode():
        logits = [
            AutoModelForSequenceClassification.from_pretrained(folder)
            .eval()(**AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt"))
            .logits
            for folder in (source, out)
        ]
    torch.testing.assert_close(*logits)


def test_a_model_of_sentence_transformers_keeps_its_modules(with_vocabulary, nli_files, nli_rows, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    encoder = Transformer(str(with_vocabulary("byte_level")))
    dense = Dense(16, 8)
    SentenceTransformer(modules=[encoder, Pooling(16), dense]).save(str(source))
    (source / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    assert main(["vocabulary", str(source), "--keep", str(nli_files["kept"]), "--out", str(out)]) == 0
    texts = [row["text_a"] for row in nli_rows[:20]]
    vectors = [SentenceTransformer(str(folder), device="cpu").encode(texts) for folder in (source, out)]
    torch.testing.assert_close(*map(torch.tensor, vectors))
    card = (out / "README.md").read_text()
    assert card.startswith("---\nlicense: mit\n---\n# Mine\n")
    assert "## Vocabulary" in card


def test_a_run_becomes_an_export_that_both_load(finished_run, tmp_path):
    texts = ["a b", "c d e f"]
    (tmp_path / "texts.jsonl").write_text("".join(f"{json.dumps({'text': text})}\n" for text in texts))
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert main(["export", str(finished_run), "--format", "dense", "--out", str(whole)]) == 0
    assert main(["vocabulary", str(finished_run), "--keep", str(tmp_path / "texts.jsonl"), "--out", str(out)]) == 0
    assert main(["vocabulary", str(whole), "--keep", str(tmp_path / "texts.jsonl"), "--out", str(tmp_path / "2")]) == 0
    exported = [load(folder) for folder in (whole, out, tmp_path / "2")]
    assert [AutoConfig.from_pretrained(folder).vocab_size for folder in (out, tmp_path / "2")] == [
        len(exported[1].encoder.word_embeddings)
    ] * 2
    assert len(exported[1].encoder.word_embeddings) < len(exported[0].encoder.word_embeddings)
    logits = [each(**each.encoder.tokenizer(texts, padding=True, return_tensors="pt")).logits for each in exported]
    torch.testing.assert_close(logits[1], logits[0])
    torch.testing.assert_close(logits[2], logits[0])
    size = sum(path.stat().st_size for path in out.iterdir() if path.name != "README.md") / 1e6
    assert f"- Size: {size:.2f} MB on disk, dense" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--keep", "nothing.csv"], "nothing.csv must be a file, got none"),
        (["--keep", "100", "200"], "--keep must have one number at most, got 100, 200"),
        (["--keep", "3"], "to 400 tokens, got 3: special tokens and single characters"),
        (["--keep", "1000000"], "got 1000000: special tokens and single characters are always kept"),
        (["--files", "nothing.csv"], "--files must be NAME=PATH with different names, got 'nothing.csv'"),
        (["--out", "."], "--out must be a new or empty folder, got ., which exists"),
        (["--columns", "{text_a: odd}"], "unknown column 'odd'"),
    ],
)
def test_what_is_wrong_is_an_error(with_vocabulary, nli_files, tmp_path, capsys, change, message):
    arguments = ["vocabulary", str(with_vocabulary("word_piece")), "--keep", str(nli_files["kept"])]
    assert main([*arguments, "--out", str(tmp_path / "out"), *change]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_model_is_an_error(nli_files, tmp_path, capsys):
    assert main(["vocabulary", str(tmp_path), "--keep", str(nli_files["kept"]), "--out", str(tmp_path / "out")]) == 2
    assert "MODEL must be the folder of a run or of a model with config.json, got" in capsys.readouterr().err
