"""Processes that are killed while they write a file of a run."""

import multiprocessing
import os
import pathlib
import signal
import tempfile
import types

import lit_prune.files
from lit_prune.cli import main

CONTEXT = multiprocessing.get_context("forkserver")  # its processes have what is below imported already
CONTEXT.set_forkserver_preload(["lit_prune.fitting.cli", "lit_prune.paradigms", "lit_prune.data", "lit_prune.tuning"])

# Another file system than that of the runs, where there is one: what is staged there is copied over a run's file.
_OTHER_DEVICE = next((each for each in ("/dev/shm", "/run") if os.access(each, os.W_OK)), None)

CALLS = ("before fsync", "after fsync", "before rename", "after rename")


class DyingFile:
    """A file whose process is killed once so many bytes have been written, or all of fewer."""

    def __init__(self, file, num_bytes):
        self.file = file
        self.left = num_bytes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        die()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        content = bytes(content)
        self.file.write(content[: self.left])
        self.left -= len(content)
        if self.left <= 0:
            self.file.flush()
            die()
        return len(content)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_in_writer(name, number, place):
    """Have this process killed when it writes a file of this name for the so-manieth time (from 1), at a place.

    That is a number of bytes into the file, or one of `CALLS`.
    """
    seen = 0
    opened, partial_of = pathlib.Path.open, lit_prune.files._partial

    def partial(path):
        nonlocal seen
        seen += path.name == name
        return partial_of(path)

    def is_meant(path):
        path = pathlib.Path(path)
        return seen == number and (path.name == name or path.name.startswith(f".{name}."))

    def open_(path, mode="r", *arguments, **options):
        file = opened(path, mode, *arguments, **options)
        return DyingFile(file, place) if mode == "wb" and isinstance(place, int) and is_meant(path) else file

    def fsync(descriptor):
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        around(os.fsync, "fsync", path, descriptor)

    def replace(partial, path):
        around(os.replace, "rename", path, partial, path)

    def around(call, what, path, *arguments):
        if is_meant(path) and place == f"before {what}":
            die()
        call(*arguments)
        if is_meant(path) and place == f"after {what}":
            die()

    pathlib.Path.open = open_
    lit_prune.files._partial = partial
    lit_prune.files.os = types.SimpleNamespace(**(vars(os) | {"fsync": fsync, "replace": replace}))


def _run(arguments, fault):
    tempfile.tempdir = _OTHER_DEVICE
    kill_in_writer(*fault)
    os._exit(main(arguments))


def killed(arguments, *fault):
    """Run a command line in a process that is killed by a fault; whether it was."""
    process = CONTEXT.Process(target=_run, args=(arguments, fault))
    process.start()
    process.join(300)
    return process.exitcode == -signal.SIGKILL
