"""Dead letters: failed runs stored until a person deals with them. Builds on `runs`, which does not import it."""
