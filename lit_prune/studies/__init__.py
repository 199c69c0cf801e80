"""Studies: grids of runs, planned, run and tracked."""
