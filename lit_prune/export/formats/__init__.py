"""Formats of exports, a file each; `known` is their table."""
