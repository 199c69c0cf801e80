"""Sources: what is read, under which names, and what is said when it cannot be."""

import json
import os
import pickle
from pathlib import Path

import datasets
import huggingface_hub.constants
import pytest
from jsonargparse import ArgumentParser

from lit_prune.data.generated import nli
from lit_prune.data.sources import Files, FileSplit, GeneratedNli, Hub, HubSplit, Row, Source
from lit_prune.errors import UserError

REAL = Path(__file__).parents[2].parent / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real data are not in {REAL}")

PAIR = {"text_a": "sentence1", "text_b": "sentence2", "label": "gold_label"}
NLI = {"entailment": "entailment", "neutral": "neutral", "contradiction": "contradiction", "-": ""}
HANS = {"entailment": "entailment", "non-entailment": "non_entailment"}

MNLI_FILES = f"""
class_path: lit_prune.data.sources.Files
init_args:
  splits:
    train:
      paths: [MNLI/multinli_1.0_train.jsonl]
      columns: &pair {{text_a: sentence1, text_b: sentence2, label: gold_label, id: pairID}}
      labels: &nli {json.dumps(NLI)}
      strip: .!?
    id: {{paths: [MNLI/multinli_1.0_dev_matched.jsonl], columns: *pair, labels: *nli, strip: .!?}}
    id_mismatched: {{paths: [MNLI/multinli_1.0_dev_mismatched.jsonl], columns: *pair, labels: *nli, strip: .!?}}
    ood:
      paths: [HANS/heuristics_evaluation_set.txt, HANS/evaluation_half.jsonl]
      columns: &hans {{text_a: sentence1, text_b: sentence2, label: gold_label, group: heuristic}}
      labels: {json.dumps(HANS)}
      strip: .!?
    ood_layout:
      paths: [HANS/official_layout_sample.txt]
      columns: *hans
      labels: {json.dumps(HANS)}
      strip: .!?
"""


def from_yaml(text: str) -> Source:
    parser = ArgumentParser()
    parser.add_argument("--source", type=Source)
    indented = "source:\n" + "\n".join("  " + line for line in text.splitlines())
    return parser.instantiate(parser.parse_string(indented)).source


def jsonl(*records: dict[str, object]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def record(label: str = "entailment", **columns: object) -> dict[str, object]:
    return {"gold_label": label, "sentence1": "A man sleeps .", "sentence2": "A man rests !", **columns}


def files(tmp_path: Path, content: str | bytes, name: str = "dev.jsonl", **spec: object) -> Files:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    split = FileSplit(**{"paths": [name], "columns": PAIR, "labels": NLI, **spec})
    return Files({"train": split, "id": split})


def read(source: Source, root: Path | None, split: str = "id") -> list[dict[str, str]]:
    return list(source.rows(split, None if root is None else str(root)))


# Files


def test_a_jsonl_row_under_our_names(tmp_path):
    source = files(
        tmp_path,
        jsonl(record(pair=7, heuristic="subsequence")),
        columns={**PAIR, "id": "pair", "group": "heuristic"},
        labels={"entailment": "yes"},
    )
    assert read(source, tmp_path) == [
        {"id": "7", "text_a": "A man sleeps .", "text_b": "A man rests !", "label": "yes", "group": "subsequence"}
    ]


def test_ids_are_line_numbers_and_labels_mapped_to_nothing_drop_rows(tmp_path):
    source = files(tmp_path, jsonl(record(), record("-"), record("neutral")))
    assert [(row["id"], row["label"]) for row in read(source, tmp_path)] == [("1", "entailment"), ("3", "neutral")]


def test_tab_separated_rows_keep_their_quotes_and_odd_line_ends(tmp_path):
    text = '\ufeffsentence1\tgold_label\tsentence2\r\n"Go ""now\tneutral\tline\u2028end\x85 here\r\n\r\n'
    source = files(tmp_path, text, name="dev.tsv")
    (row,) = read(source, tmp_path)
    assert (row["id"], row["text_a"], row["text_b"]) == ("2", '"Go ""now', "line\u2028end\x85 here")


def test_strip_takes_characters_off_both_ends(tmp_path):
    (row,) = read(files(tmp_path, jsonl(record(sentence1="Really ?! . ")), strip=".!?"), tmp_path)
    assert (row["text_a"], row["text_b"]) == ("Really", "A man rests")


def test_labels_that_yaml_reads_as_numbers(tmp_path):
    source = files(tmp_path, jsonl(record("1"), record(1)), labels={0: "different", 1: "duplicate"})
    assert [row["label"] for row in read(source, tmp_path)] == ["duplicate", "duplicate"]


def test_a_single_text_has_no_second_one(tmp_path):
    source = files(tmp_path, jsonl(record()), columns={"text_a": "sentence1", "label": "gold_label"})
    assert read(source, tmp_path)[0]["text_b"] == ""


def test_the_first_path_that_exists_is_read(tmp_path):
    source = files(tmp_path, jsonl(record()), paths=["official.txt", "dev.jsonl"])
    assert len(read(source, tmp_path)) == 1
    (tmp_path / "official.txt").write_text("sentence1\tsentence2\tgold_label\na\tb\tneutral\nc\td\tneutral\n")
    assert len(read(source, tmp_path)) == 2


def test_only_what_is_not_trained_on_may_be_missing(tmp_path):
    here = files(tmp_path, jsonl(record())).splits["id"]
    gone = FileSplit(paths=["gone.tsv", "gone.jsonl"], columns=PAIR, labels=NLI)
    with pytest.warns(UserWarning, match=r"no ood_hans set: found none of gone.tsv, gone.jsonl in .*--data.root"):
        assert Files({"train": here, "id": here, "ood_hans": gone}).available(str(tmp_path)) == ["train", "id"]
    for splits in ({"train": gone, "id": here}, {"train": here, "id": gone}):
        with pytest.raises(UserError, match=r"found none of gone.tsv"):
            Files(splits).available(str(tmp_path))
    with pytest.raises(UserError, match=r"found none of gone.tsv"):
        Files({"train": here, "id": here, "ood_train": gone}).available(str(tmp_path))


def test_the_fingerprint_changes_with_the_file_and_how_it_is_read(tmp_path):
    source = files(tmp_path, jsonl(record()))
    before = source.fingerprint("id", str(tmp_path))
    assert before == source.fingerprint("id", str(tmp_path))
    assert files(tmp_path, jsonl(record()), strip=".").fingerprint("id", str(tmp_path)) != before
    os.utime(tmp_path / "dev.jsonl", ns=(1, 1))
    assert source.fingerprint("id", str(tmp_path)) != before


ROW = jsonl(record())
TABLE = "sentence1\tsentence2\tgold_label\na\tb\tneutral\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dev.jsonl", ROW + '{"gold_label": \n', r"dev.jsonl:2: malformed JSON \(Expecting value\); correct or remove"),
        ("dev.jsonl", ROW + "[1]\n", r"dev.jsonl:2: expected a JSON object, found '\[1\]'"),
        ("dev.jsonl", ROW + '{"a": 1}\n', r"dev.jsonl:2: no column 'sentence1'; found a. Correct `columns`"),
        ("dev.jsonl", jsonl(record(sentence2=None)), r"dev.jsonl:1: column 'sentence2' holds None, neither text nor"),
        (
            "dev.jsonl",
            jsonl(record("maybe")),
            r"dev.jsonl:1: unknown label 'maybe'; `labels` knows entailment,",
        ),
        ("dev.jsonl", ROW.encode() + b'{"\xff"}\n', r"dev.jsonl:2: not UTF-8 .*; convert the file"),
        ("dev.jsonl", "", r"dev.jsonl: no rows; check the file"),
        ("dev.jsonl", jsonl(record("-")), r"dev.jsonl: no rows; check the file, and the `labels` that drop rows"),
        ("dev.tsv", TABLE + "a\tb\n", r"dev.tsv:3: 2 fields, but the header has 3; correct or remove the line"),
        ("dev.tsv", "a\tb\n1\t2\n", r"dev.tsv:2: no column 'sentence1'; found a, b. Correct"),
        ("dev.tsv", "", r"dev.tsv: no rows; check the file"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(tmp_path, name, content, message):
    with pytest.raises(UserError, match=message):
        read(files(tmp_path, content, name, paths=[name]), tmp_path)


def test_a_root_is_needed(tmp_path):
    source = files(tmp_path, ROW)
    with pytest.raises(UserError, match=r"pass the folder that holds them as `--data.root"):
        source.available(None)
    with pytest.raises(UserError, match=r"no folder .*nowhere: pass the one that holds the data as `--data.root"):
        source.available(str(tmp_path / "nowhere"))


def test_wrong_settings_are_refused_at_once():
    spec = FileSplit(paths=["a.tsv"], columns=PAIR, labels=NLI)
    with pytest.raises(UserError, match=r"missing \['id'\], unknown \['dev'\]"):
        Files({"train": spec, "dev": spec})
    with pytest.raises(UserError, match=r"a.csv.*name one or more files of the kinds .jsonl, .tsv, .txt"):
        FileSplit(paths=["a.csv"], columns=PAIR, labels=NLI)
    with pytest.raises(UserError, match=r"missing fields \['label'\], unknown fields \['premise'\]"):
        FileSplit(paths=["a.tsv"], columns={"text_a": "a", "premise": "b"}, labels=NLI)


@needs_real_data
@pytest.mark.parametrize(
    ("split", "num_rows", "labels"),
    [
        ("train", 12_807, {"entailment", "neutral", "contradiction"}),
        ("id", 9_815, {"entailment", "neutral", "contradiction"}),
        ("ood", 15_000, {"entailment", "non_entailment"}),
        ("ood_layout", 300, {"entailment", "non_entailment"}),
    ],
)
def test_the_real_files_from_yaml(split, num_rows, labels):
    rows = read(from_yaml(MNLI_FILES), REAL, split)
    assert len(rows) == len({row["id"] for row in rows}) == num_rows
    assert {row["label"] for row in rows} == labels
    assert not any(row["text_a"].endswith((".", "!", "?", " ")) for row in rows)
    heuristics = {"lexical_overlap", "subsequence", "constituent"} if split.startswith("ood") else {""}
    assert {row["group"] for row in rows} == heuristics


@needs_real_data
def test_the_real_files_lack_the_mismatched_set():
    with pytest.warns(UserWarning, match="no id_mismatched set"):
        assert from_yaml(MNLI_FILES).available(str(REAL)) == ["train", "id", "ood", "ood_layout"]


@needs_real_data
def test_both_layouts_of_hans_hold_the_same_rows():
    source = from_yaml(MNLI_FILES)
    official = [{**row, "id": ""} for row in read(source, REAL, "ood_layout")]
    assert official == [{**row, "id": ""} for row in read(source, REAL, "ood")][:300]


# Hub


@pytest.fixture
def table(monkeypatch):
    features = datasets.Features(
        {
            "premise": datasets.Value("string"),
            "hypothesis": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["entailment", "neutral", "contradiction"]),
            "idx": datasets.Value("int32"),
        }
    )
    columns = {"premise": ["A .", "B"], "hypothesis": ["C", "D"], "label": [2, -1], "idx": [11, 12]}
    table = datasets.Dataset.from_dict(columns, features=features)
    calls = []

    def load_dataset(*arguments, **options):
        calls.append((arguments, options))
        return table

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


MNLI_HUB = f"""
class_path: lit_prune.data.sources.Hub
init_args:
  splits:
    train: &mnli
      path: nyu-mll/glue
      name: mnli
      split: train
      columns: {{text_a: premise, text_b: hypothesis, label: label, id: idx}}
      labels: {json.dumps({**NLI, "-1": ""})}
      strip: .!?
    id: {{<<: *mnli, split: validation_matched, revision: abc}}
"""


def test_hub_classes_go_by_their_names(table):
    assert read(from_yaml(MNLI_HUB), None) == [
        {"id": "11", "text_a": "A", "text_b": "C", "label": "contradiction", "group": ""}
    ]
    assert table == [(("nyu-mll/glue", "mnli"), {"split": "validation_matched", "revision": "abc"})]


def test_hub_fingerprint_changes_with_the_table_and_how_it_is_read(table):
    source = from_yaml(MNLI_HUB)
    assert source.available(None) == ["train", "id"]
    assert source.fingerprint("id", None) == source.fingerprint("id", None)
    assert source.fingerprint("id", None) != source.fingerprint("train", None)


def test_hub_errors_name_the_row(table):
    spec = HubSplit(path="x/y", split="test", columns={"text_a": "text", "label": "label"}, labels=NLI)
    with pytest.raises(UserError, match=r"x/y test, row 0: no column 'text'; found premise, hypothesis, label, idx"):
        read(Hub({"train": spec, "id": spec}), None)


def test_hub_without_a_network_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(UserError, match=r"cannot load nyu-mll/glue \(name mnli.*HF_HOME.*configs/data/mnli_files.yaml"):
        from_yaml(MNLI_HUB).fingerprint("train", None)


# Generated


@pytest.fixture
def generator(monkeypatch):
    def generate_nli(split, num_rows, bias_rate, seed):
        for number in range(num_rows):
            yield {"id": f"{number}", "text_a": split, "text_b": f"{bias_rate} {seed}", "label": "neutral", "group": ""}

    monkeypatch.setattr(nli, "generate_nli", generate_nli)


def test_generated_splits_and_their_sizes(generator):
    source = GeneratedNli(bias_rate=0.7, num_train=5, num_eval=3, num_ood_train=2, seed=4)
    assert source.available(None) == ["train", "id", "ood", "ood_train"]
    assert [len(read(source, None, split)) for split in source.available(None)] == [5, 3, 3, 2]
    assert read(source, None, "ood")[0]["text_a"] == "ood"
    assert read(source, None, "ood")[0]["text_b"] == "0.7 4"
    assert GeneratedNli().available(None) == ["train", "id", "ood"]


def test_generated_rows_have_our_fields():
    source = GeneratedNli(num_train=20, num_eval=10, num_ood_train=10)
    for split in source.available(None):
        rows = read(source, None, split)
        assert {frozenset(row) for row in rows} == {frozenset(Row.__annotations__)}
        assert len({row["id"] for row in rows}) == len(rows) == (20 if split == "train" else 10)


def test_generated_fingerprint_changes_with_every_argument_and_the_code(monkeypatch, tmp_path):
    before = GeneratedNli().fingerprint("train", None)
    assert before == GeneratedNli().fingerprint("train", None) != GeneratedNli().fingerprint("id", None)
    for change in ({"bias_rate": 0.5}, {"num_train": 1}, {"num_eval": 1}, {"num_ood_train": 1}, {"seed": 1}):
        assert GeneratedNli(**change).fingerprint("train", None) != before
    (tmp_path / "nli.py").write_text("# another grammar")
    monkeypatch.setattr(nli, "__file__", str(tmp_path / "nli.py"))
    assert GeneratedNli().fingerprint("train", None) != before


def test_sources_pickle_to_the_same_bytes():
    sources = GeneratedNli(), from_yaml(MNLI_FILES), from_yaml(MNLI_HUB)
    assert [pickle.dumps(pickle.loads(pickle.dumps(source))) for source in sources] == [
        pickle.dumps(pickle.loads(pickle.dumps(source))) for source in sources
    ]
