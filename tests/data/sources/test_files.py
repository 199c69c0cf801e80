"""Local files: what is read, and what is said, with file and line, when it cannot be."""

import json
import os
from pathlib import Path

import pytest
import yaml
from datasets.fingerprint import Hasher

from lit_prune.data.sources import Files, FileSplit, Source
from lit_prune.errors import UserError

REAL = Path(__file__).parents[3].parent / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real data are not in {REAL}")

CASES = REAL.parent / "cases"

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


def jsonl(*records: dict[str, object]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def record(label: str = "entailment", **columns: object) -> dict[str, object]:
    return {"gold_label": label, "sentence1": "A man sleeps .", "sentence2": "A man rests !", **columns}


def files(tmp_path: Path, content: str | bytes, name: str = "dev.jsonl", **spec: object) -> Files:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    split = FileSplit(**{"paths": [name], "columns": PAIR, "labels": NLI, **spec})
    return Files({"train": split, "id": split})


def read(source: Source, root: Path, split: str = "id") -> list[dict[str, str]]:
    return list(source.rows(split, str(root)))


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


def test_the_first_path_that_exists_is_read(tmp_path):
    source = files(tmp_path, jsonl(record()), paths=["official.txt", "dev.jsonl"])
    assert len(read(source, tmp_path)) == 1
    (tmp_path / "official.txt").write_text("sentence1\tsentence2\tgold_label\na\tb\tneutral\nc\td\tneutral\n")
    assert len(read(source, tmp_path)) == 2


def test_only_what_is_not_trained_on_may_be_missing(tmp_path):
    here = files(tmp_path, jsonl(record())).splits["id"]
    gone = FileSplit(paths=["gone.tsv", "gone.jsonl"], columns=PAIR, labels=NLI)
    with pytest.warns(UserWarning, match=r"no ood_hans set: .* must contain gone.tsv or gone.jsonl, .*--data.root"):
        assert Files({"train": here, "id": here, "ood_hans": gone}).available(str(tmp_path)) == ["train", "id"]
    for splits in ({"train": gone, "id": here}, {"train": here, "id": gone}):
        with pytest.raises(UserError, match=r"must contain gone.tsv"):
            Files(splits).available(str(tmp_path))
    with pytest.raises(UserError, match=r"must contain gone.tsv"):
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
        (
            "dev.jsonl",
            ROW + '{"gold_label": \n',
            r"dev.jsonl:2 must be valid JSON, got malformed JSON \(Expecting value\): correct or remove",
        ),
        ("dev.jsonl", ROW + "[1]\n", r"dev.jsonl:2 must be a JSON object, got '\[1\]'"),
        (
            "dev.jsonl",
            ROW + '{"a": 1}\n',
            r"dev.jsonl:2: unknown column 'sentence1' in `columns`: choose from a; or remove",
        ),
        (
            "dev.jsonl",
            jsonl(record("maybe")),
            r"dev.jsonl:1: unknown label 'maybe': choose from entailment,",
        ),
        ("dev.jsonl", ROW.encode() + b'{"\xff"}\n', r"dev.jsonl:2 must be UTF-8, .*: convert the file"),
        ("dev.jsonl", "", r"dev.jsonl must have rows, got none: check its data"),
        (
            "dev.jsonl",
            jsonl(record("-")),
            r"dev.jsonl must have rows, got none: check its data, and the `labels` that drop rows",
        ),
        (
            "dev.tsv",
            TABLE + "a\tb\n",
            r"dev.tsv:3 must have 3 fields, as the header has, got 2: correct or remove the line",
        ),
        ("dev.tsv", "a\tb\n1\t2\n", r"dev.tsv: unknown column 'sentence1' in `columns`: choose from a, b"),
        ("dev.tsv", "", r"dev.tsv must have rows, got none: check its data"),
        ("dev.csv", "sentence1,sentence2,gold_label\n", r"dev.csv must have rows, got none: check its data"),
        ("dev.csv", "sentence1,sentence2,gold_label\n ,b,neutral\n", r"dev.csv:2: column 'sentence1' must hold a text"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(tmp_path, name, content, message):
    with pytest.raises(UserError, match=message):
        read(files(tmp_path, content, name, paths=[name]), tmp_path)


def test_a_root_is_needed(tmp_path):
    source = files(tmp_path, ROW)
    with pytest.raises(UserError, match=r"--data.root must be the folder of the data's files, got none"):
        source.available(None)
    with pytest.raises(UserError, match=r"--data.root must be a folder, got .*nowhere"):
        source.available(str(tmp_path / "nowhere"))


def test_wrong_settings_are_refused_at_once():
    spec = FileSplit(paths=["a.tsv"], columns=PAIR, labels=NLI)
    with pytest.raises(UserError, match=r"got train, dev: rename dev"):
        Files({"train": spec, "dev": spec})
    with pytest.raises(UserError, match=r"paths must be one or more files of .*, got \[\]"):
        FileSplit(paths=[], columns=PAIR, labels=NLI)
    with pytest.raises(UserError, match=r"must be one or more files of the kinds .csv, .jsonl, .parquet, .tsv.*a.xlsx"):
        FileSplit(paths=["a.xlsx"], columns=PAIR, labels=NLI)


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
def test_the_real_files_from_yaml(from_yaml, split, num_rows, labels):
    rows = read(from_yaml(MNLI_FILES), REAL, split)
    assert len(rows) == len({row["id"] for row in rows}) == num_rows
    assert {row["label"] for row in rows} == labels
    assert not any(row["text_a"].endswith((".", "!", "?", " ")) for row in rows)
    heuristics = {"lexical_overlap", "subsequence", "constituent"} if split.startswith("ood") else {""}
    assert {row["group"] for row in rows} == heuristics


@needs_real_data
def test_the_real_files_lack_the_mismatched_set(from_yaml):
    with pytest.warns(UserWarning, match="no id_mismatched set"):
        assert from_yaml(MNLI_FILES).available(str(REAL)) == ["train", "id", "ood", "ood_layout"]


@needs_real_data
def test_both_layouts_of_hans_hold_the_same_rows(from_yaml):
    source = from_yaml(MNLI_FILES)
    official = [{**row, "id": ""} for row in read(source, REAL, "ood_layout")]
    assert official == [{**row, "id": ""} for row in read(source, REAL, "ood")][:300]


def shipped(name):
    """The source of a yaml that is laid over experiments."""
    config = yaml.safe_load((Path(__file__).parents[3] / f"configs/data/{name}.yaml").read_text())
    return yaml.safe_dump(config["data"]["tasks"][0]["init_args"]["source"], sort_keys=False)


@needs_real_data
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "sizes", "labels"),
    [
        (
            "qqp_files",
            {"train": 7_600, "id": 2_000, "ood_paws_qqp": 677, "ood_paws_wiki": 8_000},
            {"duplicate", "not_duplicate"},
        ),
        (
            "fever_files",
            {"train": 4_975, "id": 1_990, "ood_symmetric_v1": 717, "ood_symmetric_v2": 708},
            {"supports", "refutes"},  # not_enough_info is not in this copy
        ),
    ],
)
def test_the_real_files_of_the_shipped_yaml(from_yaml, name, sizes, labels):
    source = from_yaml(shipped(name))
    assert source.available(str(REAL)) == list(sizes)
    for split, num_rows in sizes.items():
        rows = read(source, REAL, split)
        assert len(rows) == num_rows
        assert {row["label"] for row in rows} == labels
        assert all(row["text_a"] and row["text_b"] for row in rows)
        assert not any(row["text_a"].startswith(("b'", 'b"')) for row in rows)


def test_equal_settings_have_one_cache(from_yaml):
    assert Hasher.hash(from_yaml(MNLI_FILES)) == Hasher.hash(from_yaml(MNLI_FILES))
    assert Hasher.hash(from_yaml(MNLI_FILES.replace(".!?", "."))) != Hasher.hash(from_yaml(MNLI_FILES))


def test_only_some_kinds_of_files_lack_a_header():
    with pytest.raises(UserError, match=r"`header` must be left out, got one for \['a.jsonl'\]: only .csv"):
        FileSplit(paths=["a.jsonl"], header=["label"], columns={"text_a": "text", "label": "label"}, labels={})


def test_labels_that_are_numbers_stay_as_they_are(tmp_path):
    (tmp_path / "a.tsv").write_text("3.250\tone\n0\tother\n")
    columns = {"text_a": "text", "label": "score"}
    source = Files({"train": FileSplit(paths=["a.tsv"], header=["score", "text"], columns=columns, labels=None)})
    assert [row["label"] for row in source.rows("train", str(tmp_path))] == ["3.250", "0"]


TEXT, BINARY = {"text_a": "text", "label": "label"}, {"0": "negative", "1": "positive"}
DROP = {"drop_incomplete": True}
PAIRED = {"columns": {"text_a": "a", "text_b": "b", "label": "label"}}


@pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not in {CASES}")
@pytest.mark.filterwarnings("ignore:.* rows lack a text")
@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        (
            "lone_surrogate.jsonl",
            {},
            r"lone_surrogate.jsonl:1 must be valid JSON, got malformed JSON .* half of a surrogate pair",
        ),
        ("hugeint.jsonl", {}, r"hugeint.jsonl:1 must be valid JSON, got malformed JSON \(Exceeds the limit"),
        ("deep.jsonl", {}, r"deep.jsonl:1 must be valid JSON, got malformed JSON \(nested too deeply"),
        ("long_field.csv", {}, None),
        ("null_text.jsonl", {}, r"null_text.jsonl:1: column 'text' must hold a text"),
        ("null_text.jsonl", DROP, [("a dog", "")]),
        ("null_second.jsonl", PAIRED, [("dog", ""), ("dog", "cat")]),
        ("null_second.jsonl", PAIRED | DROP, [("dog", "cat")]),
        ("yes_no.csv", {"labels": {False: "negative", True: "positive"}}, r"yes_no.csv:2: .*'yes'.*: quote them"),
        ("yes_no.csv", {"labels": {"no": "negative", "yes": "positive"}}, [("fine", ""), ("bad", "")]),
        ("cr_only.csv", {}, [("dog", ""), ("cat", "")]),
        ("punctuation_only.csv", {"strip": ".!?"}, r"punctuation_only.csv:2: column 'text' must hold a text"),
    ],
)
def test_inputs_that_once_failed(name, spec, expected):
    split = FileSplit(**{"paths": [name], "columns": TEXT, "labels": BINARY, **spec})
    source = Files({"train": split})
    if isinstance(expected, str):
        with pytest.raises(UserError, match=expected):
            read(source, CASES, "train")
    else:
        found = [(row["text_a"], row["text_b"]) for row in read(source, CASES, "train")]
        assert found == expected if expected is not None else len(found[0][0]) > 131_072
