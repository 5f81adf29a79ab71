"""Approvals of tool calls: on which terms, bound to what, by whom, and whether they still stand at execution."""
