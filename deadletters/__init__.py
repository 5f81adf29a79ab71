"""Dead letters: failed runs kept until a person has dealt with them. A leaf: it imports no other app."""
