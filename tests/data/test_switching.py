"""Batches of a phase's own, in the middle of the data module's."""

from lit_prune.data.switching import SwitchingLoader


def test_batches_come_from_the_source_of_the_moment():
    own, taken = ["a", "b"], []

    def find_source():
        return own if 2 <= len(taken) < 7 else None

    loader = SwitchingLoader(lambda: list(range(len(taken), 10)) if taken else list(range(10)), find_source)
    assert len(loader) == 10
    for batch in SwitchingLoader(lambda: list(range(len(taken), 12)), find_source):
        taken.append(batch)
    assert taken == [0, 1, "a", "b", "a", "b", "a", 7, 8, 9, 10, 11]
