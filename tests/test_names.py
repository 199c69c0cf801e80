"""Names that become parts of paths and metrics."""

import pytest

from lit_prune.errors import UserError
from lit_prune.names import MAX_LENGTH, check_name


@pytest.mark.parametrize("name", ["nli", "sts-b", "2", "_x", "größe", "n" * MAX_LENGTH])
def test_letters_digits_underscores_and_hyphens_are_a_name(name):
    assert check_name("a name", name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a.b", "a/b", "..", "../x", "-x", "a=b", "a\n", "[red]", "a\0", "\ud83d", "ä" * MAX_LENGTH]
)
def test_nothing_else_is(name):
    with pytest.raises(UserError, match=r"^a name must be 1 to 100 letters, digits, _ and -, got '") as raised:
        check_name("a name", name)
    assert "\n" not in str(raised.value)
