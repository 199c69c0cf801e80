"""Files as sets of a run's task: how the run reads its own files is how others are read."""

from copy import deepcopy
from dataclasses import replace

import pytest

from lit_prune.data import GeneratedNli
from lit_prune.errors import UserError
from lit_prune.evaluate.sets import labelled_sets, own_set, unlabelled_set
from lit_prune.export.trained import read_run

PAIR = {"text_a": "premise", "text_b": "hypothesis", "label": "gold", "id": "number", "group": "kind"}
GOLD = {"0": "entailment", "1": "neutral", "2": "contradiction", "-": ""}
HANS = {"columns": {"text_a": "s1", "text_b": "s2", "label": "y"}, "labels": {"non-entailment": "non_entailment"}}
TABLE = "number\tkind\tpremise\thypothesis\tgold\nx7\tk\tA man sleeps ?!\tHe rests.\t2\n"


@pytest.fixture(scope="module")
def trained(finished_run):
    return read_run(finished_run, None)


def with_task(trained, **settings):
    """The run as if its task had been set up so."""
    config = deepcopy(trained.config)
    config["data"]["tasks"][0]["init_args"] |= settings
    return replace(trained, config=config)


def of_files(trained, **splits):
    paths = {"paths": ["a.tsv"]}
    splits = {name: paths | {"strip": ""} | spec for name, spec in splits.items()}
    return with_task(trained, source={"class_path": "lit_prune.data.Files", "init_args": {"splits": splits}})


def row_of(each, *names):
    return tuple(each.rows[0][name] for name in names)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "own.tsv"
    path.write_text(TABLE)
    return path


def test_the_runs_own_columns_labels_and_strip(trained, table):
    run = of_files(trained, train={"columns": PAIR, "labels": GOLD, "strip": ".!?"})
    (each,) = labelled_sets(run, {"own": table})
    expected = ("x7", "A man sleeps", "He rests", 0, "k")
    assert row_of(each, "id", "text_a", "text_b", "label", "group") == expected
    assert (each.name, each.labels, each.positive) == ("nli/own", trained.model.tasks["nli"].labels, 1)
    each = unlabelled_set(run, table)
    assert row_of(each, "id", "text_a", "text_b", "label", "group") == ("x7", "A man sleeps", "He rests", -1, "k")


def test_the_set_of_the_same_name_comes_first_then_id_then_train(trained, tmp_path, table):
    other = {"columns": {"text_a": "nowhere", "label": "nowhere"}, "labels": {}}
    (tmp_path / "hans.csv").write_text("s1,s2,y\nA,B,non-entailment\n")
    run = of_files(trained, train=other, id={"columns": PAIR, "labels": GOLD}, ood=HANS)
    mine, ood = labelled_sets(run, {"mine": table, "ood": tmp_path / "hans.csv"})
    assert row_of(mine, "id", "label") == ("x7", 0)
    assert row_of(ood, "text_a", "label") == ("A", 0)
    assert ood.labels == ("non_entailment", "entailment")


def test_the_users_columns_and_labels_come_before_the_runs(trained, tmp_path):
    (tmp_path / "own.csv").write_text("a,b\nA,yes\n")
    run = of_files(trained, train={"columns": PAIR, "labels": GOLD})
    columns, labels = {"text_a": "a", "label": "b"}, {"yes": "entailment"}
    (each,) = labelled_sets(run, {"own": tmp_path / "own.csv"}, columns, labels)
    assert row_of(each, "text_a", "text_b", "label") == ("A", "", 1)


def test_id_and_group_need_not_be_there_and_an_id_is_taken_where_it_is(trained, tmp_path):
    run = of_files(trained, train={"columns": PAIR, "labels": GOLD})
    (tmp_path / "without.csv").write_text("premise,hypothesis,gold\nA,B,1\n")
    (tmp_path / "with.csv").write_text("id,premise,hypothesis,gold\nq,A,B,1\n")
    columns = {name: column for name, column in PAIR.items() if name != "id"}
    for each, expected in (("without", "2"), ("with", "q")):
        (found,) = labelled_sets(
            of_files(trained, train={"columns": columns, "labels": GOLD}) if each == "with" else run,
            {"own": tmp_path / f"{each}.csv"},
        )
        assert row_of(found, "id", "group") == (expected, "")


def test_without_files_in_the_run_columns_have_our_names_and_labels_those_of_the_classes(trained, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text('{"text_a": "A", "label": "contradiction", "more": null}\n')
    own, ood = labelled_sets(trained, {"own": path, "ood_own": path})
    assert row_of(own, "text_a", "text_b", "label", "id") == ("A", "", 0, "1")
    assert own.labels == trained.model.tasks["nli"].labels
    assert ood.labels == ("non_entailment", "entailment")  # a finer class is understood, and merged
    assert row_of(ood, "label") == (0,)


def test_a_tasks_own_length_comes_before_the_runs(trained, tmp_path, monkeypatch):
    path = tmp_path / "long.csv"
    path.write_text("text_a\n" + "man " * 100)
    assert len(unlabelled_set(trained, path).rows["input_ids"][0]) == 48
    monkeypatch.setattr(trained.model.tasks["nli"], "max_length", 10)
    assert len(unlabelled_set(trained, path).rows["input_ids"][0]) == 10


def test_a_file_that_changed_is_read_again(trained, tmp_path):
    path = tmp_path / "own.csv"
    for text in ("before", "afterwards"):
        path.write_text(f"text_a\n{text}\n")
        assert row_of(unlabelled_set(trained, path), "text_a") == (text,)


def test_a_file_without_rows_is_an_error(trained, tmp_path):
    (tmp_path / "own.jsonl").write_text("\n")
    with pytest.raises(UserError, match=r"own.jsonl must have rows"):
        unlabelled_set(trained, tmp_path / "own.jsonl")


def test_what_the_run_undoes_or_drops_in_its_files_it_does_in_others(trained, tmp_path):
    columns = {"text_a": ["claim", "premise"], "text_b": "hypothesis", "label": ["gold", "y"]}
    spec = {"columns": columns, "labels": GOLD, "bytes_literals": True, "drop_incomplete": True}
    (tmp_path / "own.csv").write_text("premise,hypothesis,y\nb'A',b'B',1\nb'A',b'',1\n")
    with pytest.warns(UserWarning, match=r"own.csv: 1 rows lack a text"):
        (each,) = labelled_sets(of_files(trained, train=spec), {"own": tmp_path / "own.csv"})
    assert row_of(each, "text_a", "text_b", "label") == ("A", "B", 2)
    assert len(each.rows) == 1
    assert len(unlabelled_set(of_files(trained, train=spec), tmp_path / "own.csv").rows) == 2  # a row for each


def test_the_runs_own_rows_are_there_all_of_them(trained):
    each = own_set(trained, "train")
    source = GeneratedNli(bias_rate=0.9, num_train=253, num_eval=60, version=1)
    assert list(each.rows["id"]) == [row["id"] for row in source.rows("train", None)]
    assert each.labels == trained.model.tasks["nli"].labels
    assert len(own_set(trained, "ood").rows) == 60


def test_the_runs_own_files_are_read_from_the_users_root_alone(trained, table):
    spec = {"columns": PAIR, "labels": GOLD, "strip": ".!?"}
    run = of_files(trained, train=spec | {"paths": [table.name]})
    run.config["data"]["root"] = str(table.parent)
    assert row_of(own_set(run, "train", str(table.parent)), "id", "text_a", "label") == ("x7", "A man sleeps", 0)
    with pytest.raises(UserError, match=rf"--root must be the folder .* \(it was {table.parent}\): pass it"):
        own_set(run, "train")
    for path in (str(table), f"../{table.parent.name}/{table.name}"):
        with pytest.raises(UserError, match=r"paths of the run's files must be below --root, got .*own"):
            own_set(of_files(trained, train=spec | {"paths": [path]}), "train", str(table.parent))


@pytest.mark.parametrize("outer", ["OneText", "WithUnlabelled"])
def test_no_source_in_a_source_leaves_the_users_root(trained, table, tmp_path, outer):
    files = {"paths": [str(table)], "columns": PAIR, "labels": GOLD}
    source = {"class_path": "lit_prune.data.Files", "init_args": {"splits": {"train": files}}}
    unlabelled = {"unlabelled": {"paths": ["texts.csv"], "columns": {"text_a": "text"}}}
    for name in ("WithUnlabelled", outer):
        arguments = {"text": "text_a"} if name == "OneText" else unlabelled
        source = {"class_path": f"lit_prune.data.{name}", "init_args": {"source": source, **arguments}}
    with pytest.raises(UserError, match=r"paths of the run's files must be below --root"):
        own_set(with_task(trained, source=source), "train", str(tmp_path))


def test_unlabelled_rows_of_training_are_not_read(trained):
    own = trained.config["data"]["tasks"][0]["init_args"]["source"]
    arguments = {"source": own, "unlabelled": {"paths": ["texts.csv"], "columns": {"text_a": "text"}}}
    run = with_task(trained, source={"class_path": "lit_prune.data.WithUnlabelled", "init_args": arguments})
    assert own_set(run, "id").rows[:] == own_set(trained, "id").rows[:]
    with pytest.raises(UserError, match=r"unknown --split 'unlabelled': choose from train, id, ood$"):
        own_set(run, "unlabelled")


def test_a_folder_is_no_data_set_of_the_hub(trained, tmp_path):
    spec = {"path": str(tmp_path), "split": "train", "columns": PAIR, "labels": GOLD}
    source = {"class_path": "lit_prune.data.Hub", "init_args": {"splits": {"train": spec}}}
    with pytest.raises(UserError, match=r"must be a name on the hub, got the local"):
        own_set(with_task(trained, source=source), "train", str(tmp_path))


def test_rows_that_the_run_does_not_have_or_that_others_code_would_read_are_an_error(trained):
    with pytest.raises(UserError, match=r"unknown --split 'dev': choose from train, id, ood$"):
        own_set(trained, "dev")
    with pytest.raises(UserError, match=r"unknown source os\.system"):
        own_set(with_task(trained, source={"class_path": "os.system", "init_args": {}}), "train")


def test_a_column_text_is_the_text(trained, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text('{"text": "A", "spans": []}\n')
    assert row_of(unlabelled_set(trained, path), "text_a") == ("A",)
