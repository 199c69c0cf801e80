"""The model card of an export: how sparse, how good by set, and how it was made."""

from lit_prune.export.run import Run


def card(run: Run, task: str, size: int) -> str:
    """Markdown for the folder's `README.md`.

    Args:
        run: The run.
        task: The task whose head the export holds.
        size: Bytes of the weights on disk.
    """
    metrics, record = run.metrics, run.record
    splits = dict.fromkeys(name.split("/")[1] for name in metrics if name.startswith(f"{task}/"))
    rows = [
        "| "
        + " | ".join([split, *(_cell(metrics.get(f"{task}/{split}/{name}")) for name in ("accuracy", "auroc", "loss"))])
        + " |"
        for split in splits
    ]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return "\n".join(
        [
            "---",
            "library_name: transformers",
            "pipeline_tag: text-classification",
            f"base_model: {run.encoder.name}",
            "---",
            f"# {record['experiment']}: {run.encoder.name} for {task}, {metrics['sparsity']:.1%} sparse",
            "",
            f"Sparsity {metrics['sparsity']:.4f} of {metrics['denominator']}. Pruned weights are stored as zeros: the "
            f"file is as large as a dense one ({size / 1e6:.1f} MB). Classes: {', '.join(run.labels[task])}.",
            "",
            "| set | accuracy | AUROC | loss |",
            "|---|---|---|---|",
            *rows,
            "",
            "The checkpoint was selected on the validation cut (or `id` where there was none), never on an OOD set. "
            f"One seed ({metrics['seed']}): other seeds differ.",
            "",
            f"Made by lit_prune in {metrics['steps']} optimizer steps ({metrics['wall_seconds']:.0f} s on "
            f"{record['hardware']['device']}); configuration {record['config_hash']}, commit {record['commit']}; "
            f"{versions}.",
            "",
        ]
    )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
