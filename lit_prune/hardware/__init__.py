"""The machine: devices, precision, threads, and sizes that fit."""
