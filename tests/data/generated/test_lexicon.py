"""Two parts of the lexicon share no content word."""

from lit_prune.data.generated.lexicon import HELD_OUT, TRAINING, WHOLE


def content_words(lexicon):
    """The words of a premise: nouns, verbs in both forms, events, adjectives."""
    nouns = [noun for noun, _, _ in lexicon.people]
    verbs = [word for base, past, _ in lexicon.transitive for word in (base, past)]
    return {*nouns, *verbs, *(event for event, _ in lexicon.intransitive), *(word for word, _ in lexicon.adjectives)}


def test_the_parts_share_no_word_and_are_all():
    training, held_out = content_words(TRAINING), content_words(HELD_OUT)
    assert not training & held_out
    assert training | held_out == content_words(WHOLE)


def test_synonyms_of_people_in_training_are_not_held_out():
    implied = {word for _, words, hypernym in TRAINING.people for word in (*words, hypernym)}
    assert not implied & content_words(HELD_OUT)


def test_both_parts_are_wide():
    for part in (TRAINING, HELD_OUT):
        assert len({hypernym for _, _, hypernym in part.people}) >= 10
        assert len(part.transitive) >= 40
        assert {pair[::-1] for pair in part.adjectives} == set(part.adjectives)
