"""Files that unpack to far more than they hold, and how they are refused."""

import io
import json
import zipfile

import pyarrow
import pyarrow.parquet as parquet
import pytest
import yaml

from lit_prune.data.sources.readers import READERS
from lit_prune.data.sources.squad import read_squad
from lit_prune.errors import UserError
from lit_prune.files import read_json, read_yaml
from lit_prune.limits import LONGEST_LINE, MOST_COLUMNS, bounded_lines, check_seed, parse_yaml
from lit_prune.runs.checkpoints import read_checkpoint


def first_error(rows):
    try:
        return next(str(record) for _, record in rows if isinstance(record, UserError))
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_hundred_thousand_columns_are_refused(tmp_path, suffix):
    path, names = tmp_path / f"wide{suffix}", [f"c{number}" for number in range(100_000)]
    if suffix == ".parquet":
        parquet.write_table(
            pyarrow.table({name: pyarrow.array([], "int8") for name in names[: MOST_COLUMNS + 1]}), path
        )
    elif suffix == ".jsonl":
        path.write_text(json.dumps(dict.fromkeys(names, 1)) + "\n")
    else:
        path.write_text({".csv": ",", ".tsv": "\t"}[suffix].join(names) + "\n")
    assert f"must have at most {MOST_COLUMNS:,} columns" in first_error(READERS[suffix](path))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_a_line_without_end_is_refused(tmp_path, suffix):
    path = tmp_path / f"long{suffix}"
    with path.open("wb") as file:
        file.truncate(2**30)  # zeros that take no disk
    assert "characters" in first_error(READERS[suffix](path))


def test_lines_are_those_of_the_file():
    assert list(bounded_lines(io.BytesIO(b"a\nb\n\nc"), "x")) == [b"a\n", b"b\n", b"\n", b"c"]
    assert list(bounded_lines(io.StringIO("a" * LONGEST_LINE), "x")) == ["a" * LONGEST_LINE]


@pytest.mark.parametrize("read", [lambda path: read_json(path, dict), read_yaml, lambda path: list(read_squad(path))])
def test_a_huge_text_is_refused_unread(tmp_path, read):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(UserError, match="must have at most"):
        read(path)


def test_a_compressed_checkpoint_is_refused(tmp_path):
    path = tmp_path / "best.ckpt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**26))
    assert path.stat().st_size < 2**20
    with pytest.raises(UserError, match="compressed"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: &a [x, x, x, x, x, x, x, x]\n"
            + "".join(f"b{n}: &b{n} [{', '.join(['*' + (f'b{n - 1}' if n else 'a')] * 8)}]\n" for n in range(9)),
            "aliases expand to too many nodes",
        ),
        ("a: &a {k: *a}", "aliases"),
        ("[" * 50_000, "must be valid yaml"),
        ("a: !!python/object/apply:os.system [true]", "must be valid yaml"),
        ("a: 2001-99-99", "must be valid yaml"),
        ("a: 1\n---\nb: 2", "must be valid yaml"),
        ("x" * 2**21, "must have at most"),
    ],
    ids=["aliases", "recursive", "deep", "object", "date", "two", "large"],
)
def test_a_hostile_yaml_is_an_error(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        parse_yaml(text.encode(), tmp_path / "a.yaml")
    assert "\n" not in str(error.value)


def test_a_yaml_is_read_as_by_its_library(tmp_path):
    text = "a: &a {b: [1, 2.5, null, true, text]}\nc: *a\nd:\n  <<: *a\n  e: 1\n"
    assert parse_yaml(text.encode(), tmp_path / "a.yaml") == yaml.safe_load(text)
    assert parse_yaml(b"", tmp_path / "a.yaml") is None


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_a_seed_that_all_libraries_take_passes(seed):
    check_seed("seed_everything", seed)


@pytest.mark.parametrize("seed", [-1, 2**32, True, False, None, 1.0, "1"])
def test_another_seed_is_named(seed):
    with pytest.raises(UserError, match=f"seed_everything must be .*, got {seed}: "):
        check_seed("seed_everything", seed)
