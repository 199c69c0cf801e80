"""Display of results: text that is never markup, tables, and the style of figures."""
