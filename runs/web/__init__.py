"""The web process: what surrounds the views of the API and of the console."""
