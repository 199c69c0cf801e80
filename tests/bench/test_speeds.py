"""Measured speeds: the table, its warnings, files and the card."""

import json

import pytest

from lit_prune.bench import speeds as module
from lit_prune.bench.inference import Speed, Workload

USE = Workload(batch=2, length=8, precisions=["fp32"], repeats=3, device="cpu")


def speed(name, precision, ratio, seconds):
    return Speed(name, precision, seconds, ratio, ratio, 0.5, 0.4, 1000, None, 2 / seconds)


DENSE = [speed("dense", "fp32", 1.0, 0.01), speed("dense", "bf16", 1.0, 0.004)]


@pytest.mark.parametrize(
    ("pruned", "warnings"),
    [
        ([], []),
        ([speed("lowrank", "fp32", 0.4, 0.004), speed("lowrank", "bf16", 0.5, 0.002)], []),
        (
            [speed("lowrank", "fp32", 0.5, 0.005)],
            ["dense in bf16 is faster than all pruned encoders"],
        ),
        (
            [speed("lowrank", "bf16", 0.5, 0.002), speed("csr", "fp32", 1.25, 0.0125)],
            ["csr in fp32 takes 1.25 times as long as dense"],
        ),
    ],
)
def test_warnings_of_what_does_not_pay(pruned, warnings):
    found = list(module.speed_warnings(DENSE + pruned))
    assert len(found) == len(warnings)
    assert all(each.startswith(start) for each, start in zip(found, warnings, strict=True))


def test_the_table_has_a_row_for_each_and_its_warnings(capsys):
    module.show([*DENSE, speed("csr", "fp32", 1.25, 0.0125)], USE, "folder")
    printed = capsys.readouterr().out
    assert "2 texts of 8 tokens" in printed
    assert printed.count("dense") >= 2
    assert "warning: csr in fp32 takes 1.25" in printed


def test_files_hold_the_numbers(tmp_path):
    module.write_speeds([("folder", USE, each) for each in DENSE], tmp_path / "all.json")
    written = json.loads((tmp_path / "all.json").read_text())
    assert written["hardware"]
    assert [row["precision"] for row in written["measurements"]] == ["fp32", "bf16"]
    assert (
        written["measurements"][0] | {"folder": "folder", "batch": 2, "length": 8, "seconds": 0.01}
        == (written["measurements"][0])
    )
    module.write_numbers(DENSE, tmp_path)
    numbers = json.loads((tmp_path / "speed.json").read_text())
    assert numbers["dense_bf16_seconds"] == 0.004
    assert numbers["dense_fp32_bytes"] == 1000
    assert len(numbers) == 6


def test_a_card_has_the_last_measurement_alone(tmp_path):
    card = tmp_path / "README.md"
    card.write_text("# A model\n\n## Workload\n\nSo.\n")
    module.write_card(DENSE[:1], USE, tmp_path)
    module.write_card(DENSE, USE, tmp_path)
    text = card.read_text()
    assert text.startswith("# A model\n\n## Workload\n\nSo.\n\n## Speed\n")
    assert text.count("## Speed") == 1
    assert text.count("| dense |") == 2
    assert "2 texts of 8 tokens" in text
