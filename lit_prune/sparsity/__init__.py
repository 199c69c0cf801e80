"""Which weights of a network are kept: targets, importance, selection, masks and their counting."""
