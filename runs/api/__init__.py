"""The REST API: parse, call one operation, translate errors."""
