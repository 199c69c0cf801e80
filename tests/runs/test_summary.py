"""The console's last words, from a `metrics.json`."""

import json

import pytest

from lit_prune.runs.summary import collapses, print_summary

CLASSES = ("entailment", "non_entailment")


def model(prefix, ood_accuracy, share):
    ood = {
        "accuracy": ood_accuracy,
        "auroc": 0.912,
        "accuracy_entailment": 0.9,
        "accuracy_non_entailment": 0.2,
        "predicted_share_entailment": share,
        "predicted_share_non_entailment": 1 - share,
    }
    return {f"{prefix}nli/id/accuracy": 0.876} | {f"{prefix}nli/ood/{name}": value for name, value in ood.items()}


METRICS = {
    **model("", 0.654, 0.75),
    **model("dense/", 0.543, 0.85),
    "bias/nli/accuracy": 0.8,
    "sparsity": 0.7,
    "denominator": "the matrices of the encoder",
    "steps": 42,
}


@pytest.fixture
def printed(tmp_path, capsys):
    def run(metrics, name="version_0", selection=None):
        folder = tmp_path / name
        folder.mkdir()
        if metrics is not None:
            (folder / "metrics.json").write_text(json.dumps(metrics))
        if selection is not None:
            (folder / "run.json").write_text(json.dumps({"selection": selection}))
        print_summary(folder)
        return folder, capsys.readouterr().out.splitlines()

    return run


def cells(lines, title):
    (line,) = (line for line in lines if line.replace("│", " ").strip().startswith(title + " "))
    return line.replace("│", " ").strip().removeprefix(title).split()


def test_what_one_answer_to_all_rows_gets_is_beside_them(printed):
    _, lines = printed(METRICS | {"constant/nli/id/accuracy": 0.5, "constant/nli/ood/accuracy": 0.75})
    assert cells(lines, "ID accuracy") == ["0.876", "0.876", "0.500"]
    assert cells(lines, "OOD accuracy") == ["0.543", "0.654", "0.750"]
    assert sum("selected by ID metrics" in line for line in lines) == 1


def test_models_side_by_side(printed):
    _, lines = printed(METRICS)
    assert cells(lines, "ID accuracy") == ["0.876", "0.876"]
    assert cells(lines, "OOD accuracy") == ["0.543", "0.654"]
    assert cells(lines, "OOD accuracy, non entailment") == ["0.200", "0.200"]
    assert cells(lines, "OOD AUROC") == ["0.912", "0.912"]
    assert cells(lines, "OOD predicted entailment") == ["0.850", "0.750"]
    assert lines[-2] == "sparsity 0.7000 of the matrices of the encoder; 42 optimizer steps"
    assert not any("shifted" in line or "warning" in line for line in lines)


def test_a_model_that_lacks_a_metric_has_an_empty_cell(printed):
    metrics = METRICS | model("dense_shifted/", 0.6, 0.75)
    del metrics["dense/nli/ood/auroc"]
    _, lines = printed(metrics)
    assert cells(lines, "OOD accuracy") == ["0.543", "0.600", "0.654"]
    assert cells(lines, "OOD AUROC") == ["0.912", "0.912"]
    assert any("dense, shifted" in line for line in lines)


def test_the_pruned_model_alone_is_sparse(printed):
    _, lines = printed(METRICS)
    (row,) = (line for line in lines if "0.700 " in line)
    assert row.replace("│", " ").split() == ["sparsity", "0.000", "0.700"]


def test_every_task_has_a_table(printed):
    metrics = METRICS | {"duplicates/id/accuracy": 0.5, "duplicates/ood_paws/accuracy": 0.4}
    _, lines = printed(metrics)
    assert [line.split()[0] for line in lines if "selected by" in line] == ["duplicates", "nli"]
    assert cells(lines, "OOD paws accuracy") == ["0.400"]


@pytest.mark.parametrize("metrics", [METRICS, None])
@pytest.mark.parametrize("name", ["version_0", "a [bold]name[/] 1.5", "long" * 40])
def test_the_path_is_the_last_line_whole(printed, metrics, name):
    # A name with slashes makes no folder.
    folder, lines = printed(metrics, name.replace("/", ""))
    assert lines[-1] == str(folder)
    assert metrics is not None or len(lines) == 1


def test_a_collapsed_model_is_called_so(printed):
    _, lines = printed(METRICS | model("", 0.5, 0.995))
    (warning,) = (line for line in lines if line.startswith("warning:"))
    assert warning == "warning: the selected model has collapsed: it predicts entailment for 99.5% of nli/ood"


def test_only_the_selected_model_can_collapse():
    assert collapses(METRICS | model("dense/", 0.5, 1.0)) == []
    assert collapses(METRICS | model("", 0.5, 0.99)) == []
    assert collapses(METRICS | model("", 0.5, 0.0)) == [
        "the selected model has collapsed: it predicts non_entailment for 100.0% of nli/ood"
    ]


def test_the_bias_model_is_described_below_its_task(printed):
    _, lines = printed(METRICS | {"bias/nli/accuracy": 0.88, "bias/nli/calibration_error": 0.01})
    assert not any("teacher" in line for line in lines)
    assert "bias model on the training set: accuracy 0.880, calibration error 0.010" in lines


def test_f1_is_shown_of_tasks_of_two_classes(printed):
    f1 = {"qqp/id/f1": 0.7, "qqp/id/f1_weighted": 0.71, "qqp/ood_paws/f1": 0.4, "qqp/ood_paws/f1_weighted": 0.52}
    _, lines = printed(METRICS | f1 | {"qqp/id/accuracy": 0.5, "qqp/ood_paws/accuracy": 0.6, "nli/ood/f1": 0.9})
    assert cells(lines, "ID F1") == ["0.700"]
    assert cells(lines, "OOD paws F1, weighted") == ["0.520"]
    assert not any("OOD F1" in line for line in lines)


def test_the_teacher_is_described_below_its_task(printed):
    _, lines = printed(METRICS | {"teacher/nli/train/accuracy": 0.912})
    assert "accuracy of the teacher: train 0.912" in lines


def test_a_task_of_spans_has_rows_of_its_own(printed):
    figures = {"id/exact_match": 0.5, "id/f1": 0.625, "ood/exact_match": 0.25, "ood/f1": 0.375, "id/f1_who": 0.75}
    spans = {f"reading/{name}": value for name, value in figures.items()}
    dense = {f"dense/{name}": value / 2 for name, value in spans.items()}
    _, lines = printed({**METRICS, **spans, **dense})
    assert cells(lines, "ID exact match") == ["0.250", "0.500"]
    assert cells(lines, "ID F1") == ["0.312", "0.625"]
    assert cells(lines, "OOD F1") == ["0.188", "0.375"]
    assert cells(lines, "OOD accuracy") == ["0.543", "0.654"]
    assert not any("who" in line for line in lines)


def test_a_task_of_numbers_has_its_correlations(printed):
    values = {f"sts/{split}/{name}": 0.5 for split in ("id", "ood") for name in ("pearson", "mean_correlation")}
    values |= {"sts/id/spearman": 0.625, "sparsity": 0.5, "denominator": "x", "steps": 3}
    _, lines = printed(values)
    assert cells(lines, "ID Pearson") == ["0.500"]
    assert cells(lines, "ID Spearman") == ["0.625"]
    assert cells(lines, "OOD Pearson") == ["0.500"]


# ---- what selects ------------------------------------------------------------------------------------------------


def test_what_selects_is_shown_first_where_it_was_looked_at(printed):
    cola = {"cola/validation/matthews": 0.41, "cola/id/matthews": 0.42, "cola/id/accuracy": 0.8, "macro": 0.55}
    sts = {"sts/validation/mean_correlation": 0.71, "sts/id/mean_correlation": 0.72, "sts/id/pearson": 0.73}
    rest = {"sparsity": 0.5, "denominator": "x", "steps": 3, "dense/macro": 0.45, "constant/cola/id/matthews": 0.0}
    selection = {"cola": "matthews", "sts": "mean_correlation"}
    _, lines = printed(cola | sts | rest, selection=selection)
    titles = [line for line in lines if "selected by" in line]
    assert titles == [
        "cola (selected by validation Matthews in the mean over 2 tasks, never by OOD)",
        "sts (selected by validation mean of Pearson and Spearman in the mean over 2 tasks, never by OOD)",
    ]
    assert cells(lines, "validation Matthews") == ["0.410"]
    assert cells(lines, "ID Matthews") == ["0.420", "0.000"]
    assert cells(lines, "ID accuracy") == ["0.800"]
    assert cells(lines, "validation mean of Pearson and Spearman") == ["0.710"]
    assert cells(lines, "ID mean of Pearson and Spearman") == ["0.720"]
    assert cells(lines, "ID Pearson") == ["0.730"]
    assert "macro, the mean over the tasks on ID: dense 0.4500, result 0.5500" in lines


def test_a_target_selects_alone_and_others_are_auxiliary(printed):
    values = {f"{task}/{split}/accuracy": 0.6 for task in ("mnli", "rte") for split in ("validation", "id")}
    _, lines = printed(values | {"sparsity": 0.5, "denominator": "x", "steps": 3}, selection={"rte": "accuracy"})
    assert [line for line in lines if "selected by" in line] == [
        "mnli (auxiliary, selected by rte, never by OOD)",
        "rte (selected by validation accuracy, never by OOD)",
    ]


def test_without_a_cut_of_the_training_set_id_selects(printed):
    _, lines = printed(METRICS, selection={"nli": "accuracy"})
    assert "nli (selected by ID accuracy, never by OOD)" in [line.strip() for line in lines]
    assert sum("ID accuracy " in line for line in lines) == 1
    assert not any("validation" in line for line in lines)


@pytest.mark.parametrize(
    ("figures", "line"),
    [
        ({"parameter_density": 0.101, "stored_density": 0.191}, "parameter_density 0.1010, stored_density 0.1910"),
        ({"parameter_density": 0.076, "stored_density": 0.076, "wasted_ranks": 0.25}, "0.0760, wasted_ranks 0.2500"),
        ({"tuned": 12345, "tuned_share": 0.005}, "tuned 12,345 entries, tuned_share 0.0050"),
    ],
)
def test_the_parameters_that_are_needed_are_told(printed, figures, line):
    _, lines = printed(METRICS | figures)
    assert lines[-2].endswith(line)


def test_a_dense_run_has_nothing_pruned(printed):
    _, lines = printed(METRICS | {"sparsity": 0.0, "denominator": "nothing is pruned"})
    assert lines[-2] == "nothing is pruned; 42 optimizer steps"


def test_a_pruned_model_to_start_from_has_its_sparsity(printed):
    _, lines = printed(METRICS | {"dense/sparsity": 0.3})
    assert cells(lines[:-2], "sparsity") == ["0.300", "0.700"]


# ---- rounds of pruning -------------------------------------------------------------------------------------------


def of_round(number, share=0.5):
    facts = {f"round_{number}/sparsity": number / 10, f"round_{number}/step": 5 * number}
    return model(f"round_{number}/", 0.6 + number / 100, share) | facts


def test_rounds_are_rows_of_one_table(printed):
    metrics = METRICS | of_round(10) | of_round(9)
    _, lines = printed(metrics, selection={"nli": "accuracy"})
    assert sum("selected by" in line for line in lines) == 1
    assert cells(lines, "9") == ["0.900", "0.876", "0.690"]
    assert cells(lines, "10") == ["1.000", "0.876", "0.700"]
    assert cells(lines, "result") == ["0.700", "0.876", "0.654"]


def test_a_model_that_has_collapsed_on_several_sets_is_one_warning():
    shares = {"nli/id/predicted_share_neutral": 1.0, "nli/validation/predicted_share_neutral": 0.995}
    shares["nli/ood/predicted_share_entailment"] = 1.0
    metrics = METRICS | {f"round_3/{name}": value for name, value in shares.items()}
    assert collapses(metrics) == [
        "the model of round_3 has collapsed: it predicts neutral for 100.0% of nli/id, 99.5% of nli/validation; "
        "entailment for 100.0% of nli/ood"
    ]
    assert len(collapses(metrics | shares)) == 2
