"""The model card says what the run's record says."""

from lit_prune.export.card import card
from lit_prune.export.run import read_run


def test_the_card_names_sparsity_metrics_seed_and_how_it_was_made(finished_run):
    run = read_run(finished_run)
    text = card(run, "nli", size=1_500_000)
    assert text.startswith("---\nlibrary_name: transformers\n")
    assert f"Sparsity {run.metrics['sparsity']:.4f} of {run.metrics['denominator']}" in text
    assert "1.5 MB" in text
    for split in ("validation", "id", "ood"):
        accuracy, auroc, loss = (run.metrics[f"nli/{split}/{name}"] for name in ("accuracy", "auroc", "loss"))
        assert f"| {split} | {accuracy:.4f} | {auroc:.4f} | {loss:.4f} |" in text
    assert run.record["config_hash"] in text
    assert f"({run.metrics['seed']})" in text
