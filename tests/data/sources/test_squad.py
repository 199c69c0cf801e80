"""SQuAD's files: what is read, and what is said when they cannot be."""

import json
from collections import Counter
from pathlib import Path

import datasets
import pytest

from lit_prune.data.sources.hub import HubTable
from lit_prune.data.sources.squad import SquadFiles, SquadHub, read_squad
from lit_prune.errors import UserError

REAL = Path(__file__).parents[3].parent / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real data are not in {REAL}")

CONTEXT = "Rain fell on Monday. Rain fell again."


def question(name="q1", answers=(("Monday", 13),), text="When did rain fall?"):
    return {"id": name, "question": text, "answers": [{"text": a, "answer_start": start} for a, start in answers]}


def content(*questions, context=CONTEXT):
    return {"version": "1.1", "data": [{"title": "Rain", "paragraphs": [{"context": context, "qas": [*questions]}]}]}


@pytest.fixture
def write(tmp_path):
    """A function: what a file holds -> the file."""

    def make(what, name="dev.json"):
        path = tmp_path / name
        path.write_text(what if isinstance(what, str) else json.dumps(what))
        return path

    return make


def test_a_question_becomes_a_row_with_all_its_answers(write):
    path = write(content(question(), question("q2", [("Rain", 21), ("fell again", 26)], " What? ")))
    assert list(read_squad(path)) == [
        {
            "id": "q1",
            "text_a": "When did rain fall?",
            "text_b": CONTEXT,
            "label": "",
            "group": "",
            "answers": ["Monday"],
            "starts": [13],
        },
        {
            "id": "q2",
            "text_a": " What? ",
            "text_b": CONTEXT,
            "label": "",
            "group": "",
            "answers": ["Rain", "fell again"],
            "starts": [21, 26],
        },
    ]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (content(question("q7", [("Monday", 12)])), "'q7': answers must be in the context .* got 'Monday' at 12"),
        (content(question("q7", [("Monday", -24)])), "'q7': answers must be in the context .* got 'Monday' at -24"),
        (content(question("q7", [("Monday", None)])), "'q7': answers must be in the context .* got 'Monday' at None"),
        (
            content(question("q7", [("Monday", 13), ("rain", 0)])),
            "'q7': answers must be in the context .* got 'rain' at 0",
        ),
        (content(question("q7", [])), "'q7' must have answers"),
        (content(question("q7", [(" ", 4)])), "'q7': answers must be in the context .* got ' ' at 4"),
        (content(question("q7", text="")), "'q7': 'question' must be .*, got ''"),
        (content({"question": "Why?"}), "'id' must be .*, got None"),
        (content({"id": "q7", "question": "Why?"}), "'q7': 'answers' must be a list"),
        (content(question(), question()), "must have different ids, got 'q1' twice"),
        (content(question(), context=" "), "'context' must be .*, got ' '"),
        (content(), "must have questions, got none"),
        ({"data": ["Rain"]}, "'paragraphs' must be a list"),
        ([], "'data' must be a list"),
        ('{"data": [', ":1 must be valid JSON"),
        ('{\n"data": [\n}', ":3 must be valid JSON"),
        ("[" * 100_000, r" must be valid JSON, got malformed JSON \(nested too deeply\)"),
        (
            content(question(text="When \ud83d?")),
            r" must be valid JSON, got malformed JSON \('\\ud83d' is half of a surrogate pair\)",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_and_question(write, what, message):
    with pytest.raises(UserError, match=rf"dev\.json.*{message}"):
        list(read_squad(write(what)))


def test_the_first_file_that_exists_is_read_and_what_is_not_there_is_warned_of(write, tmp_path):
    write(content(question()), "b.json")
    source = SquadFiles({"train": ["a.json", "b.json"], "ood_rain": ["gone.json"]})
    with pytest.warns(UserWarning, match=r"no ood_rain set: .* must contain gone.json"):
        assert source.available(str(tmp_path)) == ["train"]
    assert [row["id"] for row in source.rows("train", str(tmp_path))] == ["q1"]


def test_a_set_that_is_needed_and_not_there_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"must contain a.json, got none.*--data.root"):
        SquadFiles({"train": ["a.json"]}).available(str(tmp_path))


@pytest.mark.parametrize(("splits", "message"), [({"train": []}, "none for train"), ({"id": ["a"]}, "must be train")])
def test_splits_that_cannot_be_read_are_refused(splits, message):
    with pytest.raises(UserError, match=message):
        SquadFiles(splits)


def test_the_fingerprint_is_that_of_the_file_as_it_stands(write, tmp_path):
    source = SquadFiles({"train": ["dev.json"]})
    write(content(question()))
    before = source.fingerprint("train", str(tmp_path))
    assert before == source.fingerprint("train", str(tmp_path))
    write(content(question(), question("q2")))
    assert source.fingerprint("train", str(tmp_path)) != before


def test_the_hubs_table_gives_the_same_rows_as_the_file(write, monkeypatch):
    path = write(content(question(), question("q2", [("Rain", 21), ("fell again", 26)])))
    names = {"text_a": "question", "text_b": "context", "id": "id"}
    records = [
        {theirs: row[ours] for ours, theirs in names.items()}
        | {"title": "Rain", "answers": {"text": row["answers"], "answer_start": row["starts"]}}
        for row in read_squad(path)
    ]
    table = datasets.Dataset.from_list(records)
    asked = []

    def load_dataset(path, name, split, revision):
        asked.append((path, name, split, revision))
        return table

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    source = SquadHub({"train": HubTable(path="rajpurkar/squad", split="train", revision="abc")})
    assert source.available(None) == ["train"]
    assert list(source.rows("train", None)) == list(read_squad(path))
    assert source.fingerprint("train", None) == {"table": table._fingerprint}
    assert set(asked) == {("rajpurkar/squad", None, "train", "abc")}
    broken = {**records[0], "answers": {"text": ["Snow"], "answer_start": [0]}}
    table = datasets.Dataset.from_list([broken])
    with pytest.raises(
        UserError, match=r"rajpurkar/squad train, question 'q1': answers must be in the context .* got 'Snow'"
    ):
        list(source.rows("train", None))


@needs_real_data
@pytest.mark.parametrize(("name", "num_rows", "most_answers"), [("train", 9_447, 3), ("dev", 2_287, 3)])
def test_the_real_files_are_read_whole(name, num_rows, most_answers):
    rows = list(read_squad(REAL / "SQuAD" / f"{name}-v1.1.json"))
    assert len({row["id"] for row in rows}) == len(rows) == num_rows
    assert Counter(len(row["answers"]) for row in rows).most_common(1)[0][0] == most_answers
    for row in rows:
        for answer, start in zip(row["answers"], row["starts"], strict=True):
            assert row["text_b"][start : start + len(answer)] == answer
