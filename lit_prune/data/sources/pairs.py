"""Pairs of texts that belong together, without labels: from local files, or tables in memory."""

from collections.abc import Mapping

import pyarrow

from lit_prune.data.sources.fields import Texts, check_names, read_rows
from lit_prune.data.sources.files import TableFiles, TextSplit
from lit_prune.data.sources.frames import ROWS, Table, plain_records, to_frame
from lit_prune.data.sources.in_memory import InMemory


class PairFiles(TableFiles):
    """Pairs of texts without scores, such as questions and passages, below `--data.root`. No network is needed.

    What is trained on and `id` must be there if named; another evaluation set that is not is left out with a warning.

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> its file.
    """

    def __init__(self, splits: dict[str, TextSplit]) -> None:
        super().__init__(splits)


class PairFrames(InMemory):
    """Pairs of texts without scores, from pandas DataFrames or `datasets.Dataset`s.

    Args:
        splits: Split -> its table, as for `Frames`.
        columns: Field of the package (text_a, text_b, id, group) -> column of the tables, by default the name of the
            field.
        drop_incomplete: Drop rows that lack a text, with a warning that counts them.

    Raises:
        UserError: A table lacks a column, or a row a text.
    """

    def __init__(
        self, splits: Mapping[str, Table], columns: Mapping[str, str] | None = None, drop_incomplete: bool = False
    ) -> None:
        check_names(splits)
        tables = {}
        for split, table in splits.items():
            where = f"{split} set"
            frame = to_frame(table, where)
            found = {field: field for field in ("text_a", "text_b", *Texts.optional) if field in frame}
            read_as = Texts(columns={"text_a": "text_a", **found, **(columns or {})}, drop_incomplete=drop_incomplete)
            read_as.check_found(list(frame), where)
            rows = list(read_rows(enumerate(plain_records(frame)), read_as, f"{where}, row {{}}".format, where))
            tables[split] = pyarrow.Table.from_pylist(rows, schema=ROWS)
        super().__init__(tables)
