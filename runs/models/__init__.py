"""The records. They know their own rules and nothing of the engine."""

from runs.models.api_token import SCOPES, ApiToken, hash_token, issue_token
from runs.models.artifact import Artifact
from runs.models.definition import Definition
from runs.models.gate import Gate, ShutBy
from runs.models.line import Line
from runs.models.model_call import ModelCall, ModelCallStatus
from runs.models.pending_action import PendingAction
from runs.models.run import Run
from runs.models.run_event import RunEvent
from runs.models.step import Step
from runs.models.tenant import DECIDERS, Membership, Role, Tenant, holds_role
from runs.models.worker import Worker

__all__ = [
    "DECIDERS",
    "SCOPES",
    "ApiToken",
    "Artifact",
    "Definition",
    "Gate",
    "Line",
    "Membership",
    "ModelCall",
    "ModelCallStatus",
    "PendingAction",
    "Role",
    "Run",
    "RunEvent",
    "ShutBy",
    "Step",
    "Tenant",
    "Worker",
    "hash_token",
    "holds_role",
    "issue_token",
]
