"""The parser of `lit_prune fit`: how it reads yaml, and what its help shows."""

from argparse import SUPPRESS, Action
from typing import Any

from jsonargparse import get_loader, set_loader
from lightning.pytorch import Trainer
from lightning.pytorch.cli import LightningArgumentParser

from lit_prune.callbacks.record import CHOSEN_PRECISION
from lit_prune.data.configured import setting
from lit_prune.display.help import HelpFormatter, description
from lit_prune.errors import UserError
from lit_prune.runs.aliases import resolve_aliases

TRAINER_DEFAULTS = {
    "max_epochs": -1,  # a run ends with its last phase
    "check_val_every_n_epoch": None,  # val_check_interval counts optimizer steps, across epochs
    "use_distributed_sampler": False,  # the package's sampler shares batches among processes itself
    "gradient_clip_val": 1.0,
    "log_every_n_steps": 10,
    "enable_model_summary": False,
}
_TRAINER = "Lightning's Trainer, such as --trainer.accelerator cpu and --trainer.val_check_interval 100"

_LOADER = "lit_prune"  # yaml, with aliases of settings resolved
_SET_BY_PROGRAMS = ("axes", CHOSEN_PRECISION)  # options that no user sets
_PURPOSE = (
    "Train a model: a run of one or several phases, as configurations set it. A later configuration overrides an "
    "earlier one, and a setting overrides both. `lit_prune configs` lists the configurations that come with the "
    "package. The last line of the output is the path of the run's folder."
)
_EXAMPLES = (
    "lit_prune fit --config configs/srnet_poe.yaml",
    "lit_prune fit --config configs/srnet_poe.yaml --seed_everything 2 --data.batch_size 16",
    "lit_prune fit --resume logs/srnet_poe/version_0",
    "lit_prune fit --model.help MaskTraining",
)


class FitHelp(HelpFormatter):
    """Help of `fit`, without settings of the Trainer, options that programs set, and links between settings."""

    def add_argument(self, action: Action) -> None:
        """Show an option."""
        is_option = all(each.startswith("-") for each in action.option_strings)
        if is_option and not action.dest.startswith("trainer.") and action.dest not in _SET_BY_PROGRAMS:
            super().add_argument(action)


class Parser(LightningArgumentParser):
    """A parser that takes no prefix of a key for the key; those that jsonargparse makes for classes are of its type."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kwargs)


class TrainerHelp(Action):
    """The option `--trainer.help`, which lists the settings of the Trainer."""

    def __init__(self, option_strings: list[str], **further: Any) -> None:
        super().__init__(option_strings, dest=SUPPRESS, default=SUPPRESS, nargs=0, help="List its settings and exit.")

    def __call__(self, parser: Any, *further: Any) -> None:
        """List them, and end the process."""
        shown = Parser(
            usage="lit_prune fit --config FILE [--trainer.SETTING VALUE ...]",
            description="The settings of Lightning's Trainer, with the package's defaults.",
            formatter_class=HelpFormatter,
        )
        add_trainer(shown)
        shown.print_help()
        parser.exit()


def add_trainer(parser: LightningArgumentParser) -> None:
    """Add the settings of the Trainer, with the defaults of the package."""
    parser.add_lightning_class_args(Trainer, "trainer")
    parser.set_defaults({f"trainer.{name}": value for name, value in TRAINER_DEFAULTS.items()})
    parser.groups["trainer"].title = _TRAINER


def _load(text: str) -> Any:
    """Return what a yaml contains, with aliases resolved.

    Raises:
        UserError: it overrides a single phase of a list, which would drop the others.
    """
    content = resolve_aliases(get_loader("yaml")(text))
    phases = setting(content, "model.init_args.phases", Any) if isinstance(content, dict) else None
    for name, phase in phases.items() if isinstance(phases, dict) else ():
        if not isinstance(phase, str) and "class_path" not in (phase or {}):
            raise UserError(
                f"model.init_args.phases in a configuration must list whole phases, got {name!r} without class_path: "
                f"override a setting by an argument, as --model.init_args.phases.{name}.init_args.training.length"
            )
    return content


set_loader(_LOADER, _load)

_READING = {"exit_on_error": False, "parser_mode": _LOADER}
_SHOWN = {
    "usage": "lit_prune fit --config FILE [--config FILE ...] [--SETTING VALUE ...]\n       lit_prune fit --resume RUN",
    "description": description(_PURPOSE, *_EXAMPLES),
}
PARSER = _READING | {"fit": _READING | _SHOWN, "formatter_class": FitHelp}  # keywords of LightningCLI
