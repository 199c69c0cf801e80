"""Rows from memory, and a task of them."""

from lit_prune.data import GeneratedNli, Task
from lit_prune.data.sources import Row, Source

LABELS = ["contradiction", "entailment", "neutral"]
MERGE = {"contradiction": "non_entailment", "neutral": "non_entailment"}


class Rows(Source):
    """Rows from memory; one of every label unless told otherwise."""

    def __init__(self, labels=(*LABELS, *LABELS), splits=("train", "id"), text="a b c d"):
        self.labels = labels
        self.splits = splits
        self.text = text

    def available(self, root):
        return list(self.splits)

    def fingerprint(self, split, root):
        return {"labels": self.labels, "text": self.text}

    def rows(self, split, root):
        for number, label in enumerate(self.labels):
            yield Row(id=f"{split}-{number}", text_a=self.text, text_b="a x", label=label, group="")


def nli(source=None, **options):
    source = source or GeneratedNli(bias_rate=0.9, num_train=60, num_eval=20)
    return Task("nli", LABELS, source, **{"positive": "entailment", "merge": MERGE, **options})
