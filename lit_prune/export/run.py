"""`export_run`: a finished run's selected model as a folder that others can load."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lit_prune.data.closed import load_plugins
from lit_prune.errors import UserError
from lit_prune.export.formats.format import DTYPES
from lit_prune.export.formats.known import named_format
from lit_prune.export.hub import push_to_hub
from lit_prune.export.trained import read_run
from lit_prune.export.write import write_export
from lit_prune.files import new_path, write_folder, writing


def export_run(
    run: str | Path,
    *,
    format: str,
    out: str | Path,
    dtype: str = "float32",
    task: str | None = None,
    plugins: Sequence[str] = (),
    push: str | None = None,
) -> None:
    """Write a finished run's selected model, masks folded in, with its tokenizer and a model card.

    Args:
        run: Folder of a finished run, `logs/<experiment>/version_<n>`.
        format: Name of a format, or the class path of a plugin's.
        out: The folder to write: a new one, or an empty one.
        dtype: Data type of the weights, float32, float16 or, of `packed` and `csr`, int8 with a scale for each row.
        task: The task whose head and masks to export, by default those of all; needed for `dense` if the run has
            several.
        plugins: Your own modules that define the format, or classes that the run names.
        push: The model on the Hugging Face hub, `owner/name`, to upload the folder to; see `push_to_hub`. If None, the
            folder is not uploaded.

    Raises:
        UserError: An argument is invalid, the run is not finished, `out` is not empty, or the hub does not accept the
            upload.
    """
    form = named_format(format, load_plugins(plugins))
    if dtype not in DTYPES:
        raise UserError(f"unknown --dtype {dtype!r}: choose from {', '.join(DTYPES)}")
    if form.has_weights and dtype not in form.dtypes:
        raise UserError(f"--dtype of --format {form.name} must be one of {', '.join(form.dtypes)}, got {dtype}")
    if not form.has_weights and dtype != "float32":
        raise UserError(f"--dtype must be left out, got {dtype}: --format {form.name} writes no weights")
    folder = new_path(str(out), folder=True)
    trained = read_run(Path(run), task, plugins)
    form.check(trained)
    with writing(folder):
        write_folder(folder, partial(write_export, trained, form, dtype))
    if push is not None:
        push_to_hub(folder, push, plugins=plugins)
