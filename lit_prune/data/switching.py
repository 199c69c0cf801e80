"""Training batches whose source changes with the phase of a run."""

from collections.abc import Callable, Iterable, Iterator

from lit_prune.data.batch import Batch

FindSource = Callable[[], Iterable[Batch] | None]  # the batches of the current phase, None: the data module's


class SwitchingLoader:
    """As many batches as the data module's loader has, each from the source that the run is in.

    Args:
        make_default: Returns the data module's loader, from where training stands.
        find_source: Returns the batches of the current phase, always the same object in a phase, or
            None if the phase trains on the data module's.
    """

    def __init__(self, make_default: Callable[[], Iterable[Batch]], find_source: FindSource) -> None:
        self.make_default = make_default
        self.find_source = find_source

    def __len__(self) -> int:
        return len(self.make_default())  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Batch]:
        current: Iterable[Batch] | None = None
        batches: Iterator[Batch] = iter(self.make_default())
        for _ in range(len(self)):
            source = self.find_source()
            if source is not current:
                current, batches = source, self._from(source)
            batch = next(batches, None)
            if batch is None:  # a pass over the source has ended
                batches = self._from(source)
                batch = next(batches)
            yield batch

    def _from(self, source: Iterable[Batch] | None) -> Iterator[Batch]:
        return iter(self.make_default() if source is None else source)
