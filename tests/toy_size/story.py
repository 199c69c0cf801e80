"""Runs the blocks of a page in this folder, in order, as a reader does: `python story.py BLOCKS.json`."""

import json
import subprocess
import sys
import traceback
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
        try:
            exec(compile(block["text"], block["place"], "exec"), namespace)
        except Exception:
            traceback.print_exc()
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
