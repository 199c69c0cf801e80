"""Comparison of the subnetworks of several runs: density by place, and overlap."""
