"""A kind of task of one's own: ratings on a scale of named steps, read by a head that knows the length of a text."""

from functools import partial

from torch import nn

from lit_prune.data.sources.source import Source
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.task import Task
from lit_prune.data.tasks.texts import tokenise_pairs
from lit_prune.heads import Head
from lit_prune.losses import MeanSquaredError


class RatingSet(EvaluationSet):
    """Rows with numbers as labels, and logits (rows, 1)."""

    whole_metrics = ("agreement",)
    undefined = ()

    @property
    def logits_shape(self):
        return len(self.rows), 1

    def metrics(self, logits):
        error = logits.squeeze(-1).double() - self.row_labels.double()
        agreement = (error.abs() < 0.5).double().mean()
        return {
            "agreement": float(agreement),
            "absolute_error": float(error.abs().mean()),
            "loss": float((error**2).mean()),
        }

    def predictions(self, logits, names):
        return {"id": list(self.rows["id"]), "prediction": logits.squeeze(-1).tolist()}

    def columns(self, logits):
        labels = self.row_labels
        return {
            "id": list(self.rows["id"]),
            "label": [str(each) for each in labels.tolist()],
            "prediction": [str(each) for each in logits.squeeze(-1).tolist()],
            "logits": logits.tolist(),
            "loss": ((logits.squeeze(-1) - labels) ** 2).tolist(),
        }


class RatingHead(Head):
    """One number from the pooled token and the length of a text."""

    def __init__(self, hidden_size):
        super().__init__()
        self.score = nn.Linear(hidden_size, 1)
        self.of_length = nn.Linear(1, 1)
        self.reset()

    def forward(self, hidden, pooled, length):
        return self.score(pooled) + self.of_length(length[:, None])


class Rating(Task):
    """Ratings.

    Args:
        name: Names the head and the metrics.
        steps: The scale, from the lowest to the highest step.
        source: The rows; their labels are steps.
        max_length: Maximum number of tokens of a row.
    """

    features = {**dict.fromkeys(("id", "text_a", "text_b", "group"), "string"), "label": "float64"}
    settings = ("steps", "max_length")
    head_inputs = ("length",)
    set_class = RatingSet
    card_metrics = ("agreement",)
    architecture = None
    example_inputs = 'inputs["length"] = inputs["attention_mask"].sum(1) / 64\n'
    output = "a number on a scale"
    metric_names = ("agreement",)
    transformers_settings = {}

    def __init__(self, name: str, steps: list[str], source: Source, max_length: int | None = None) -> None:
        self.name = name
        self.steps = steps
        self.source = source
        self.max_length = max_length
        self.batch_size = None
        self.loss = MeanSquaredError()
        self.selection = "agreement"

    def converter(self, split, labelled):
        return partial(with_step, steps=tuple(self.steps) if labelled else None)

    def tokeniser(self, max_length):
        return partial(tokenise, max_length=self.max_length or max_length)

    def make_head(self, encoder):
        return RatingHead(encoder.hidden_size)


def with_step(row, steps):
    return {**row, "label": float("nan") if steps is None else float(steps.index(row["label"]))}


def tokenise(rows, tokenizer, max_length):
    tokens = tokenise_pairs(rows, tokenizer, max_length)
    return {**tokens, "length": [len(each) / 64 for each in tokens["input_ids"]]}
