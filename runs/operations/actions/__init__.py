"""What people do with pending actions: a module for each verb, which API and console both call."""
