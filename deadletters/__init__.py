"""Dead letters: failed runs kept until a person has dealt with them. It builds on `runs`, which knows nothing of it."""
