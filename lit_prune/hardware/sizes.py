"""Sizes and counts that a user gives."""

from lit_prune.errors import UserError


def check_positive(**sizes: int) -> None:
    """Refuse a size below 1.

    Raises:
        UserError: one is; the message has its name.
    """
    for name, value in sizes.items():
        if value < 1:
            raise UserError(f"{name} is {value}: needed is 1 or more")
