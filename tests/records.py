"""Studies made of records alone: what runs leave behind, without the runs."""

import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import yaml
from scipy.special import softmax
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from lit_prune.commands.report import report
from lit_prune.report.defaults import complete_settings
from lit_prune.report.results import read_results
from lit_prune.report.settings import read_settings


@dataclass
class Study:
    """A study's folder to which runs are added."""

    folder: object
    runs: list = field(default_factory=list)

    def add(self, name, metrics=None, status=None, error=None, listed=True, commit="c" * 40, version="0.1.0", **axes):
        """A run with these axes; one without metrics is planned unless its status says otherwise."""
        place = self.folder / name / "version_0"
        status = status or ("completed" if metrics else "planned")
        if status != "planned":
            place.mkdir(parents=True)
            hardware = {"device": "cpu", "num_devices": 1, "num_threads": 1, "precision": "32-true"}
            record = {
                "id": f"id of {name}",
                "experiment": name,
                "axes": {"seed": axes["seed"]} if listed else axes,
                "config_hash": f"hash of {name}",
                "versions": {"lit_prune": version},
                "commit": commit,
                "hardware": hardware,
                "seconds": 10.0,
                "status": status,
            }
            (place / "run.json").write_text(json.dumps(record))
        if metrics:
            (place / "metrics.json").write_text(json.dumps(metrics))
        if listed:
            run = {"name": name, "axes": axes, "folder": f"{name}/version_0", "status": status, "error": error}
            self.runs.append(run | {"seconds": 10.0})
            (self.folder / "runs.json").write_text(json.dumps(self.runs))
        return place

    def define(self, title="A study", **report):
        (self.folder / "study.yaml").write_text(yaml.safe_dump({"title": title, "report": report, "axes": {"any": 1}}))

    def read(self):
        """Its results and its complete settings."""
        results = read_results(self.folder)
        return results, complete_settings(read_settings(self.folder)[1], results)

    def report(self):
        report(str(self.folder))
        return (self.folder / "report.md").read_text()


def numbers(id_accuracy, ood_accuracy, **further):
    """A run's metrics.json."""
    metrics = {"nli/id/accuracy": id_accuracy, "nli/ood/accuracy": ood_accuracy}
    metrics |= {f"nli/ood/{name}": value for name, value in further.items()}
    return metrics | {"sparsity": 0.5, "density": 0.5, "seed": 1, "steps": 140, "wall_seconds": 3.0, "denominator": "x"}


def write_predictions(path, seed, shift=0.0, num=80):
    """Predictions of three classes on an OOD set of two, and its metrics by scikit-learn."""
    generator = np.random.default_rng(seed)
    labels = np.array(["entailment", "non_entailment"])[np.arange(num) % 2]
    logits = np.round(generator.normal(size=(num, 3)) + (labels == "entailment")[:, None] * [0, 1.5, 0], 1)
    logits[:, 1] += shift
    predictions = np.where(logits.argmax(1) == 1, "entailment", "non_entailment")
    shares = softmax(logits, axis=1)
    right = np.where(labels == "entailment", shares[:, 1], 1 - shares[:, 1])
    order = generator.permutation(num)  # rows may lie in any order
    columns = {"label": labels, "prediction": predictions, "logits": list(logits), "loss": -np.log(right)}
    ids = [f"row-{number:03}" for number in range(num)]
    table = {"id": ids, "task": ["nli"] * num, "split": ["ood"] * num, **columns}
    pa.parquet.write_table(pa.table(table).take(order), path)
    return {
        "accuracy": accuracy_score(labels, predictions),
        "accuracy_entailment": recall_score(labels, predictions, pos_label="entailment"),
        "predicted_share_entailment": float((predictions == "entailment").mean()),
        "loss": float(-np.log(right).mean()),
        "auroc": roc_auc_score(labels == "entailment", shares[:, 1]),
    }
