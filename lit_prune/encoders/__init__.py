"""Pretrained text encoders."""
