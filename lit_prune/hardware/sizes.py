"""Checks of sizes and counts given by users."""

from lit_prune.errors import UserError


def check_positive(**sizes: int) -> None:
    """Check that sizes are at least 1.

    Args:
        sizes: The sizes by the names that error messages use.

    Raises:
        UserError: A size is below 1.
    """
    for name, value in sizes.items():
        if value < 1:
            raise UserError(f"{name} must be positive, got {value}: use 1 or more")
