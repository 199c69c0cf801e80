"""A format of one's own: all matrices in eight bits, with a scale for each."""

from lit_prune.export.formats.format import Content, Format
from lit_prune.sparsity.install import dense_state_dict

FILE = "int8.safetensors"


class Int8(Format):
    """Matrices as whole numbers from -127 to 127 and a scale."""

    name = "int8"
    purpose = "a byte for each weight"
    files = (FILE,)

    def write(self, trained, dtype, folder):
        tensors = {}
        for name, value in dense_state_dict(trained.model).items():
            if value.ndim == 2:
                scale = value.abs().amax().clamp(min=1e-12) / 127
                tensors |= {f"{name}.int8": (value / scale).round().char(), f"{name}.scale": scale}
            else:
                tensors[name] = value
        return Content({FILE: tensors}, {})

    def load(self, model, exports, base):
        state = dict(exports[0].tensors[FILE])
        for name in [each.removesuffix(".int8") for each in state if each.endswith(".int8")]:
            state[name] = state.pop(f"{name}.int8").float() * state.pop(f"{name}.scale")
        model.take(state)
