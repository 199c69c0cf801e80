"""Public names that are imported when they are first used."""

import subprocess
import sys

import pytest

from lit_prune import data
from lit_prune.lazy import public_name


@pytest.mark.parametrize("package", ["lit_prune.data", "lit_prune.data.sources", "lit_prune.data.bias"])
def test_a_package_imports_no_library_before_a_name_is_used(package):
    code = f"import sys, {package}; sys.exit('torch' in sys.modules or 'datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_all_public_names_are_there_and_no_others():
    for name in ("Task", "SpanTask", "Files", "OverlapBias", "MultitaskDataModule"):
        assert getattr(data, name) is public_name("lit_prune.data", name)
    for name in ("Nothing", "__wrapped__"):
        with pytest.raises(AttributeError):
            getattr(data, name)
