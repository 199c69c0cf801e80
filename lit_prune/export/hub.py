"""Exports on the Hugging Face hub: download them and push them."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from lit_prune import __version__
from lit_prune.data.closed import load_plugins
from lit_prune.encoders.hub_files import is_on_hub
from lit_prune.errors import UserError
from lit_prune.export import peft_files
from lit_prune.export.formats.format import Format
from lit_prune.export.formats.known import FORMATS
from lit_prune.export.read import read_export, reading

_CARD = "README.md"
# Configuration, tokenizer and card; a tokenizer's chat template is kept, and never rendered.
_TEXTS = ("*.json", "*.txt", "*.model", "*.jinja", _CARD)
# A response with an error, and what the client's HTTP library and the system raise.
_FAILURES = tuple(each for each in HfHubHTTPError.__bases__ if issubclass(each, Exception))
_LOG_IN = "log in by hf auth login, or set HF_TOKEN"


def local_folder(named: str | Path, revision: str | None, plugins: Mapping[str, type]) -> Path:
    """Return the local folder of an export: itself, or what is downloaded from the hub into its cache.

    A text `owner/name` is a name on the hub unless a folder has it. Nothing but data is downloaded: texts and the
    tensor files of formats.

    Args:
        named: The folder, or the name on the hub.
        revision: Branch, tag or commit on the hub. If None, the main branch.
        plugins: The classes of the user's own modules, by class path.

    Raises:
        UserError: the hub or its cache does not have the model, or a local folder has a revision.
    """
    if isinstance(named, Path) or "/" not in named or not is_on_hub(named):
        if revision is not None:
            raise UserError(
                f"revision must be left out for a local folder, got {revision!r} for {named}: name a model on the hub"
            )
        return Path(named)
    with _downloading(named, revision):
        return Path(
            snapshot_download(
                named,
                revision=revision,
                allow_patterns=_data(plugins),
                library_name="lit_prune",
                library_version=__version__,
            )
        )


def push_to_hub(
    folder: str | Path,
    repo_id: str,
    *,
    revision: str | None = None,
    private: bool | None = None,
    token: str | None = None,
    commit_message: str = "Upload model",
    plugins: Sequence[str] = (),
) -> str:
    """Upload a folder that `lit_prune export` wrote to the Hugging Face hub, and return the commit.

    `lit_prune.load` with the commit as `revision` loads what was uploaded. The files are verified before. Only those of
    the export are uploaded, in one commit; the model card's example loads the model by its name on the hub.

    Args:
        folder: The folder.
        repo_id: The model on the hub, `owner/name`; created if it does not exist.
        revision: Branch to push to, created if it does not exist. If None, the main branch.
        private: True to create a private model. If None, as the owner's settings have it.
        token: Token to authenticate with. If None, that of `hf auth login` or `HF_TOKEN`.
        commit_message: The message of the commit.
        plugins: Modules of yours that define the export's format or kinds of tasks.

    Raises:
        UserError: the folder is no export, a file in it is damaged, or the hub does not accept it.
    """
    path, classes = Path(folder), load_plugins(plugins)
    with reading([path]):
        read_export(path, classes)
    operations = [
        CommitOperationAdd(name, _named_card(path / name, repo_id) if name == _CARD else path / name)
        for name in _files(path, classes)
    ]
    api = HfApi(token=token, library_name="lit_prune", library_version=__version__)
    with _pushing(repo_id):
        found = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        if revision is not None:
            api.create_branch(found, branch=revision, exist_ok=True)
        return str(api.create_commit(found, operations, commit_message=commit_message, revision=revision).oid)


def copy_export(folder: Path, out: Path, plugins: Sequence[str] = ()) -> None:
    """Copy the files of an export.

    Args:
        folder: The folder with them.
        out: An existing folder, which is empty.
        plugins: Modules of the user that define the export's format.
    """
    for name in _files(folder, load_plugins(plugins)):
        (out / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / name, out / name)


def _data(plugins: Mapping[str, type]) -> list[str]:
    """Return the patterns of the files of exports."""
    own = [each for each in plugins.values() if issubclass(each, Format) and each is not Format]
    tensors = {name for each in (*FORMATS.values(), *own) for name in each.files}
    return [*_TEXTS, *sorted(tensors), peft_files.FILE]


def _files(folder: Path, plugins: Mapping[str, type]) -> list[str]:
    """Return the paths of an export's files in its folder, sorted."""
    inside = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    shown = [path.as_posix() for path in inside if not any(part.startswith(".") for part in path.parts)]
    return [path for path in shown if any(fnmatch(path, pattern) for pattern in _data(plugins))]


def _named_card(path: Path, repo_id: str) -> bytes:
    """Return a model card whose examples load the model by its name on the hub."""
    return re.sub(r"\bFOLDER\b", f'"{repo_id}"', path.read_text()).encode()


@contextmanager
def _downloading(name: str, revision: str | None) -> Iterator[None]:
    """Raise errors of a download as a `UserError`."""
    page = f"{constants.ENDPOINT}/{name}"
    try:
        yield
    except RevisionNotFoundError as error:
        raise UserError(
            f"revision must be a branch, tag or commit of {name}, got {revision!r}: choose one of {page}/commits/main"
        ) from error
    except GatedRepoError as error:
        raise UserError(
            f"folder must be a model that you may read, got {name}, which is gated: ask for access at {page}, then "
            f"{_LOG_IN}"
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"folder must be an existing folder or a model on the hub, got {name}: check the name; if the model is "
            f"private, {_LOG_IN}"
        ) from error
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"folder must be an existing folder, or the hub within reach, got {name} (revision {revision or 'main'}), "
            "which is not in the hub's cache either: check the name, connect, or fill the cache beforehand (HF_HOME)"
        ) from error
    except _FAILURES as error:
        raise UserError(f"{name} must be a model that can be downloaded, got {_line(error)}: try again") from error


@contextmanager
def _pushing(name: str) -> Iterator[None]:
    """Raise errors of an upload as a `UserError`."""
    try:
        yield
    except HFValidationError as error:
        raise UserError(f"repo_id must be a name such as owner/name, got {name!r}: correct it") from error
    except OfflineModeIsEnabled as error:
        raise UserError("HF_HUB_OFFLINE must be unset to push a model, got 1: unset it") from error
    except (LocalTokenNotFoundError, RepositoryNotFoundError) as error:
        raise UserError(f"repo_id must be a model that you may write to, got {name}: {_LOG_IN}") from error
    except _FAILURES as error:
        refused = isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403)
        remedy = f"{_LOG_IN}, with a token that may write" if refused else "try again"
        raise UserError(f"{name} must accept the upload, got {_line(error)}: {remedy}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
