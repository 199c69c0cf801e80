"""Reports of studies: reading of run records, statistics, tables and figures."""
