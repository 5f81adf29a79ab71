"""The web process: middleware around the views of the API and the console."""
