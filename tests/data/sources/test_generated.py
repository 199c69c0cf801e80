"""The generated corpora as sources."""

import pytest
from datasets.fingerprint import Hasher

from lit_prune.data import GeneratedFacts, GeneratedNli, GeneratedParaphrase, GeneratedReading, generated
from lit_prune.data.generated.facts import generate_facts
from lit_prune.data.generated.nli import generate_nli
from lit_prune.data.generated.paraphrase import generate_paraphrase
from lit_prune.data.generated.reading import generate_reading
from lit_prune.data.sources import Row, SpanRow

CORPORA = {
    GeneratedNli: generate_nli,
    GeneratedParaphrase: generate_paraphrase,
    GeneratedFacts: generate_facts,
    GeneratedReading: generate_reading,
}
of_each = pytest.mark.parametrize("corpus", CORPORA)


@of_each
def test_splits_their_sizes_and_arguments(corpus):
    source = corpus(bias_rate=0.7, num_train=5, num_eval=3, num_ood_train=2, seed=4)
    assert source.available(None) == ["train", "id", "ood", "ood_train"]
    for split, size in {"train": 5, "id": 3, "ood": 3, "ood_train": 2}.items():
        assert list(source.rows(split, None)) == list(CORPORA[corpus](split, size, 0.7, 4))
        assert len(list(source.rows(split, None))) == size
    assert corpus().available(None) == ["train", "id", "ood"]


@of_each
def test_rows_have_our_fields(corpus):
    source = corpus(num_train=20, num_eval=10, num_ood_train=10)
    for split in source.available(None):
        rows = list(source.rows(split, None))
        fields = SpanRow if corpus is GeneratedReading else Row
        assert {frozenset(row) for row in rows} == {frozenset(fields.__annotations__)}
        assert len({row["id"] for row in rows}) == len(rows) == (20 if split == "train" else 10)


def test_fingerprint_changes_with_every_argument_the_corpus_and_the_code(monkeypatch, tmp_path):
    before = GeneratedNli().fingerprint("train", None)
    assert before == GeneratedNli().fingerprint("train", None) != GeneratedNli().fingerprint("id", None)
    for change in ({"bias_rate": 0.5}, {"num_train": 1}, {"num_eval": 1}, {"num_ood_train": 1}, {"seed": 1}):
        assert GeneratedNli(**change).fingerprint("train", None) != before
    assert len({str(corpus().fingerprint("train", None)) for corpus in CORPORA}) == len(CORPORA)
    (tmp_path / "nli.py").write_text("# another grammar")
    monkeypatch.setattr(generated, "__path__", [str(tmp_path)])
    assert GeneratedNli().fingerprint("train", None) != before


@of_each
def test_equal_settings_have_one_cache(corpus):
    assert Hasher.hash(corpus()) == Hasher.hash(corpus())
    assert Hasher.hash(corpus(seed=1)) != Hasher.hash(corpus())
