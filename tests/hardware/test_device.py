"""Names of devices."""

import platform
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer

from lit_prune.errors import UserError
from lit_prune.hardware import device
from lit_prune.hardware.device import device_named, hardware, native_precision, warn_if_slow


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


# ---- precision ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """A function that makes the machine's only device a CPU of these capabilities, None: torch has no such function."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)

    def make(capabilities, cpuinfo=""):
        if capabilities is None:
            monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
        else:
            monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
        (tmp_path / "cpuinfo").write_text(cpuinfo)
        monkeypatch.setattr(device, "CPUINFO", tmp_path / "cpuinfo")

    return make


@pytest.fixture
def gpus(monkeypatch):
    """A function that gives the machine GPUs of these compute capabilities."""

    def make(*capabilities):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(capabilities))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: capabilities[number])

    return make


X86 = {"architecture": "x86_64", "avx2": True, "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}
ARM = {"architecture": "aarch64", "neon": True, "bf16": False}
CPUINFO = "processor : 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx512f avx512bw{}\n\nprocessor : 1\n"


@pytest.mark.parametrize(
    ("capabilities", "cpuinfo", "precision"),
    [
        (X86, CPUINFO, "32-true"),
        (X86 | {"avx512_bf16": True}, "", "bf16-mixed"),
        (X86 | {"amx_bf16": True}, "", "bf16-mixed"),
        (ARM, "", "32-true"),
        (ARM | {"bf16": True}, "", "bf16-mixed"),
        (None, CPUINFO.format(""), "32-true"),
        (None, CPUINFO.format(" avx512_bf16"), "bf16-mixed"),
        ({"avx2": True}, CPUINFO.format(" amx_bf16"), "bf16-mixed"),
        (None, "Features\t: fp asimd bf16\n", "bf16-mixed"),
        (None, "", "32-true"),
    ],
)
def test_a_cpu_gets_bf16_only_where_it_has_instructions_for_it(cpu, capabilities, cpuinfo, precision):
    cpu(capabilities, cpuinfo)
    for accelerator in ("cpu", "auto"):
        assert native_precision(accelerator) == precision


def test_a_cpu_without_onednn_has_no_kernels_for_bf16(cpu, monkeypatch):
    cpu(X86 | {"avx512_bf16": True})
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert native_precision("cpu") == "32-true"


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [([(8, 0)], "bf16-mixed"), ([(9, 0), (8, 6)], "bf16-mixed"), ([(7, 5)], "32-true"), ([(9, 0), (7, 0)], "32-true")],
)
def test_a_gpu_gets_bf16_from_compute_capability_8_on(cpu, gpus, capabilities, precision):
    cpu(X86)
    gpus(*capabilities)
    for accelerator in ("auto", "gpu", "cuda"):
        assert native_precision(accelerator) == precision
    assert native_precision("cpu") == "32-true"
    cpu(X86 | {"amx_bf16": True})
    assert native_precision("cpu") == "bf16-mixed"


def test_of_other_accelerators_nothing_is_known(cpu, monkeypatch):
    cpu(ARM | {"bf16": True})
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for accelerator in ("auto", "gpu", "mps", "tpu", object()):
        assert native_precision(accelerator) == "32-true"


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "16-mixed", 16])
def test_a_precision_that_the_cpu_emulates_warns(cpu, precision):
    cpu(X86)
    with pytest.warns(UserWarning, match=rf"trainer.precision is {precision}, .* leave trainer.precision unset"):
        warn_if_slow(precision, "auto")


@pytest.mark.filterwarnings("ignore:.*fp16 is not supported on CPU")
def test_lightning_computes_16_mixed_on_a_cpu_as_bf16_mixed():
    assert Trainer(accelerator="cpu", precision="16-mixed", logger=False).precision == "bf16-mixed"


@pytest.mark.filterwarnings("error")
def test_what_is_fast_or_plain_does_not_warn(cpu, gpus):
    cpu(X86)
    for precision in (None, "32-true", 32, "64-true"):
        warn_if_slow(precision, "cpu")
    cpu(X86 | {"avx512_bf16": True})
    warn_if_slow("bf16-mixed", "cpu")
    gpus((7, 5))
    warn_if_slow("16-mixed", "gpu")


def test_a_gpu_that_emulates_bf16_warns(gpus):
    gpus((7, 5))
    with pytest.warns(UserWarning, match="does not compute natively"):
        warn_if_slow("bf16-mixed", "auto")
