"""A model with a smaller vocabulary beside the original, on texts: length, unknown tokens, embeddings, predictions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity
from transformers import AutoConfig, AutoModelForSequenceClassification

from lit_prune.display.table import NONE, Table
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.saved_head import SavedHead
from lit_prune.encoders.untrusted import load_weights
from lit_prune.errors import UserError
from lit_prune.heads import POOLINGS, pool
from lit_prune.vocabulary.texts import TextSet
from lit_prune.vocabulary.tokenizer import Numbering, TokenizerFiles

LENGTH = 256  # tokens of a text that are read
_BATCH = 32


def compare(
    source: Path, files: TokenizerFiles, folder: Path, numbering: Numbering, sets: Mapping[str, TextSet]
) -> Table:
    """Measure the model of a smaller vocabulary beside the original.

    Args:
        source: The folder of the original.
        files: The files of its tokenizer.
        folder: The folder with the smaller vocabulary.
        numbering: The tokens of the smaller vocabulary.
        sets: Name -> texts.

    Returns:
        A row per figure, a column per set.

    Raises:
        UserError: A label is no class of the model.
    """
    smaller = TokenizerFiles(folder)
    columns = [
        _lengths(files, smaller, numbering, texts.texts) | _outputs(source, folder, texts, name)
        for name, texts in sets.items()
    ]
    titles = list(dict.fromkeys(title for column in columns for title in column))
    rows = [[title, *(column.get(title, NONE) for column in columns)] for title in titles]
    before, after = (
        sum(path.stat().st_size for path in [*place.glob("*.safetensors"), tokenizer.path]) / 1e6
        for place, tokenizer in ((source, files), (folder, smaller))
    )
    notes = [
        f"{len(numbering.old_ids):,} of {len(files.kind.ids) + len(files.beside):,} tokens are kept.",
        f"Weights and tokenizer take {after:.2f} MB, those of the original {before:.2f} MB.",
    ]
    return Table("Vocabulary", ["", *sets], rows, 1, notes)


def _lengths(
    files: TokenizerFiles, smaller: TokenizerFiles, numbering: Numbering, texts: Sequence[str]
) -> dict[str, str]:
    """Return how texts are tokenised, without special tokens around them."""
    before, after = (each.encode(texts) for each in (files, smaller))
    titles = ("original", "smaller vocabulary")
    figures = {"texts": f"{len(texts):,}"}
    for title, encoded in zip(titles, (before, after), strict=True):
        figures[f"tokens per text, {title}"] = f"{sum(map(len, encoded)) / len(texts):.2f}"
    for title, encoded, tokenizer in zip(titles, (before, after), (files, smaller), strict=True):
        num_unknown = sum(number == tokenizer.kind.unknown for ids in encoded for number in ids)
        figures[f"unknown tokens, {title}"] = f"{num_unknown / max(sum(map(len, encoded)), 1):.3%}"
    pairs = zip(before, after, strict=True)
    same = sum([numbering.new_ids.get(number) for number in old] == new for old, new in pairs)
    return figures | {"texts with the same tokens": f"{same / len(texts):.1%}"}


def _outputs(source: Path, folder: Path, texts: TextSet, name: str) -> dict[str, str]:
    """Return how close embeddings and predictions are, and the accuracy if there are classes and labels."""
    vectors, logits = zip(*(_run(place, texts) for place in (source, folder)), strict=True)
    figures = {"cosine to the original": f"{float(cosine_similarity(*vectors).mean()):.4f}"}
    if logits[0] is None or logits[1] is None or logits[0].shape[1] < 2:
        return figures
    settings = AutoConfig.from_pretrained(source, trust_remote_code=False)
    if settings.problem_type == "multi_label_classification":
        return figures | {
            "same predictions": f"{float(((logits[0] > 0) == (logits[1] > 0)).all(1).float().mean()):.1%}"
        }
    classes = [each.argmax(1) for each in logits]
    figures["same predictions"] = f"{float((classes[0] == classes[1]).float().mean()):.1%}"
    if texts.labels:
        right = _numbers(texts.labels, [str(settings.id2label[number]) for number in sorted(settings.id2label)], name)
        for title, each in zip(("accuracy, original", "accuracy, smaller vocabulary"), classes, strict=True):
            figures[title] = f"{float((each == right).float().mean()):.4f}"
    return figures


def _numbers(labels: Sequence[str], names: Sequence[str], where: str) -> Tensor:
    """Return the number of each label, which is the name of a class or its number."""
    known = {str(number): number for number in range(len(names))} | {each: number for number, each in enumerate(names)}
    if unknown := sorted(set(labels) - known.keys()):
        raise UserError(f"unknown labels {unknown[:5]} in set {where!r}: choose from {', '.join(names)}")
    return torch.tensor([known[label] for label in labels])


@torch.inference_mode()
def _run(folder: Path, texts: TextSet) -> tuple[Tensor, Tensor | None]:
    """Return the embeddings of texts (texts, width), and the logits of the model's classifier if it has one."""
    encoder = PrunableEncoder(str(folder)).eval()
    modules = encoder.sentence_modules
    pooling = modules.pooling if modules is not None and modules.pooling in POOLINGS else "mean"
    classifier = _classifier(folder, encoder.saved_head)
    vectors, logits = [], []
    for start in range(0, len(texts.first), _BATCH):
        pairs = (part[start : start + _BATCH] for part in (texts.first, texts.second) if part)
        length = min(LENGTH, encoder.num_positions or LENGTH)
        inputs = encoder.tokenizer(
            *map(list, pairs), padding=True, truncation=True, max_length=length, return_tensors="pt"
        )
        vectors.append(pool(encoder(inputs)[0], inputs["attention_mask"], pooling))
        if classifier is not None:
            logits.append(classifier(**inputs).logits)
    return torch.cat(vectors), torch.cat(logits) if logits else None


def _classifier(folder: Path, head: SavedHead | None) -> torch.nn.Module | None:
    if head is None or head.model.auto != AutoModelForSequenceClassification.__name__:
        return None
    settings = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    model, _ = load_weights(AutoModelForSequenceClassification, str(folder), settings, "main")
    classifier: torch.nn.Module = model.eval()
    return classifier
