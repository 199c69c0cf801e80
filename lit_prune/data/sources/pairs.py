"""Pairs of texts that belong together, without labels, from local files."""

from lit_prune.data.sources.files import TableFiles, TextSplit


class PairFiles(TableFiles):
    """Pairs of texts without scores, such as questions and passages, below `--data.root`. No network is needed.

    What is trained on and `id` must be there if named; another evaluation set that is not is left out with a warning.

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> its file.
    """

    def __init__(self, splits: dict[str, TextSplit]) -> None:
        super().__init__(splits)
