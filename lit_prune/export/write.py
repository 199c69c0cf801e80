"""Write a run's result as a folder of a format, with its configuration, tokenizer and model card."""

import json
from copy import deepcopy
from pathlib import Path

from lit_prune.data.tasks.kinds import describe
from lit_prune.export.card import model_card
from lit_prune.export.formats.format import DTYPES, Format
from lit_prune.export.tensor_files import FILES, TASKS, checksums, save_tensors
from lit_prune.export.trained import Trained


def write_export(trained: Trained, form: Format, dtype: str, folder: Path) -> None:
    """Write all files of an export.

    Args:
        trained: The run's result, which fits the format.
        form: The format.
        dtype: The data type of the weights, one of `DTYPES`.
        folder: An empty folder.

    Raises:
        UserError: the run does not fit the format after all, or a weight the data type.
    """
    model, encoder = trained.model, trained.model.encoder
    config = deepcopy(encoder.backbone.config)
    config.architectures = [form.architecture(trained)]
    config.dtype = DTYPES[dtype]
    if len(model.tasks) == 1:
        config.update(model.tasks[model.task].transformers_settings)
    config.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    described = json.dumps([describe(task) for task in model.tasks.values()])
    # transformers asks for `format`
    metadata = {"format": "pt", FILES: json.dumps(checksums(folder)), TASKS: described}
    content = form.write(trained, dtype, folder)
    for name, tensors in content.tensors.items():
        save_tensors(tensors, folder / name, metadata | content.metadata)
    (folder / "README.md").write_text(model_card(trained, folder, form, dtype))
