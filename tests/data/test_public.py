"""The public classes of `lit_prune.data`."""

from lit_prune.data import public


def test_every_public_name_is_a_class_of_the_package():
    assert all(getattr(public, name).__module__.startswith("lit_prune.data.") for name in public.__all__)
