"""Sizes that a user gives."""

import pytest

from lit_prune.errors import UserError
from lit_prune.hardware.sizes import check_positive


def test_a_size_below_one_is_refused_by_its_name():
    check_positive(layers=1, batch=16)
    with pytest.raises(UserError, match="batch must be positive, got 0: use 1 or more"):
        check_positive(layers=1, batch=0)
