"""What runs on a GPU: `pytest -m gpu`, in less than five minutes; skipped where there is none.

`LIT_PRUNE_GPU_TESTS_ON=cpu` runs the same tests on the CPU, to know that they run at all.
"""

import os
from pathlib import Path

import pytest
import torch

DEVICE = os.environ.get("LIT_PRUNE_GPU_TESTS_ON", "cuda")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # products that repeat bit for bit, as resuming needs


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by marks
def pytest_collection_modifyitems(items):
    skipped = DEVICE == "cuda" and not torch.cuda.is_available()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            if skipped:
                item.add_marker(pytest.mark.skip(reason="torch finds no CUDA device"))


@pytest.fixture(scope="session")
def device():
    """The device of these tests, as torch names it."""
    return DEVICE


@pytest.fixture(scope="session")
def on_device():
    """The arguments of fit that train on it in bf16, with operations that repeat where there are any."""
    accelerator = {"cuda": "gpu"}.get(DEVICE, DEVICE)
    return (
        f"--trainer.accelerator={accelerator}",
        "--trainer.precision=bf16-mixed",
        "--trainer.deterministic=warn",
    )


@pytest.fixture(scope="session")
def run_of(finished, on_device):
    """A function: a shipped configuration -> the folder of its complete run on the device; only to read."""
    folders = {}

    def run(name, *arguments):
        if name not in folders:
            folders[name] = finished(*on_device, *arguments, config=f"configs/{name}.yaml", name=f"gpu_{name}")
        return folders[name]

    return run
