"""Records of each kind of file, and what is said of a broken one (bad rows of .jsonl and .tsv: test_files.py)."""

import pyarrow
import pyarrow.parquet
import pytest

from lit_prune.data.sources.readers import READERS
from lit_prune.errors import UserError

RECORDS = [{"text": 'say "hi", then\ngo', "label": "good"}, {"text": "no", "label": "bad"}]


def read(path):
    return list(READERS[path.suffix](path))


def write(tmp_path, content, name="rows.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_fields_may_be_quoted_and_hold_line_ends(tmp_path, end):
    content = f'text,label{end}"say ""hi"", then\ngo",good{end}{end}no,bad{end}'
    assert read(write(tmp_path, content)) == [(2, RECORDS[0]), (5, RECORDS[1])]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert read(write(tmp_path, b"\xef\xbb\xbftext,label\nno,bad\n")) == [(2, RECORDS[1])]


def test_a_parquet_table_is_read_in_row_order_by_row_number(tmp_path):
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(RECORDS), tmp_path / "rows.parquet", row_group_size=1)
    assert read(tmp_path / "rows.parquet") == [(1, RECORDS[0]), (2, RECORDS[1])]


def test_a_file_of_nothing_but_a_header_has_no_records(tmp_path):
    assert read(write(tmp_path, "text,label\n")) == []
    assert read(write(tmp_path, "")) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,b\na,b,c\n", r"rows.csv:3: 3 fields, but the header has 2; correct or remove the line"),
        ('text,label\n"a\nb",c\nd\n', r"rows.csv:4: 1 fields"),
        ('text,label\n"a"x,b\n', r"rows.csv:2: malformed CSV \(.*\); correct the quotes of this row"),
        ('text,label\na,b\n"a,b\n', r"rows.csv:3: malformed CSV"),
        ("text,label,text\na,b,c\n", r"rows.csv:1: the columns \['text'\] come more than once; rename them"),
        (b"text,label\n\xff,b\n", r"rows.csv:2: not UTF-8"),
    ],
)
def test_a_broken_csv_is_named_with_its_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read(write(tmp_path, content))


def test_what_is_no_parquet_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"rows.parquet: not a readable Parquet file"):
        read(write(tmp_path, "text,label\n", "rows.parquet"))
