"""Pretrained text encoders: loaded, checked, run."""
