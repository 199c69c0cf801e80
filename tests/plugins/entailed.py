"""A phase of one's own that trains on rows of its own."""

from lit_prune.phases import FineTune


class Entailed(FineTune):
    """Trains on batches of one label alone."""

    has_own_batches = True
    may_be_empty = False

    def batches(self, run):
        if not hasattr(self, "own"):
            rows = run.data.train["nli"]
            chosen = [row for row, label in enumerate(rows["label"]) if label == 1][:16]
            self.own = [run.data.batch_of("nli", chosen[start : start + 8]) for start in (0, 8)]
        return self.own
