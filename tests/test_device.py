"""Names of devices."""

import platform
from pathlib import Path

import pytest
import torch

from lit_prune.device import device_named, hardware
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


def test_a_device_is_named_as_its_maker_does(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    assert hardware(torch.device("cuda", 1)) == "GPU 1"
    name = hardware(torch.device("cpu"))
    assert name
    cpuinfo = Path("/proc/cpuinfo")
    assert not cpuinfo.is_file() or name in cpuinfo.read_text() or name in (platform.processor(), platform.machine())
