"""The records. They know their own rules and nothing of the engine."""

from runs.models.answered_key import AnsweredKey
from runs.models.api_token import DEFAULT_SCOPES, SCOPES, ApiToken, hash_token, issue_token
from runs.models.approval_policy import APPROVALS_MAX, POLICY_TIME_MAX_S, ApprovalPolicy
from runs.models.approval_rule import ApprovalRule
from runs.models.artifact import Artifact
from runs.models.budget import Budget, BudgetHold, BudgetPeriod, Period, end_of, start_of
from runs.models.circuit_breaker import PROVIDER, CircuitBreaker, OpenReason
from runs.models.definition import Definition
from runs.models.limit import Limit, RatedCall
from runs.models.mail import Mail, post_mail
from runs.models.message_batch import BatchedCall, BatchStatus, CallEnd, MessageBatch
from runs.models.model_call import ModelCall, ModelCallStatus, Tier
from runs.models.pause import Pause
from runs.models.pending_action import Approval, PendingAction
from runs.models.price import Price
from runs.models.queue_lane import QueueLane
from runs.models.rate_limit import EVERY_MODEL, RateLimit, RateLimitBucket
from runs.models.revoked_tool import RevokedTool
from runs.models.run import Run
from runs.models.run_event import RunEvent
from runs.models.run_lock import RunLock
from runs.models.selector import Selector
from runs.models.step import Step
from runs.models.tenant import DECIDERS, Membership, Role, Tenant, holds_role, is_service_account, service_name
from runs.models.worker import Worker

__all__ = [
    "APPROVALS_MAX",
    "DECIDERS",
    "DEFAULT_SCOPES",
    "EVERY_MODEL",
    "POLICY_TIME_MAX_S",
    "PROVIDER",
    "SCOPES",
    "AnsweredKey",
    "ApiToken",
    "Approval",
    "ApprovalPolicy",
    "ApprovalRule",
    "Artifact",
    "BatchStatus",
    "BatchedCall",
    "Budget",
    "BudgetHold",
    "BudgetPeriod",
    "CallEnd",
    "CircuitBreaker",
    "Definition",
    "Limit",
    "Mail",
    "Membership",
    "MessageBatch",
    "ModelCall",
    "ModelCallStatus",
    "OpenReason",
    "Pause",
    "PendingAction",
    "Period",
    "Price",
    "QueueLane",
    "RateLimit",
    "RateLimitBucket",
    "RatedCall",
    "RevokedTool",
    "Role",
    "Run",
    "RunEvent",
    "RunLock",
    "Selector",
    "Step",
    "Tenant",
    "Tier",
    "Worker",
    "end_of",
    "hash_token",
    "holds_role",
    "is_service_account",
    "issue_token",
    "post_mail",
    "service_name",
    "start_of",
]
