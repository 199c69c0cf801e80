"""The order of phases, and where each ends."""

import pytest

from lit_prune.errors import UserError
from lit_prune.phases import FineTune, Training
from lit_prune.phases.sequence import PhaseSequence


@pytest.fixture
def phases():
    """A base of 20 steps and a second phase of 30."""
    sequence = PhaseSequence()
    sequence.insert("first", FineTune(Training(steps=20)))
    sequence.insert("final", FineTune(Training(steps=30)))
    return sequence


def lay_out(phases, max_steps=-1):
    phases.lay_out(lambda phase: phase.training.num_steps(1.0), max_steps)
    return phases.ends


def test_phases_follow_one_another_up_to_the_last_step_allowed(phases):
    assert lay_out(phases) == {"first": 20, "final": 50}
    assert lay_out(phases, 30) == {"first": 20, "final": 30}
    with pytest.raises(UserError, match="the phase 'final' begins, got 20"):
        lay_out(phases, 20)


def test_a_phase_is_inserted_before_another(phases):
    phases.insert("middle", FineTune(Training(steps=1)), before="final")
    assert list(phases) == ["first", "middle", "final"]
    assert (phases.base, phases.last, phases.name) == ("first", "final", "first")


@pytest.mark.parametrize(("name", "before"), [("first", None), ("new", "nowhere")])
def test_a_name_that_is_taken_or_unknown_is_an_error(phases, name, before):
    with pytest.raises(UserError, match="must have a new name and come before one of"):
        phases.insert(name, FineTune(Training(steps=1)), before)


def test_progress_and_what_is_due(phases):
    lay_out(phases)
    assert [phases.progress(step) for step in (0, 5, 20, 60)] == [0.0, 0.25, 1.0, 1.0]
    assert [phases.due(step) for step in (0, 19, 20, 49)] == ["first", "first", "final", "final"]
    phases.name = "final"
    assert phases.progress(35) == 0.5
    assert phases.due(50) == "final"
    assert phases.span("final") == (20, 50)


def test_a_phase_that_ends_early_brings_the_later_ones_forward(phases):
    lay_out(phases)
    phases.end_current(8)
    assert phases.ends == {"first": 8, "final": 38}


def test_files_of_the_base_are_called_dense_whatever_its_name(phases):
    assert [phases.label(name) for name in phases] == ["dense", "final"]
