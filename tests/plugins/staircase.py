"""A schedule of one's own."""

from lit_prune.sparsity.schedules import Schedule


class Staircase(Schedule):
    """Equal steps up to the final sparsity."""

    def __init__(self, final: float, steps: int = 4):
        self.final = final
        self.num_steps = steps

    def __call__(self, progress):
        return self.final * min(int(progress * self.num_steps) + 1, self.num_steps) / self.num_steps
