"""The mechanical rules of the package's English: first words of docstrings, forms of error messages."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "lit_prune"
FIRST_WORDS = re.compile(r"(What|That|Those|The same|Of|Whether|Have)\b")  # none of a docstring
ERRORS = {"UserError", "IncompleteError"}
FORMS = re.compile(r" must |^\W*unknown ")  # of error messages: `<setting> must be ...`, `<path>: unknown <thing> ...`


def modules():
    return [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]


def docstrings(name):
    """The docstrings of a module, its classes and functions."""
    for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def texts(node):
    return "".join(
        part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


@pytest.mark.parametrize("name", modules())
def test_docstrings_begin_with_a_noun_phrase_or_an_imperative(name):
    for docstring in docstrings(name):
        assert not FIRST_WORDS.match(docstring), docstring


@pytest.mark.parametrize("name", modules())
def test_docstrings_explain_none_in_words(name):
    for docstring in docstrings(name):
        assert not re.search(r"\bNone: ", docstring), docstring  # "If None, ..."


def handlers(tree):
    """The nodes in `except UserError`, where a message is passed on with its place in front."""
    return {
        node
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler) and isinstance(handler.type, ast.Name)
        if handler.type.id == "UserError"
        for node in ast.walk(handler)
    }


@pytest.mark.parametrize("name", modules())
def test_errors_for_users_have_the_forms_of_the_style(name):
    tree = ast.parse((PACKAGE / name).read_text())
    passed_on = handlers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            text = texts(node)
            has_words = re.search("[a-z]", text)
            assert not has_words or node in passed_on or FORMS.search(text), text
