"""Devices, precision, threads and size checks."""
