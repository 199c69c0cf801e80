"""Runs the blocks of a page in this folder, in order, as a reader does: `python story.py BLOCKS.json`."""

import io
import json
import subprocess
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path


def run(block, namespace):
    """Write the file of a block, or run one of bash or Python."""
    if block["file"]:
        path = Path(block["file"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["text"])
    elif block["kind"] == "bash":
        return subprocess.run(["bash", "-euo", "pipefail", "-c", block["text"]]).returncode == 0
    else:
        return _run_python(block, namespace)
    return True


def _run_python(block, namespace):
    """Run a block of Python; False if it raises an error, or prints other lines than the page shows below it."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            exec(compile(block["text"], block["place"], "exec"), namespace)
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return False
    finally:
        print(printed.getvalue(), end="", flush=True)
    if block["printed"] not in (None, printed.getvalue()):
        print(f"the page shows another output:\n{block['printed']}")
        return False
    return True


def main():
    """Run all blocks; the exit code is 1 after the first that fails, which the last line names."""
    namespace = {"__name__": "__main__"}
    sys.path.insert(0, "")  # modules that the page writes can be imported, as in a notebook
    for block in json.loads(Path(sys.argv[1]).read_text()):
        print(f"\n>>> {block['place']}\n{block['text']}", flush=True)
        if not run(block, namespace):
            raise SystemExit(f"{block['place']} failed")


main()
