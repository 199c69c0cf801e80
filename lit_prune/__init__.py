"""Prune pretrained text encoders and tune them sparsely in PyTorch Lightning, honestly measured."""

__version__ = "0.1.0"
