"""How results are shown: text that is never markup, and the style of figures."""
