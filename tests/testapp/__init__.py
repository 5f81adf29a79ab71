"""An app as anybody's: its agents are what the tests run."""
