"""What was trained on a device, exported and loaded there; the commands that run a model over rows."""

import json

import pyarrow.parquet
import pytest
import torch

import lit_prune
from lit_prune.cli import main

EXPORTS = [
    ("srnet_poe", "dense"),
    ("srnet_poe", "packed"),
    ("srnet_poe", "compact"),
    ("rank_magnitude", "lowrank"),
    ("rank_magnitude", "packed"),
    ("sam", "delta"),
]


@pytest.mark.parametrize(("config", "form"), EXPORTS)
def test_an_export_has_the_logits_of_the_run_on_the_device(config, form, run_of, export, device):
    run = run_of(config)
    model = lit_prune.load(str(export(run, form)))
    texts = ["the actors that the judges saw slept", "a lawyer knew the senators"], ["the actors slept", "it rains"]
    inputs = model.encoder.tokenizer(*texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).logits
        found = model.to(device)(**inputs.to(device)).logits
    assert found.device.type == device
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)


def test_predictions_of_the_device_are_those_of_the_run(run_of, device, tmp_path):
    run = run_of("srnet_poe")
    out = tmp_path / "train.parquet"
    assert main(["predict", str(run), "--split=train", f"--out={out}", f"--device={device}"]) == 0
    assert len(pyarrow.parquet.read_table(out)) == 253
    assert json.loads((run / "run.json").read_text())["hardware"]["device"]
