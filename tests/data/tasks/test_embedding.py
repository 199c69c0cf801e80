"""Tasks of embeddings: pairs with scores or without, pooled as sentence-transformers does, measured by cosines."""

import math
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset

from lit_prune.data import EmbeddingTask, GeneratedRestatements, GeneratedSimilarity, MultitaskDataModule
from lit_prune.data.preparation import Preparation, read_split
from lit_prune.data.sources import Row, Source
from lit_prune.data.tasks.embedding import EmbeddingSet
from lit_prune.errors import UserError
from lit_prune.losses import CosineSquaredError


class Pairs(Source):
    """Pairs of texts with these labels in every split."""

    def __init__(self, *labels, second="a nurse"):
        self.labels = labels
        self.second = second

    def available(self, root):
        return ["train", "id"]

    def fingerprint(self, split, root):
        return {"labels": self.labels, "second": self.second}

    def rows(self, split, root):
        for number, label in enumerate(self.labels):
            yield Row(id=f"{split}-{number}", text_a="the doctor", text_b=self.second, label=label, group="")


@pytest.fixture
def how(tokenizer):
    return Preparation(tokenizer, None, 64, 0.1, seed=3)


def test_a_batch_has_the_texts_of_a_pair_one_after_the_other(tokenizer):
    task = EmbeddingTask("sts", GeneratedSimilarity(num_train=40, num_eval=20), max_score=5, loss=CosineSquaredError())
    data = MultitaskDataModule([task], tokenizer, torch.zeros(0, 0), batch_size=4, max_length=32)
    data.setup("fit")
    batch, train = next(iter(data.train_dataloader())), data.train["sts"]
    rows = [train[row] for row in batch.index.tolist()]
    texts = [text for row in rows for text in (row["text_a"], row["text_b"])]
    assert torch.equal(batch.inputs["attention_mask"], batch.head_inputs["attention_mask"])
    ids, masks = batch.inputs["input_ids"], batch.inputs["attention_mask"]
    tokens = [row[mask.bool()].tolist() for row, mask in zip(ids, masks, strict=True)]
    assert tokens == tokenizer(texts, truncation=True, max_length=32)["input_ids"]
    scores = {row["id"]: float(row["label"]) for row in task.source.rows("train", None)}
    assert batch.labels.tolist() == pytest.approx([scores[row["id"]] / 5 for row in rows])


@pytest.mark.parametrize("label", ["-1", "5.5", "high", "inf", "nan"])
def test_a_score_out_of_range_is_an_error(how, label):
    task = EmbeddingTask("sts", Pairs("1", label), max_score=5, loss=CosineSquaredError())
    for split in ("train", "id"):
        with pytest.raises(UserError, match=rf"label of row '{split}-1' in .* must be a score .* got '{label}'"):
            read_split(task, split, how)


def test_what_a_loss_lacks_is_an_error(how):
    with pytest.raises(UserError, match="must be a score, got none: set the loss InBatchContrastive"):
        read_split(EmbeddingTask("sts", Pairs("1", ""), loss=CosineSquaredError()), "train", how)
    assert math.isnan(read_split(EmbeddingTask("sts", Pairs("")), "train", how)["label"][0])
    with pytest.raises(UserError, match="must be left out with the loss InBatchContrastive"):
        read_split(EmbeddingTask("sts", Pairs("1")), "train", how)
    with pytest.raises(UserError, match="text_b of row 'train-0' in split 'train' must be the second text"):
        read_split(EmbeddingTask("sts", Pairs("1", second="")), "train", how)
    with pytest.raises(UserError, match="max_score of task 'sts' must be finite and above 0, got 0"):
        EmbeddingTask("sts", Pairs("1"), max_score=0)


def test_the_selection_follows_the_loss():
    assert EmbeddingTask("sts", Pairs("1")).selection == "ndcg_at_10"
    assert EmbeddingTask("sts", Pairs("1"), loss=CosineSquaredError()).selection == "spearman"
    with pytest.raises(UserError, match="unknown selection 'accuracy' of task 'sts': choose from spearman, pearson"):
        EmbeddingTask("sts", Pairs("1"), selection="accuracy")


def test_a_single_text_is_predicted_as_its_embedding():
    rows = Dataset.from_dict({"id": ["a", "b"], "text_b": ["", ""], "label": [math.nan] * 2, "group": ["", ""]})
    each = EmbeddingSet("sts", "predict", rows)
    assert each.logits_shape[:-1] == (2,)
    assert each.predictions(torch.eye(2), ())["prediction"] == torch.eye(2).tolist()


def test_pairs_that_share_a_query_have_all_its_texts_relevant():
    rows = {"id": ["1", "2", "3"], "text_a": ["q", "q", "r"], "text_b": ["x", "y", "x"], "group": ["", "", ""]}
    each = EmbeddingSet("faq", "id", Dataset.from_dict({**rows, "label": [math.nan] * 3}))
    q, r, x, y = (torch.tensor(vector, dtype=torch.float32) for vector in ([1, 0], [0, 1], [1, 0.1], [0.1, 1]))
    values = each.metrics(torch.stack([torch.stack(pair) for pair in ((q, x), (q, y), (r, x))]))
    assert values["recall_at_1"] == pytest.approx((1 / 2 + 0) / 2)  # q finds x, one of its two; r finds y
    assert values["recall_at_10"] == 1
    assert values["ndcg_at_10"] == pytest.approx((1 + 1 / math.log2(3)) / 2)


def test_the_backbones_own_pooling_is_checked():
    def check_embedding(where, pooling, normalise):
        raise UserError(f"{where} {pooling} {normalise}")

    with pytest.raises(UserError, match="task 'sts' first True"):
        EmbeddingTask("sts", Pairs("1"), pooling="first").make_head(SimpleNamespace(check_embedding=check_embedding))


def test_generated_restatements_have_no_scores(how):
    rows = read_split(EmbeddingTask("restated", GeneratedRestatements(num_train=50)), "train", how)
    assert all(map(math.isnan, rows["label"]))
    assert all(a != b for a, b in zip(rows["text_a"], rows["text_b"], strict=True))
