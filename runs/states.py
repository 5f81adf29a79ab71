"""Statuses of runs, steps and actions, and the one table of legal moves of a run. Pure."""

from enum import StrEnum


class RunStatus(StrEnum):
    """The status of a run. `docs/run-lifecycle.md` says who moves it on from each."""

    SCHEDULED = "scheduled"  # a timer: starts, or goes on, at `next_attempt_at`
    QUEUED = "queued"  # may run; a limit or a missing worker may hold it back
    RUNNING = "running"  # a worker holds its lease
    RETRYING = "retrying"  # after a transient error; due again at `next_attempt_at`
    WAITING_FOR_CONFIRMATION = "waiting_for_confirmation"  # a pending action is open
    WAITING_FOR_CHILDREN = "waiting_for_children"  # child runs have not all ended
    WAITING_FOR_BATCH = "waiting_for_batch"  # its model call is in a message batch
    COMPLETED = "completed"  # final
    FAILED = "failed"  # gave up; a dead letter exists and may be replayed
    CANCELLED = "cancelled"  # final


class Lane(StrEnum):
    """How the model calls of a run are made."""

    STANDARD = "standard"  # at once
    BATCH = "batch"  # in message batches: later, and at half the price


class StepKind(StrEnum):
    """What a step records."""

    MODEL_CALL = "model_call"  # one question to the model and its answer
    TOOL_CALL = "tool_call"  # one `tool_use` of an answer and its result
    FUNCTION = "function"  # one named step of a plain Job
    WAIT = "wait"  # a conversing agent's pause for a person's message


class StepStatus(StrEnum):
    """The status of a step."""

    PLANNED = "planned"  # known, not begun
    STARTED = "started"  # the intent is committed; the effect may have happened
    COMPLETED = "completed"  # the result is recorded
    FAILED = "failed"  # ended with an error, which is recorded
    UNKNOWN = "unknown"  # it may or may not have happened; a person decides
    SKIPPED = "skipped"  # a person refused it; the model gets the reason


class HoldReason(StrEnum):
    """Why no ordinary claim takes a queued run."""

    QUARANTINE = "quarantine"  # it took workers down: only a worker that holds nothing else takes it
    CIRCUIT = "circuit"  # the circuit of its model is open
    RATE = "rate"  # it waits for a permit of its model's rate limits


class Effect(StrEnum):
    """The effect class of a tool: what to do when its outcome was lost."""

    READ = "read"  # changes nothing: repeat it
    IDEMPOTENT = "idempotent"  # repeat it with the same effect key
    VERIFIABLE = "verifiable"  # ask its look-up first
    UNSAFE = "unsafe"  # never repeat it blindly: a person decides


class ActionKind(StrEnum):
    """What a pending action asks a person."""

    APPROVAL = "approval"  # may I?
    QUESTION = "question"  # tell me
    OUTCOME = "outcome"  # did it happen?
    BUDGET = "budget"  # may I spend more?


class ActionStatus(StrEnum):
    """How a pending action was decided."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Risk(StrEnum):
    """How bad a wrong call of a tool would be, as its declaration says."""

    LOW = "low"  # may be approved in bulk, or by rule
    MEDIUM = "medium"
    HIGH = "high"  # approving needs a note


class OnExpiry(StrEnum):
    """What happens to an action that nobody decides in time."""

    REJECT = "reject"  # the model gets the answer that nobody decided
    ESCALATE = "escalate"  # an admin is asked, with the same time again; then as `reject`
    CANCEL = "cancel"  # the run is cancelled
    WAIT = "wait"  # it stays open, and people are reminded


class SelfApproval(StrEnum):
    """Who may approve a call of their own run. A service account never may: it is not a second pair of eyes."""

    NEVER = "never"  # nobody
    SERVICE = "service"  # a former default, named only by migrations
    ALWAYS = "always"  # every person with the role


class OnConflict(StrEnum):
    """What happens to a posted run while another one counts as the same."""

    QUEUE = "queue"  # the new run is created too, and later conflicts ignore it
    DISCARD = "discard"  # the other run is returned, nothing is created
    JOIN = "join"  # as `discard`, by clients that wait for the result
    REPLACE = "replace"  # the other run is cancelled; a call in flight may finish first
    INTERRUPT = "interrupt"  # the other run is cancelled; a call in flight is aborted


class Applied(StrEnum):
    """What was done about a conflict."""

    NONE = "none"  # no conflict
    DISCARDED = "discarded"
    JOINED = "joined"
    REPLACED = "replaced"
    INTERRUPTED = "interrupted"
    REUSED = "reused"  # a completed run was fresh enough


class LimitKind(StrEnum):
    """What a limit counts."""

    CONCURRENCY = "concurrency"  # runs at the same time
    RATE = "rate"  # runs that start within a window
    BACKLOG = "backlog"  # runs waiting in a queue: at the limit, posts are refused


S = RunStatus

MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    S.SCHEDULED: frozenset({S.QUEUED, S.CANCELLED}),
    S.QUEUED: frozenset({S.RUNNING, S.CANCELLED}),
    S.RUNNING: frozenset(
        {
            S.QUEUED,  # released by a deploy, or rescued from a dead worker
            S.SCHEDULED,
            S.RETRYING,
            S.WAITING_FOR_CONFIRMATION,
            S.WAITING_FOR_CHILDREN,
            S.WAITING_FOR_BATCH,
            S.COMPLETED,
            S.FAILED,
            S.CANCELLED,
        }
    ),
    S.RETRYING: frozenset({S.QUEUED, S.CANCELLED}),
    S.WAITING_FOR_CONFIRMATION: frozenset({S.QUEUED, S.COMPLETED, S.CANCELLED}),
    S.WAITING_FOR_CHILDREN: frozenset({S.QUEUED, S.CANCELLED}),
    S.WAITING_FOR_BATCH: frozenset({S.QUEUED, S.CANCELLED}),
    S.COMPLETED: frozenset(),
    S.FAILED: frozenset({S.QUEUED}),  # retry, or the replay of its dead letter
    S.CANCELLED: frozenset(),
}

FINAL = frozenset(status for status, following in MOVES.items() if not following)
ENDED = FINAL | {S.FAILED}
STEP_DONE = frozenset({StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.SKIPPED})
PAUSES = frozenset({"pause_turn", "compaction"})  # stop reasons: send the answer back, and the model continues

_HAND_ON = ("ask", "reassign", "escalate")  # these decide nothing; they change who decides, or what is known

VERBS: dict[ActionKind, tuple[str, ...]] = {
    ActionKind.APPROVAL: ("approve", "approve_with_edits", "reject", *_HAND_ON),
    ActionKind.QUESTION: ("answer", *_HAND_ON),
    ActionKind.OUTCOME: ("resolve", "reject", *_HAND_ON),
    ActionKind.BUDGET: ("approve", "raise", "reject", *_HAND_ON),
}


def may_move(present: RunStatus, following: RunStatus) -> bool:
    """Say whether a run may move from one status to the other."""
    return following in MOVES[present]


class ErrorClass(StrEnum):
    """What may be done about an error."""

    TRANSIENT = "transient"  # may pass: try again
    RATE_LIMITED = "rate_limited"  # try again, but not before the other side allows it
    PERMANENT = "permanent"  # trying again cannot help
    UNKNOWN_OUTCOME = "unknown_outcome"  # the effect may have happened: a person decides
    DISCARD = "discard"  # the work is pointless now: the run ends as cancelled, without a dead letter


class ErrorKind(StrEnum):
    """The kind under which a transient error is counted: a policy may limit each kind separately."""

    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    SERVICE = "service"
