"""The generated corpora as sources."""

import json

import pytest
from datasets.fingerprint import Hasher

from lit_prune.data import (
    CopaFiles,
    GeneratedAcceptability,
    GeneratedChoice,
    GeneratedEntities,
    GeneratedFacts,
    GeneratedMentions,
    GeneratedNli,
    GeneratedParaphrase,
    GeneratedReading,
    GeneratedSimilarity,
    GeneratedTopics,
    WscFiles,
    generated,
)
from lit_prune.data.generated.acceptability import generate_acceptability
from lit_prune.data.generated.choice import generate_choice
from lit_prune.data.generated.choice_templates import QUESTIONS
from lit_prune.data.generated.entities import generate_entities
from lit_prune.data.generated.facts import generate_facts
from lit_prune.data.generated.matched_nli import generate_matched_nli
from lit_prune.data.generated.mention import generate_mentions
from lit_prune.data.generated.nli import generate_nli
from lit_prune.data.generated.paraphrase import generate_paraphrase
from lit_prune.data.generated.reading import generate_reading
from lit_prune.data.generated.similarity import generate_similarity
from lit_prune.data.generated.topics import LABELS, generate_topics
from lit_prune.data.sources import LabelsRow, MentionRow, Row, SpanRow, TokensRow
from lit_prune.errors import UserError

BIASED = {
    GeneratedNli: generate_matched_nli,
    GeneratedParaphrase: generate_paraphrase,
    GeneratedFacts: generate_facts,
    GeneratedReading: generate_reading,
    GeneratedSimilarity: generate_similarity,
    GeneratedTopics: generate_topics,
    GeneratedEntities: generate_entities,
}
UNBIASED = {
    GeneratedAcceptability: generate_acceptability,
    GeneratedChoice: generate_choice,
    GeneratedMentions: generate_mentions,
}
CORPORA = [*BIASED, *UNBIASED]
FIELDS = {
    GeneratedEntities: TokensRow,
    GeneratedMentions: MentionRow,
    GeneratedReading: SpanRow,
    GeneratedTopics: LabelsRow,
}
of_each = pytest.mark.parametrize("corpus", CORPORA)


@pytest.mark.parametrize("corpus", BIASED)
def test_splits_their_sizes_and_arguments(corpus):
    source = corpus(bias_rate=0.7, num_train=5, num_eval=3, num_ood_train=2, seed=4)
    further = ["ood_heldout"] if corpus is GeneratedNli else []
    assert source.available(None) == ["train", "id", "ood", "ood_train", *further]
    for split, size in {"train": 5, "id": 3, "ood": 3, "ood_train": 2}.items():
        assert list(source.rows(split, None)) == list(BIASED[corpus](split, size, 0.7, 4))
        assert len(list(source.rows(split, None))) == size
    assert corpus().available(None) == ["train", "id", "ood", *further]


@pytest.mark.parametrize("corpus", BIASED)
def test_ood_validation_rows_are_of_no_other_split(corpus):
    sizes = {"num_train": 20, "num_eval": 30, "num_ood_train": 10}
    source = corpus(**sizes, num_validation_ood=8)
    splits = source.available(None)
    assert "validation_ood" in splits
    assert "validation_ood" not in corpus(**sizes).available(None)
    rows = list(source.rows("validation_ood", None))
    assert len(rows) == 8
    assert list(source.rows("ood_train", None)) == list(corpus(**sizes).rows("ood_train", None))
    assert rows == list(corpus(num_ood_train=18).rows("ood_train", None))[10:]
    of_split = {split: {(row["text_a"], row["text_b"]) for row in source.rows(split, None)} for split in splits}
    own = of_split.pop("validation_ood")
    assert not [split for split, pairs in of_split.items() if pairs & own]


def test_version_1_of_nli_remains():
    source = GeneratedNli(bias_rate=0.7, num_train=5, num_eval=3, seed=4, version=1)
    assert source.available(None) == ["train", "id", "ood"]
    assert list(source.rows("ood", None)) == list(generate_nli("ood", 3, 0.7, 4))
    with pytest.raises(UserError, match="unknown version 3 of the generated NLI corpus: choose from 1, 2"):
        GeneratedNli(version=3)


@pytest.mark.parametrize("corpus", UNBIASED)
def test_without_a_bias_there_is_no_set_without_it(corpus):
    source = corpus(num_train=5, num_eval=3, seed=4)
    assert source.available(None) == ["train", "id"]
    for split, size in {"train": 5, "id": 3}.items():
        assert list(source.rows(split, None)) == list(UNBIASED[corpus](split, size, 4))
        assert len(list(source.rows(split, None))) == size


def test_classes_have_other_names_and_two_may_be_one():
    labels = {"contradiction": "not_entailment", "neutral": "not_entailment"}
    source, plain = (GeneratedNli(num_train=50, labels=each) for each in (labels, None))
    for row, before in zip(source.rows("train", None), plain.rows("train", None), strict=True):
        expected = "entailment" if before["label"] == "entailment" else "not_entailment"
        assert row == {**before, "label": expected}
    assert source.fingerprint("train", None) != plain.fingerprint("train", None)


def test_two_topics_may_be_one_label():
    source = GeneratedTopics(num_train=50, labels={"sport": "leisure", "travel": "leisure"})
    for row, before in zip(source.rows("train", None), GeneratedTopics(num_train=50).rows("train", None), strict=True):
        expected = ["leisure" if name in ("sport", "travel") else name for name in before["labels"]]
        assert row == {**before, "labels": list(dict.fromkeys(expected))}
        assert set(before["labels"]) <= set(LABELS)


def test_choices_are_written_as_those_of_copas_files_are_read(tmp_path):
    rows = list(GeneratedChoice(num_eval=20).rows("id", None))
    records = [
        {
            "premise": row["text_a"].removesuffix(QUESTIONS[row["group"]]),
            **dict(zip(("choice1", "choice2"), row["text_b"].split("\n"), strict=True)),
            "question": row["group"],
            "label": int(row["label"]) - 1,
            "idx": row["id"],
        }
        for row in rows
    ]
    (tmp_path / "val.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    read = CopaFiles({"train": ["val.jsonl"], "id": ["val.jsonl"]}).rows("id", str(tmp_path))
    assert list(read) == [{**row, "group": ""} for row in rows]


def test_mentions_are_written_as_those_of_wscs_files_are_read(tmp_path):
    rows = list(GeneratedMentions(num_eval=20).rows("id", None))
    records = []
    for row in rows:
        target = {}
        for name, (start, end) in zip(("span1", "span2"), row["mentions"], strict=True):
            target |= {f"{name}_index": row["text_a"][:start].count(" "), f"{name}_text": row["text_a"][start:end]}
        records.append({"text": row["text_a"], "target": target, "label": row["label"] == "same", "idx": row["id"]})
    (tmp_path / "val.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    read = WscFiles({"train": ["val.jsonl"], "id": ["val.jsonl"]}).rows("id", str(tmp_path))
    assert list(read) == [{**row, "group": ""} for row in rows]


@of_each
def test_rows_have_our_fields(corpus):
    source = corpus(num_train=20, num_eval=10, **({"num_ood_train": 10} if corpus in BIASED else {}))
    for split in source.available(None):
        rows = list(source.rows(split, None))
        assert {frozenset(row) for row in rows} == {frozenset(FIELDS.get(corpus, Row).__annotations__)}
        assert len({row["id"] for row in rows}) == len(rows) == (20 if split == "train" else 10)


def test_fingerprint_changes_with_every_argument_the_corpus_and_the_code(monkeypatch, tmp_path):
    before = GeneratedNli().fingerprint("train", None)
    assert before == GeneratedNli().fingerprint("train", None) != GeneratedNli().fingerprint("id", None)
    for change in ({"bias_rate": 0.5}, {"num_train": 1}, {"num_eval": 1}, {"num_validation_ood": 1}, {"seed": 1}):
        assert GeneratedNli(**change).fingerprint("train", None) != before
    assert len({str(corpus().fingerprint("train", None)) for corpus in CORPORA}) == len(CORPORA)
    (tmp_path / "nli.py").write_text("# another grammar")
    monkeypatch.setattr(generated, "__path__", [str(tmp_path)])
    assert GeneratedNli().fingerprint("train", None) != before


@of_each
def test_equal_settings_have_one_cache(corpus):
    assert Hasher.hash(corpus()) == Hasher.hash(corpus())
    assert Hasher.hash(corpus(seed=1)) != Hasher.hash(corpus())


@pytest.mark.parametrize("arguments", [{"num_train": -1}, {"num_eval": 10**10}])
def test_a_corpus_beyond_what_can_be_generated_is_an_error(arguments):
    ((name, number),) = arguments.items()
    with pytest.raises(UserError, match=f"{name} of a generated corpus must be from 0 to 10,000,000, got {number}"):
        GeneratedNli(**arguments)


def test_another_training_set_has_the_same_evaluation_sets_beside_it():
    plain, other = (GeneratedNli(num_train=50, num_eval=20, train_seed=seed) for seed in (None, 1))
    for split in plain.available(None):
        same = list(plain.rows(split, None)) == list(other.rows(split, None))
        assert same == (split != "train")
    assert list(other.rows("train", None)) == list(GeneratedNli(num_train=50, seed=1).rows("train", None))
    assert plain.fingerprint("train", None) != other.fingerprint("train", None)
