"""Call the project's code: in its own context, to its end, leaving nothing behind."""
