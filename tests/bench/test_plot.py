"""The figure of time over density."""

from matplotlib.image import imread

from lit_prune.bench.inference import Speed, Workload
from lit_prune.bench.plot import draw

USE = Workload(batch=2, length=8, precisions=["fp32"], repeats=3, device="cpu")


def speed(name, precision, density):
    return Speed(name, precision, 0.01, 1.2 * density, 0.4 * density, density, density, 1000, None, 100)


def test_a_figure_is_drawn(tmp_path):
    names = [("dense", 1.0), ("rank 4", 0.2), ("rank 8", 0.4), ("csr 0.1", 0.1)]
    draw(
        [speed(name, precision, own) for name, own in names for precision in ("fp32", "bf16")], USE, tmp_path / "a.png"
    )
    draw([speed("dense", "fp32", 1.0), speed("rank 4", "fp32", 0.2)], USE, tmp_path / "b.png")
    pictures = [imread(tmp_path / f"{name}.png") for name in "ab"]
    assert all(picture.std() > 0.05 for picture in pictures)  # not blank
    assert pictures[0].shape == pictures[1].shape
    assert (pictures[0] != pictures[1]).any()
