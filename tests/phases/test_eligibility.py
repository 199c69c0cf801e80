"""Which evaluations may be selected."""

import pytest

from lit_prune.errors import UserError
from lit_prune.phases import After, Always


def test_evaluations_count_from_a_share_of_the_phase_on():
    assert [After(0.7)(progress) for progress in (0.0, 0.69, 0.7, 1.0)] == [False, False, True, True]
    assert Always()(0.0)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_one(share):
    with pytest.raises(UserError, match="share of After must be from 0 to 1, got"):
        After(share)
