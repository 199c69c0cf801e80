"""The random state of a process, written and read back as a checkpoint is."""

import random

import numpy as np
import pytest
import torch

from lit_prune.runs.random_state import random_state, restore_random_state


def draws():
    """Draws of every generator; of the normal ones NumPy and Python remember a second draw."""
    return [
        *torch.randn(3).tolist(),
        *np.random.normal(size=3).tolist(),  # noqa: NPY002
        np.random.randint(1000),  # noqa: NPY002
        random.gauss(0, 1),
        random.random(),
    ]


@pytest.fixture(autouse=True)
def _leave_no_trace():
    before = random_state()
    yield
    restore_random_state(before)


@pytest.fixture(params=["as it is", "through a file"])
def kept(request, tmp_path):
    """A function: a state -> what a checkpoint gives back of it."""

    def through(state):
        torch.save(state, tmp_path / "state.ckpt")
        return torch.load(tmp_path / "state.ckpt", weights_only=True)

    return through if request.param == "through a file" else lambda state: state


def test_draws_repeat_after_a_restore(kept):
    draws()  # an odd number of normal draws: one is left over
    state = kept(random_state())
    first, second = draws(), draws()
    assert not set(first) & set(second)
    restore_random_state(state)
    assert draws() == first
    restore_random_state(state)
    assert draws() == first


def test_taking_the_state_draws_nothing():
    restore_random_state(state := random_state())
    first = draws()
    restore_random_state(state)
    random_state()
    assert draws() == first
