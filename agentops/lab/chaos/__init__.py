"""`chaos`: real processes, a killer with a seed, and a ledger that is never killed and counts effects.

Installed only when `AGENTOPS_CHAOS` names the ledger's socket.
"""
