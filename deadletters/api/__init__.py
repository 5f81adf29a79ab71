"""The HTTP API of dead letters and redrives: included below `/api/v1/` by `runs.api.urls`."""
