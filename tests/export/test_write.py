"""The files of an exported folder."""

import json

from lit_prune.export.formats.packed import Packed
from lit_prune.export.tensor_files import FILES, TASKS, load_tensors
from lit_prune.export.trained import read_run
from lit_prune.export.write import write_export


def test_a_folder_has_its_configuration_tokenizer_and_card_and_checksums_of_what_is_read(finished_run, tmp_path):
    trained = read_run(finished_run, None)
    write_export(trained, Packed(), "float16", tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"config.json", "tokenizer.json", "packed.safetensors", "README.md"} <= names
    metadata = load_tensors(tmp_path / "packed.safetensors")[1]
    assert set(json.loads(metadata[FILES])) == names - {"packed.safetensors", "README.md"}
    assert [each["name"] for each in json.loads(metadata[TASKS])] == ["nli"]
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["dtype"], config["architectures"]) == ("float16", ["BertModel"])
    assert config["id2label"]["1"] == "entailment"
