"""The supervision of models in a report."""

from dataclasses import replace

import pytest

from lit_prune.report.run import Run
from lit_prune.report.supervision import supervision_text

PLAIN = Run("a", None, "completed", None, "", {}, None, None, None, None, None)
POE = replace(PLAIN, supervision={"dense": [], "result": ["bias model"]})
GROUPS = replace(PLAIN, supervision={"result": ["groups"]})


@pytest.mark.parametrize(
    ("runs", "model", "text"),
    [
        ([POE], "result", "bias model"),
        ([POE], "dense", "none"),
        ([POE], "dense_shifted", "none"),
        ([POE], "by_worst_group", "bias model, groups to select"),
        ([POE], "by_ood_validation", "bias model, OOD rows to select"),
        ([POE, POE, GROUPS], "result", "bias model, groups"),
        ([POE], "constant", None),
        ([GROUPS], "dense", None),
        ([PLAIN], "result", None),
    ],
)
def test_a_model_has_that_of_its_training_and_of_its_selection(runs, model, text):
    assert supervision_text(runs, model) == text
