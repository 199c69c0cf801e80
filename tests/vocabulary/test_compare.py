"""The figures of a comparison, computed by plain transformers."""

import pytest
import torch
from torch.nn.functional import cosine_similarity
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from lit_prune.errors import UserError
from lit_prune.vocabulary.texts import TextSet
from lit_prune.vocabulary.write import prune_vocabulary

pytestmark = pytest.mark.filterwarnings("ignore:.*does not contain .*pooler")


def outputs(folder, first, second):
    """Means of the last hidden states over the tokens, and classes."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    inputs = AutoTokenizer.from_pretrained(folder)(first, second, padding=True, return_tensors="pt")
    with torch.inference_mode():
        output = model(**inputs, output_hidden_states=True)
    mask = inputs["attention_mask"].unsqueeze(-1)
    return (output.hidden_states[-1] * mask).sum(1) / mask.sum(1), output.logits.argmax(1)


def test_figures_are_those_of_transformers(with_vocabulary, nli_rows, tmp_path):
    source, out = with_vocabulary("word_piece"), tmp_path / "out"
    texts = [row["text_a"] for row in nli_rows[:3]]
    first, second = ([row[field] for row in nli_rows] for field in ("text_a", "text_b"))
    labels = [str(number % 3) for number in range(len(first))]
    table = prune_vocabulary(
        str(source), str(out), texts, None, {"pairs": TextSet(first, second, labels), "single": TextSet(first)}
    )
    figures = {row[0]: row[1:] for row in table.rows}
    (vectors, classes), (new_vectors, new_classes) = (outputs(folder, first, second) for folder in (source, out))
    right = torch.tensor(list(map(int, labels)))
    assert figures["cosine to the original"][0] == f"{float(cosine_similarity(vectors, new_vectors).mean()):.4f}"
    assert figures["same predictions"][0] == f"{float((classes == new_classes).float().mean()):.1%}"
    assert figures["accuracy, original"] == [f"{float((classes == right).float().mean()):.4f}", "-"]
    assert figures["accuracy, smaller vocabulary"] == [f"{float((new_classes == right).float().mean()):.4f}", "-"]
    assert figures["texts"] == [str(2 * len(first)), str(len(first))]


def test_labels_may_be_the_names_of_classes_and_others_are_errors(with_vocabulary, tmp_path):
    source = str(with_vocabulary("word_piece"))
    texts = ["a text", "the other"]
    names = prune_vocabulary(
        source, str(tmp_path / "1"), texts, None, {"x": TextSet(texts, (), ["LABEL_0", "LABEL_2"])}
    )
    numbers = prune_vocabulary(source, str(tmp_path / "2"), texts, None, {"x": TextSet(texts, (), ["0", "2"])})
    assert names.rows == numbers.rows
    with pytest.raises(UserError, match=r"unknown labels \['odd'\] in set 'x': choose from LABEL_0, LABEL_1, LABEL_2"):
        prune_vocabulary(source, str(tmp_path / "3"), texts, None, {"x": TextSet(texts, (), ["0", "odd"])})
    assert not (tmp_path / "3").exists()
