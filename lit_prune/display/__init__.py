"""Display of results: escaped text, tables, and the style of figures."""
