"""The model that teaches a run: of a checkpoint, or of a folder of transformers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lit_prune import __version__
from lit_prune.data.batch import Batch
from lit_prune.data.checks import check_lengths
from lit_prune.data.table import rules_of
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.runs.checkpoints import check_dense, digest, find_dense, load_dense, read_checkpoint
from lit_prune.sparsity.pairs import install_saved_pairs

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class TeacherModel(nn.Module):
    """An encoder with a head for each task, in evaluation.

    Args:
        encoder: The encoder.
        heads: The heads, by task.
    """

    def __init__(self, encoder: PrunableEncoder, heads: nn.ModuleDict) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = heads
        self.eval().requires_grad_(False)

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits of a batch; see `Paradigm.forward`."""
        logits: Tensor = self.heads[batch.task](*self.encoder(batch.inputs), **batch.head_inputs)
        return logits

    @torch.no_grad()
    def layers(self, batch: Batch) -> list[Tensor]:
        """Return the hidden states after each layer, (texts, length, width) each."""
        states: list[Tensor] = []
        self.encoder(batch.inputs, states)
        return states

    def described(self) -> list[Any]:
        """Return plain values that change whenever its outputs would: the package's version, weights, settings."""
        settings = self.encoder.backbone.config.to_diff_dict()
        settings.pop("_name_or_path", None)
        return [__version__, digest(self.state_dict()), settings, self.encoder.pooling]


class Origin:
    """Where the model comes from that teaches a run.

    Args:
        named: A run's folder, a checkpoint, or the folder of a model of transformers.

    Raises:
        UserError: It is neither.
    """

    def __init__(self, named: str) -> None:
        self.is_folder = (Path(named) / "config.json").is_file()
        self.path = Path(named) if self.is_folder else find_dense(named, "teacher")
        self._of_folder: TeacherModel | None = None

    def check(self, run: "Paradigm") -> None:
        """Check that the model has the tasks of a run: a folder's is loaded, a checkpoint's has the run's architecture.

        Raises:
            UserError: The model is another.
        """
        if not self.is_folder:
            check_dense(run, read_checkpoint(self.path)["state_dict"], self.path)
            return
        with torch.random.fork_rng(devices=[]):  # heads are drawn before they are loaded
            self._of_folder = _load_folder(self.path, run)

    def check_inputs(self, run: "Paradigm", max_length: int, has_hidden: bool) -> None:
        """Check that the model can read what a run reads.

        Args:
            run: The run.
            max_length: Maximum number of tokens of a row.
            has_hidden: Whether its hidden states are compared.

        Raises:
            UserError: Its positions are too few, its tokens or hidden states cannot be compared.
        """
        if self._of_folder is None:
            return
        theirs, ours = self._of_folder.encoder, run.encoder
        try:
            check_lengths(max_length, list(run.tasks.values()), theirs.tokenizer)
        except UserError as error:
            raise UserError(f"teacher {self.path}: {error}") from error
        of_tokens = [name for name, task in run.tasks.items() if task.makes_windows]
        if not reads_alike(theirs, ours) and (of_tokens or has_hidden):
            reason = f"task {of_tokens[0]!r} is of tokens" if of_tokens else "hidden states of tokens are compared"
            raise UserError(f"teacher must have the tokenizer of encoder.backbone, got {self.path}: {reason}")
        shapes = [(each.hidden_size, each.backbone.config.num_hidden_layers) for each in (theirs, ours)]
        if has_hidden and shapes[0] != shapes[1]:
            raise UserError(
                f"teacher must have the width and the number of layers of encoder.backbone, {shapes[1]}, got "
                f"{shapes[0]} in {self.path}: set hidden_weight of Distillation to 0, or take another teacher"
            )

    def model(self, run: "Paradigm") -> TeacherModel:
        """Return the model, on the run's device, and hold it no longer."""
        found, self._of_folder = self._of_folder, None
        return (found or _load_checkpoint(self.path, run)).to(run.device)


def reads_alike(encoder: PrunableEncoder, other: PrunableEncoder) -> bool:
    """True if two encoders have the same tokens."""
    return rules_of(encoder.tokenizer) == rules_of(other.tokenizer)


def _load_checkpoint(path: Path, run: "Paradigm") -> TeacherModel:
    """Build the dense model of a checkpoint, which has the architecture that a run began with."""
    settings: dict[str, Any] = {**run.encoder.arguments, "pretrained": False, "compile": False}
    with torch.random.fork_rng(devices=[]):
        encoder = PrunableEncoder(**settings)
        heads = nn.ModuleDict({name: task.make_head(encoder) for name, task in run.tasks.items()})
    model = TeacherModel(encoder, heads)
    state = read_checkpoint(path)["state_dict"]
    install_saved_pairs(model, state)
    load_dense(model, state, path)
    return model.eval()


def _load_folder(path: Path, run: "Paradigm") -> TeacherModel:
    """Build the model of a folder of transformers under its own heads.

    Raises:
        UserError: It has no head for a task, or one of other classes.
    """
    encoder = PrunableEncoder(str(path))
    heads = nn.ModuleDict({name: task.make_head(encoder) for name, task in run.tasks.items()})
    saved = encoder.saved_head
    for name, task in run.tasks.items():
        if not list(heads[name].parameters()):  # embeddings
            if encoder.hidden_size != run.encoder.hidden_size:
                raise UserError(
                    f"teacher of task {name!r} must have embeddings of width {run.encoder.hidden_size}, got "
                    f"{encoder.hidden_size} in {path}: take another one"
                )
        elif saved is None or not saved.copy_into(heads[name], task.architecture, task.classes):
            needed = ", ".join(task.classes) or f"a {type(task).__name__}"
            found = "no head" if saved is None else f"{saved.model.name} of {', '.join(saved.labels)}"
            raise UserError(
                f"teacher of task {name!r} must have a head for {needed}, got {found} in {path}: fine-tune it for the "
                "task, or correct id2label in its config.json"
            )
    return TeacherModel(encoder, heads)
