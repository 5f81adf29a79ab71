"""Approvals of tool calls: requirements, binding to a call, deciders, and validity when the call is made."""
