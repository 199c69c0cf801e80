"""Scalars in the TensorBoard event files of a run, which are records of it: a damaged file, or a link, is an error.

An event file is a sequence of records: the length of the data and its checksum, the data and its checksum.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from lit_prune.errors import UserError
from lit_prune.files import read_verified

Scalars = dict[str, list[tuple[int, float]]]  # steps and values by tag

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_HEAD = _LENGTH.size + _CHECKSUM.size


def read_scalars(run: Path) -> Scalars:
    """Return the scalars in the event files of a run's folder.

    Raises:
        UserError: An event file is damaged or a link.
    """
    scalars: Scalars = {}
    for path in sorted(run.glob("*tfevents*")):
        if not (path.is_file() or path.is_symlink()):
            continue
        content = read_verified(path)
        try:
            events = [Event.FromString(data) for data in _records(content)]
        except (ValueError, DecodeError) as error:
            raise UserError(f"{path} must be an event file of TensorBoard, got {error}: restore the file") from error
        for event in events:
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    scalars.setdefault(value.tag, []).append((event.step, value.simple_value))
    return scalars


def _records(content: bytes) -> Iterator[bytes]:
    """Yield the data of all records but an incomplete one at the end, which a killed process leaves.

    Raises:
        ValueError: Length or data of a record have another checksum.
    """
    start = 0
    while (begin := start + _HEAD) <= len(content):
        length = _checked(content, start, begin - _CHECKSUM.size)
        end = begin + _LENGTH.unpack(length)[0]
        if end + _CHECKSUM.size > len(content):
            return
        yield _checked(content, begin, end)
        start = end + _CHECKSUM.size


def _checked(content: bytes, start: int, end: int) -> bytes:
    """Return a section of the content that its checksum follows."""
    data = content[start:end]
    if masked_crc32c(data) != _CHECKSUM.unpack_from(content, end)[0]:
        raise ValueError(f"another checksum at byte {end}")
    return data
