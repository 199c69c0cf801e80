"""Smaller vocabularies: tokenizers and embedding matrices that keep a part of their tokens."""
