"""Files of every kind: their records with the numbers of their lines, and what is said where they are malformed."""

import pyarrow
import pyarrow.parquet
import pytest

from lit_prune.data.sources.readers import READERS, IncompleteError, shown
from lit_prune.errors import UserError


@pytest.fixture
def read(tmp_path):
    """A function: a file's name and content -> its records."""

    def records(name, content):
        path = tmp_path / name
        if isinstance(content, pyarrow.Table):
            pyarrow.parquet.write_table(content, path, row_group_size=700)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(READERS[path.suffix](path))

    return records


SAME = [(2, {"text": "a b", "label": "1"}), (3, {"text": "c", "label": "0"})]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\na b,1\nc,0\n"),
        ("a.tsv", "text\tlabel\na b\t1\nc\t0"),
        ("a.txt", "text\tlabel\r\na b\t1\r\nc\t0\r\n"),
        ("a.jsonl", '\n{"text": "a b", "label": "1"}\n{"text": "c", "label": "0"}\n'),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_the_same_rows_from_every_kind_of_text(read, name, content, mark):
    assert read(name, mark + content) == SAME


def test_a_csv_text_in_quotation_marks_holds_commas_marks_and_lines(read):
    content = 'text,label\r\n"Say ""hi"", twice",1\r\n\r\n"two\r\nlines\u2028",0\r\nlast,1\r\n'
    assert read("a.csv", content) == [
        (2, {"text": 'Say "hi", twice', "label": "1"}),
        (4, {"text": "two\r\nlines\u2028", "label": "0"}),
        (6, {"text": "last", "label": "1"}),
    ]


def test_tab_separated_marks_are_characters(read):
    assert read("a.tsv", 'a\tb\n"go\t""\n') == [(2, {"a": '"go', "b": '""'})]


def test_parquet_comes_batch_by_batch_in_order(read):
    table = pyarrow.table({"text": [f"t{row}" for row in range(2500)], "label": pyarrow.array(range(2500))})
    assert read("a.parquet", table) == [(row + 1, {"text": f"t{row}", "label": row}) for row in range(2500)]


def test_parquet_with_categories(read):
    table = pyarrow.table({"label": pyarrow.array(["x", "y", "x"]).dictionary_encode()})
    assert [record["label"] for _, record in read("a.parquet", table)] == ["x", "y", "x"]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_an_empty_file_has_no_records(read, name):
    assert read(name, "") == []


def test_unnamed_columns_may_repeat(read):
    assert read("a.csv", "text,,\nx,,\n") == [(2, {"text": "x", "": ""})]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\r"a b",1\rc,0\r'),
        ("a.tsv", "text\tlabel\ra b\t1\rc\t0"),
        ("a.jsonl", '\r{"text": "a b", "label": "1"}\r{"text": "c", "label": "0"}\r'),
    ],
)
def test_lines_may_all_end_in_carriage_returns(read, name, content):
    assert read(name, content) == SAME


def test_a_carriage_return_in_a_file_with_line_feeds_is_a_character(read):
    assert read("a.tsv", "a\tb\n1\r2\t3\n") == [(2, {"a": "1\r2", "b": "3"})]


def test_a_text_may_be_of_any_length(read):
    text = "dog " * 50_000
    assert read("a.csv", f'text\n"{text}"\n') == read("a.tsv", f"text\n{text}\n") == [(2, {"text": text})]


def test_a_row_of_blank_fields_is_a_row_in_every_kind_of_text(read):
    assert read("a.tsv", "a\tb\n\t\n") == read("a.csv", "a,b\n,\n") == [(2, {"a": "", "b": ""})]


def test_a_whole_surrogate_pair_is_a_character(read):
    assert read("a.jsonl", r'{"text": "\ud83d\ude00"}') == [(1, {"text": "\U0001f600"})]


def parquet_of_bytes():
    """Texts that are not UTF-8, the second of three."""
    bytes_ = pyarrow.array([b"a", b"\xff", b"c"])
    return pyarrow.Table.from_arrays([pyarrow.Array.from_buffers(pyarrow.string(), 3, bytes_.buffers())], ["text"])


TWICE = pyarrow.Table.from_arrays([pyarrow.array(["x"]), pyarrow.array(["y"])], names=["text", "text"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            'text,label\na,1\n"b,0\nc,1\n',
            r"a.csv:3 must be valid csv, got malformed csv \(unexpected end of data\): close each",
        ),
        (
            "a.csv",
            'text,label\n"a"b,1\n',
            r"a.csv:2 must be valid csv, got malformed csv \(.*\): close each quotation mark, and double",
        ),
        (
            "a.csv",
            "text,label,text\n",
            r"a.csv:1: columns must have different names, got several 'text': rename all but one",
        ),
        ("a.tsv", "text\tlabel\ttext\n", r"a.tsv:1: columns must have different names, got several 'text'"),
        ("a.csv", b"text,label\nok,1\ncaf\xe9,1\n", r"a.csv:3 must be UTF-8, .*: convert the file to UTF-8"),
        ("a.csv", "text,label\n".encode("utf-16"), r"a.csv:1 must be UTF-8, got other bytes"),
        (
            "a.csv",
            "text,label\n".encode("utf-16-le"),
            r"a.csv:1 must be UTF-8, got a NUL byte, as in UTF-16: convert the file to UTF-8",
        ),
        ("a.csv", "text,label\nok,1\na\0b,1\n", r"a.csv:3 must be UTF-8, got a NUL byte"),
        (
            "a.csv",
            "text,label\na\rb,1\n",
            r"a.csv:2 must .* \(a carriage return outside quot.*\): give all lines the same",
        ),
        ("a.jsonl", "{oops\n", r"a.jsonl:1 must be valid JSON, got malformed JSON"),
        (
            "a.jsonl",
            '{}\n{"a": "\\ud83d b"}\n',
            r"a.jsonl:2 must be valid JSON, got malformed JSON \('\\ud83d' is half of a surrogate pair\)",
        ),
        (
            "a.jsonl",
            '{}\n{"\\udc00": 1}\n',
            r"a.jsonl:2 must be valid JSON, got malformed JSON \('\\udc00' is half of a surrogate pair\)",
        ),
        (
            "a.jsonl",
            '{}\n{"a": ' + "1" * 5000 + "}\n",
            r"a.jsonl:2 must be valid JSON, got malformed JSON \(Exceeds the limit \(4300 digits\)",
        ),
        (
            "a.jsonl",
            "{}\n" + "[" * 100_000 + "\n",
            r"a.jsonl:2 must be valid JSON, got malformed JSON \(nested too deeply\)",
        ),
        ("a.jsonl", "[1]\n", r"a.jsonl:1 must be a JSON object, got '\[1\]'"),
        (
            "a.parquet",
            b"text,label",
            r"a.parquet must be readable as parquet, got an error after row 0 \(.*\): write it again",
        ),
        ("a.parquet", parquet_of_bytes(), r"a.parquet must .* after row 0 \(.*Invalid UTF8 sequence at string index 1"),
        ("a.parquet", TWICE, r"a.parquet: columns must have different names, got several 'text'"),
    ],
)
def test_what_is_malformed_is_named_with_its_line(read, name, content, message):
    with pytest.raises(UserError, match=message):
        read(name, content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "text,label\nb, c,0\na,1\n",
            r"a.csv:2 must have 2 fields, as the header has, got 3: .*in quotation marks",
        ),
        ("a.csv", 'text,label\n"a\nb"\na,1\n', r"a.csv:2 must have 2 fields, as the header has, got 1"),
        (
            "a.tsv",
            "text\tlabel\nx\na\t1\n",
            r"a.tsv:2 must have 2 fields, as the header has, got 1: correct or remove the line$",
        ),
    ],
)
def test_a_row_with_other_fields_than_the_header_is_named_and_the_next_is_read(read, name, content, message):
    (_, error), (_, record) = read(name, content)
    assert record == {"text": "a", "label": "1"}
    with pytest.raises(IncompleteError, match=message):
        raise error


@pytest.mark.parametrize(("kind", "line"), [(".csv", "gj04,1,a text"), (".tsv", "gj04\t1\ta text")])
def test_a_file_without_a_header_has_the_columns_that_are_given(kind, line, tmp_path):
    path = tmp_path / f"rows{kind}"
    path.write_text(f"{line}\n{line[:6]}\n")
    (first, found), (second, missing) = READERS[kind](path, ["source", "label", "text"])
    assert (first, found) == (1, {"source": "gj04", "label": "1", "text": "a text"})
    assert second == 2
    assert isinstance(missing, IncompleteError)
    assert "must have 3 fields, as `header` has" in str(missing)


@pytest.mark.parametrize("value", ["x" * 1000, 10**1000, [[[[[[[[["x"]]]]]]]]], {"a": "x" * 1000}])
def test_a_value_is_shown_in_short(value):
    assert len(shown(value)) < 60
