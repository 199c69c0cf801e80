"""`lit_prune vocabulary`: keep a part of the vocabulary of a model, by the texts that it is for."""

from collections.abc import Sequence
from pathlib import Path

from lit_prune.commands.parser import command_parser
from lit_prune.commands.test import named_files
from lit_prune.display.console import wide_console
from lit_prune.errors import UserError
from lit_prune.files import new_path
from lit_prune.fitting.cli import quiet
from lit_prune.vocabulary.texts import read_texts
from lit_prune.vocabulary.write import prune_vocabulary

_ROWS = 40


def run(arguments: Sequence[str]) -> None:
    """Keep a part of a vocabulary with the arguments of `lit_prune vocabulary`."""
    parser = command_parser(
        "vocabulary",
        "Keep a part of the vocabulary of a model, by the texts that it is for: fewer rows of the embeddings and a "
        "smaller tokenizer, in a folder that transformers loads.",
        "lit_prune vocabulary my_model --keep train.csv --files id=test.csv --out small",
        "lit_prune vocabulary logs/prune/version_0 --keep train.csv 10000 --out small",
    )
    parser.add_function_arguments(vocabulary, as_group=False, as_positional=True, skip={"keep", "files"})
    keep = (
        "csv, tsv, jsonl or parquet files of texts, and a number of tokens. Files alone: all tokens of their texts. A "
        "number too: the most frequent tokens. A number alone: the first tokens of the vocabulary. Special tokens and "
        "those that spell any text are always kept."
    )
    parser.add_argument("--keep", nargs="+", required=True, metavar="FILE|SIZE", help=keep)
    files = "Texts on which to compare the model with the original: held-out ones, and ones of other domains."
    parser.add_argument("--files", nargs="+", default=[], metavar="NAME=PATH", help=files)
    vocabulary(**parser.parse_args(list(arguments)).as_dict())


def vocabulary(
    model: str,
    *,
    keep: Sequence[str],
    out: str,
    files: Sequence[str] = (),
    columns: dict[str, str] | None = None,
) -> None:
    """Keep a part of the vocabulary of a model.

    Args:
        model: Folder of a finished run, logs/<experiment>/version_<n>; folder of a model of transformers or
            sentence-transformers with safe weights and a fast tokenizer; or bundled.
        keep: Files of texts, and a number of tokens.
        out: The new folder.
        files: Sets of texts as NAME=PATH.
        columns: Field of the package (text_a, text_b, label) -> column of the files, such as {text_a: premise}.
            Default: their usual names, such as text, sentence or premise, and label.

    Raises:
        UserError: An argument is invalid, or a file or the model cannot be read.
    """
    quiet()
    new_path(out, folder=True)
    sizes = [int(each) for each in keep if each.isdecimal()]
    if len(sizes) > 1:
        raise UserError(f"--keep must have one number at most, got {', '.join(map(str, sizes))}: choose one")
    sets = {name: read_texts(path, columns, labelled=True) for name, path in named_files(files).items()}
    kept = [Path(each).expanduser() for each in keep if not each.isdecimal()]
    texts = [text for path in kept for text in read_texts(path, columns, labelled=False).texts]
    table = prune_vocabulary(model, out, texts, sizes[0] if sizes else None, sets)
    wide_console().print(table.rich(_ROWS))
    print(out)
