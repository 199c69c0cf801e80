"""Comparison of the subnetworks of several runs: density by layer and target, and overlap."""
