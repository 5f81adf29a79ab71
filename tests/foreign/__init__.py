"""A project that existed before runs came into it: its own users, time zone, language, prefix and DRF settings."""
