"""Display of results: escaped text, and the style of figures."""
