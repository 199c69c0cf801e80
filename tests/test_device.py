"""Names of devices."""

import pytest
import torch

from lit_prune.device import device_named
from lit_prune.errors import UserError


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_a_gpu_where_there_is_one(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device_named("auto") == ("cuda" if there else "cpu")
    assert device_named("cpu") == "cpu"


def test_what_is_not_there_or_unknown_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"cuda.*use cpu"):
        device_named("cuda")
    with pytest.raises(UserError, match="'tpu'"):
        device_named("tpu")
