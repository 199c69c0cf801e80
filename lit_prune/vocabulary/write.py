"""`prune_vocabulary`: write a model with a part of its vocabulary, as a folder that transformers loads."""

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from torch import nn
from transformers import AutoTokenizer

from lit_prune.display.table import Table
from lit_prune.encoders import bundled
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.run import export_run
from lit_prune.files import new_path, write_folder, writing
from lit_prune.vocabulary.compare import compare
from lit_prune.vocabulary.selection import select
from lit_prune.vocabulary.texts import TextSet
from lit_prune.vocabulary.tokenizer import Numbering, TokenizerFiles
from lit_prune.vocabulary.weights import CONFIG, GENERATION, INDEX, token_ids, write_config, write_weights

CARD = "README.md"
# Files of tokenizers, which are written anew or belong to slow ones.
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json")
_MODULES = "[0-9]*_*"  # folders of the modules of sentence-transformers, such as 1_Pooling


def prune_vocabulary(
    model: str, out: str, texts: Sequence[str], size: int | None, sets: Mapping[str, TextSet]
) -> Table:
    """Write a model with a part of its vocabulary.

    Args:
        model: Folder of a finished run, whose selected model is exported as `dense` first; folder of a model of
            transformers or sentence-transformers; or `bundled`.
        out: The folder to write: a new one, or an empty one.
        texts: The texts whose tokens are kept.
        size: The number of tokens to keep, the most frequent ones. If None, all that the texts use.
        sets: Name -> texts on which to compare the model with the original.

    Returns:
        What was written: sizes, and the comparison.

    Raises:
        UserError: The model cannot be read or has no fast tokenizer, or the size does not fit.
    """
    folder = new_path(out, folder=True)
    with tempfile.TemporaryDirectory() as place:
        source = _source(model, Path(place))
        encoder = PrunableEncoder(str(source))  # checks the folder
        saved = Path(place) / "tokenizer"
        AutoTokenizer.from_pretrained(source, trust_remote_code=False).save_pretrained(saved)
        files = TokenizerFiles(saved)
        special = {*files.named([*files.added.values(), *token_ids(encoder.backbone.config)])}
        times = Counter(number for ids in files.encode(texts) for number in ids)
        counts = {token: times[number] for token, number in files.kind.ids.items() if number in times}
        numbering = files.number(select(files.kind, special, counts, size, len(files.beside)))
        _check_padding(encoder, numbering)
        with writing(folder):
            written = Path(place) / "written"
            _write(source, files, numbering, written)
            table = compare(source, files, written, numbering, sets)
            (written / CARD).write_text(_card(source, written, model, table))
            write_folder(folder, partial(shutil.copytree, written, dirs_exist_ok=True))
    return table


def _source(model: str, place: Path) -> Path:
    """Return the folder of a model of transformers.

    Args:
        model: See `prune_vocabulary`.
        place: A folder for the export of a run.
    """
    if model == bundled.NAME:
        return bundled.bundled_path()
    path = Path(model).expanduser()
    if (path / "config.yaml").is_file():
        export_run(path, format="dense", out=place / "dense")
        return place / "dense"
    if not (path / CONFIG).is_file():
        raise UserError(
            f"MODEL must be the folder of a run or of a model with {CONFIG}, got {model}: give a finished run, or save "
            "the model by save_pretrained"
        )
    return path


def _check_padding(encoder: PrunableEncoder, numbering: Numbering) -> None:
    """Raise a UserError if positions are computed from the id of padding, and it changes."""
    for name, module in encoder.backbone.named_modules():
        padding = module.padding_idx if isinstance(module, nn.Embedding) else None
        if name.endswith("position_embeddings") and padding is not None and numbering.new_ids.get(padding) != padding:
            raise UserError(
                f"--keep must be more than {padding} tokens, got {len(numbering.old_ids)}: the model computes "
                "positions from the id of its padding token, which must stay"
            )


def _write(source: Path, files: TokenizerFiles, numbering: Numbering, folder: Path) -> None:
    """Write all files but the model card into a new folder."""
    folder.mkdir()
    left_out = {CONFIG, GENERATION, INDEX, *_TOKENIZER}
    beside = [path for path in source.glob("*.json") if path.name not in left_out]
    beside += [*source.glob("LICENSE*"), *source.glob("head.safetensors")]
    for path in beside:
        shutil.copyfile(path, folder / path.name)
    for module in filter(Path.is_dir, source.glob(_MODULES)):
        (folder / module.name).mkdir()
        for path in [*module.glob("*.json"), *module.glob("*.safetensors")]:
            shutil.copyfile(path, folder / module.name / path.name)
    files.write(numbering, folder)
    write_config(source, folder, numbering)
    write_weights(source, folder, numbering)


def _card(source: Path, folder: Path, model: str, table: Table) -> str:
    """Return the model card: the original's, with the size of the new folder if it states one, and the report."""
    path = source / CARD
    own = path.read_text() if path.is_file() else f"---\nlibrary_name: transformers\n---\n# {Path(model).name}\n"
    size = sum(each.stat().st_size for each in folder.iterdir()) / 1e6
    own = re.sub(r"^- Size: [\d.]+ MB", f"- Size: {size:.2f} MB", own, flags=re.MULTILINE)
    return f"{own.rstrip()}\n\n{table.markdown()}\n"
