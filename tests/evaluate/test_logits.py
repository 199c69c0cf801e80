"""The model over sets: the precision of the run, whole sets in order."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.evaluate.logits import predict_sets
from lit_prune.evaluate.sets import unlabelled_set
from lit_prune.export.trained import read_run
from lit_prune.hardware.sizes import check_positive


def in_precision(trained, precision):
    config = deepcopy(trained.config)
    config["trainer"]["precision"] = precision
    return replace(trained, config=config)


def test_sets_come_back_in_order_in_the_precision_of_the_run(finished_run, tmp_path):
    paths = [tmp_path / f"{number}.csv" for number in range(2)]
    for path, words in zip(paths, (["a man", "man"], ["woman", "a", "a man sleeps"]), strict=True):
        path.write_text("\n".join(["text_a", *words]))
    logits = {}
    for precision in (None, "32-true", "bf16-mixed"):
        trained = in_precision(read_run(finished_run, None), precision)
        sets = [unlabelled_set(trained, path) for path in paths]
        predicted = predict_sets(trained, sets, 2, "cpu")
        assert [each.of for each in predicted] == sets
        assert [each.logits.shape for each in predicted] == [(2, 3), (3, 3)]
        logits[precision] = torch.cat([each.logits for each in predicted])
    assert torch.equal(logits[None], logits["32-true"])
    assert not torch.equal(logits["bf16-mixed"], logits["32-true"])
    assert torch.allclose(logits["bf16-mixed"], logits["32-true"], atol=0.05)
    with torch.inference_mode():
        inputs = trained.model.encoder.tokenizer("a man sleeps", return_tensors="pt")
        expected = read_run(finished_run, None).model(**inputs).logits[0]
    assert torch.allclose(logits["32-true"][-1], expected, atol=1e-5)


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_holds_a_row_or_more(size):
    check_positive(batch_size=1)
    with pytest.raises(UserError, match=f"batch_size must be positive, got {size}"):
        check_positive(batch_size=size)
