"""A pruned embedding model: its run, resumed, tested, predicted with, and loaded elsewhere with equal vectors."""

import json

import numpy as np
import pandas
import pytest
from run_helpers import assert_same, cut_off_by, without_callbacks
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer

import lit_prune
from lit_prune.cli import main
from lit_prune.data import EmbeddingTask, GeneratedRestatements, GeneratedSimilarity
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.model import TaskModel

CONFIG = "configs/embeddings.yaml"


def pairs(source, loss):
    """The argument of fit that sets a task of embeddings with few rows."""
    rows = {"class_path": f"lit_prune.data.{source}", "init_args": {"num_train": 200, "num_eval": 60}}
    settings = {"name": "similarity", "max_score": 5, "loss": f"lit_prune.losses.{loss}", "source": rows}
    return f"--data.tasks={json.dumps([{'class_path': 'lit_prune.data.EmbeddingTask', 'init_args': settings}])}"


DISTILLED = pairs("GeneratedSimilarity", "EmbeddingDistillation")
TEXTS = ["The doctor thanked the nurse.", "A boat", "On Monday the tall farmer met the clerk in the old garden."]


@pytest.fixture(scope="module")
def run(finished):
    return finished(DISTILLED, config=CONFIG, name="embeddings")


def recorded(run):
    return json.loads((run / "metrics.json").read_text())


def test_the_original_is_measured_and_is_the_teacher(run):
    values = recorded(run)
    assert {"similarity/id/spearman", "dense/similarity/id/spearman", "dense/similarity/ood/spearman"} <= values.keys()
    assert values["sparsity"] == pytest.approx(0.5, abs=0.01)


def on_file(tmp_path):
    rows = pandas.DataFrame(GeneratedRestatements(num_train=120).rows("train", None))
    rows.rename(columns={"text_a": "question", "text_b": "answer"}).to_csv(tmp_path / "train.csv", index=False)
    return "--config", "configs/data/own_pairs.yaml", "--data.root", str(tmp_path)


@pytest.mark.parametrize("is_file", [False, True], ids=["generated", "file"])
def test_a_run_cut_off_and_resumed_is_the_same(experiment, tmp_path, is_file):
    rows = on_file(tmp_path) if is_file else (DISTILLED,)
    _, reference = experiment(*rows, config=CONFIG, name="reference")
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*rows, cut_off_by("run_helpers.CutOff", 13), config=CONFIG, name="cut")
    run = reference.parents[1] / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, reference)


def test_its_rows_from_a_file_give_its_metrics(run, tmp_path):
    rows = pandas.DataFrame(GeneratedSimilarity(num_train=200, num_eval=60).rows("id", None))
    rows.to_csv(tmp_path / "id.csv", index=False)
    assert main(["test", str(run), "--files", f"id={tmp_path / 'id.csv'}", "--out", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert found == pytest.approx({name: recorded(run)[name] for name in found}, abs=1e-5)
    assert "similarity/id/worst_group_spearman" in found


def test_pairs_without_scores_measure_retrieval(run, tmp_path):
    rows = pandas.DataFrame(GeneratedRestatements(num_eval=30).rows("id", None))
    rows[["id", "text_a", "text_b"]].to_csv(tmp_path / "pairs.csv", index=False)
    assert main(["test", str(run), "--files", f"id={tmp_path / 'pairs.csv'}", "--out", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert 0 < found["similarity/id/recall_at_1"] <= found["similarity/id/recall_at_10"] <= 1


def test_other_places_compute_the_same_vectors(run, export, tmp_path):
    elsewhere = SentenceTransformer(str(export(run, "dense")), device="cpu").encode(TEXTS)
    for form in ("dense", "packed"):
        folder = tmp_path / form if form == "dense" else export(run, form)
        model = lit_prune.load(folder)
        inputs = model.encoder.tokenizer(TEXTS, padding=True, return_tensors="pt")
        np.testing.assert_allclose(model(**inputs).logits.numpy(), elsewhere, atol=1e-5)


@pytest.mark.parametrize(("pooling", "mode"), [("mean", "mean"), ("first", "cls"), ("last", "lasttoken")])
@pytest.mark.parametrize("normalise", [True, False])
def test_a_folder_of_sentence_transformers_has_the_same_vectors_here(tiny_backbone, tmp_path, pooling, mode, normalise):
    kinds = [Transformer(str(tiny_backbone)), Pooling(16, pooling_mode=mode), *([Normalize()] if normalise else [])]
    SentenceTransformer(modules=kinds, device="cpu").save(str(tmp_path / "source"))
    expected = SentenceTransformer(str(tmp_path / "source"), device="cpu").encode(TEXTS)
    encoder = PrunableEncoder(str(tmp_path / "source"))
    task = EmbeddingTask("own", GeneratedSimilarity(), pooling=pooling, normalise=normalise)
    model = TaskModel(encoder, [task]).eval()
    inputs = encoder.tokenizer(TEXTS, padding=True, return_tensors="pt")
    np.testing.assert_allclose(model(**inputs).logits.detach().numpy(), expected, atol=1e-5)
    with pytest.raises(UserError, match="as the backbone was trained with it"):
        EmbeddingTask("own", GeneratedSimilarity(), pooling=pooling, normalise=not normalise).make_head(encoder)


def test_texts_are_predicted_as_vectors_and_pairs_as_cosines(run, export, tmp_path):
    expected = SentenceTransformer(str(export(run, "dense")), device="cpu").encode(TEXTS)
    pandas.DataFrame({"text_a": TEXTS}).to_csv(tmp_path / "texts.csv", index=False)
    pandas.DataFrame({"text_a": TEXTS, "text_b": TEXTS[::-1]}).to_csv(tmp_path / "pairs.csv", index=False)
    predicted = []
    for name in ("texts", "pairs"):
        out = tmp_path / f"{name}.parquet"
        assert main(["predict", str(run), "--file", str(tmp_path / f"{name}.csv"), "--out", str(out)]) == 0
        predicted.append(np.array(pandas.read_parquet(out)["prediction"].tolist()))
    np.testing.assert_allclose(predicted[0], expected, atol=1e-5)
    np.testing.assert_allclose(predicted[1], (expected * expected[::-1]).sum(1), atol=1e-5)
    out = tmp_path / "texts_again.csv"
    assert main(["predict", str(run), "--file", str(tmp_path / "texts.csv"), "--out", str(out)]) == 0
    again = [json.loads(cell) for cell in pandas.read_csv(out)["prediction"]]
    np.testing.assert_allclose(again, predicted[0], atol=1e-6)


@pytest.mark.parametrize("loss", ["CosineSquaredError", "InBatchContrastive"])
def test_other_losses_train_on_their_pairs(experiment, loss):
    source = "GeneratedRestatements" if loss == "InBatchContrastive" else "GeneratedSimilarity"
    code, run = experiment(pairs(source, loss), config="configs/dense.yaml")
    assert code == 0
    selected = "recall_at_10" if loss == "InBatchContrastive" else "spearman"
    assert f"similarity/id/{selected}" in recorded(run)


def test_a_teacher_is_needed_only_where_the_model_is_none(experiment, capsys):
    code, _ = experiment(DISTILLED, "--encoder.pretrained=false", config=CONFIG)
    assert code == 2
    assert "must have a trained dense model, the teacher of EmbeddingDistillation" in capsys.readouterr().err
