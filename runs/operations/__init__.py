"""What people and clients can do: one verb per file, called by the API, the admin and the commands."""
