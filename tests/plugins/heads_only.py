"""A phase of one's own: the encoder is frozen, and the heads train on their own."""

from lit_prune.phases import Phase


class HeadsOnly(Phase):
    """A linear probe."""

    freezes_base = True

    def trained_names(self, run):
        return [name for name in super().trained_names(run) if name.startswith("heads.")]

    def begin(self, run):
        for name, value in run.named_parameters():
            value.requires_grad_(name.startswith("heads."))

    def restore(self, run, state):
        super().restore(run, state)
        self.begin(run)

    def record(self, run):
        return {"probed": 1.0}
