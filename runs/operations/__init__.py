"""Whatever a person or a client may cause: one verb a file, called by the API, the admin and the commands."""
