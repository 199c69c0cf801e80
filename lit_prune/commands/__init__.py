"""The commands, a module each: arguments in, what is printed or written out."""
