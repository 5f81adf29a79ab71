"""The offline model: a local server that speaks the Messages API, for tests and demonstrations.

What is public of the package belongs here; how it answers belongs in the modules below.
"""

from agentops.offline.model import OfflineModel
from agentops.offline.script_file import ScriptError

__all__ = ["OfflineModel", "ScriptError"]
