"""Code of the project as the engine calls it: in a context of its own, run to its end, nothing left behind."""
