"""What people do with pending actions: one module per verb, called by both API and console."""
