import pytest
import torch
from torch import nn


@pytest.fixture
def network():
    """A network that has nothing to do with encoders."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))


@pytest.fixture
def rows():
    return torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
