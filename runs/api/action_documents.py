"""What clients read about pending actions, bulk decisions and approval rules."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from runs.api.documents import Document, Moment, Person
from runs.api.serializers import StoredJSON, money
from runs.models import Approval, ApprovalRule, PendingAction
from runs.operations.actions.thread import thread_of


class EvidenceSerializer(serializers.Serializer[Any]):
    """What is known about a call whose outcome is not."""

    begun_at = Moment(allow_null=True)
    last_heartbeat_at = Moment(allow_null=True)
    worker = serializers.CharField(allow_null=True)
    may_arrive_until = Moment(allow_null=True)


class ApprovalSerializer(Document[Approval]):
    """One person's approval. It counts while it is of the arguments as they are now."""

    by = Person(source="user")
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Approval
        fields = ("by", "at", "note", "counts")

    def get_counts(self, approval: Approval) -> bool:
        """False once the arguments were edited after it."""
        return approval.bound_hash == approval.action.bound_hash


class SaidSerializer(serializers.Serializer[Any]):
    """What somebody has said or done about an action without deciding it."""

    at = Moment()
    by = serializers.CharField()
    what = serializers.CharField()
    text = serializers.CharField()


class ActionSerializer(Document[PendingAction]):
    """A pending action."""

    run = serializers.UUIDField(source="run_id")
    step = serializers.IntegerField(source="step.seq")
    arguments = StoredJSON()
    proposed = StoredJSON()
    verbs = serializers.ListField(child=serializers.CharField())
    decided_by = Person(allow_null=True)
    evidence = serializers.SerializerMethodField()
    amount_usd = serializers.SerializerMethodField()
    assignee = Person(allow_null=True)
    rule = serializers.UUIDField(source="rule_id", allow_null=True)
    approvals = ApprovalSerializer(many=True)

    class Meta:
        model = PendingAction
        fields = (
            "id kind status run step tool arguments proposed bound_hash effect effect_key risk amount_usd reason "
            "evidence verbs approvals_needed approvals assignee escalated_at requested_at expires_at on_expiry "
            "reminders decided_at decided_by rule note"
        ).split()

    @extend_schema_field(EvidenceSerializer(allow_null=True))
    def get_evidence(self, action: PendingAction) -> Any:
        """What is known about the call, for kind `outcome`."""
        return action.evidence

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_amount_usd(self, action: PendingAction) -> str | None:
        """What the call moves, where its tool says so."""
        return money(action.amount_usd)


class OneActionSerializer(ActionSerializer):
    """A pending action with what was said about it."""

    thread = serializers.SerializerMethodField()

    class Meta(ActionSerializer.Meta):
        fields = [*ActionSerializer.Meta.fields, "thread"]

    @extend_schema_field(SaidSerializer(many=True))
    def get_thread(self, action: PendingAction) -> Any:
        """Questions, replies, who was asked to look, reminders; oldest first."""
        return SaidSerializer(thread_of(action), many=True).data


class ItemSerializer(serializers.Serializer[Any]):
    """One action of a bulk decision."""

    id = serializers.UUIDField(source="action.pk")
    status = serializers.CharField(source="action.status")
    arguments = StoredJSON(source="action.arguments")
    bound_hash = serializers.CharField(source="action.bound_hash")
    skipped = serializers.CharField(help_text="Why it takes no part; empty if it does.")


class BulkCountsSerializer(serializers.Serializer[Any]):
    """How many were decided."""

    decided = serializers.IntegerField()
    agreed = serializers.IntegerField(help_text="Others must agree as well.")
    skipped = serializers.IntegerField()


class BulkResultSerializer(serializers.Serializer[Any]):
    """What a bulk decision has done, or with `dry_run` would do."""

    counts = BulkCountsSerializer()
    items = ItemSerializer(many=True)


class RuleSerializer(Document[ApprovalRule]):
    """An approval rule."""

    arguments = StoredJSON()
    max_usd = serializers.SerializerMethodField()
    max_total_usd = serializers.SerializerMethodField()
    used_usd = serializers.SerializerMethodField()
    granted_by = Person()
    revoked_by = Person(allow_null=True)

    class Meta:
        model = ApprovalRule
        fields = (
            "id tool job_type arguments max_usd max_total_usd max_uses expires_at reason granted_by granted_at "
            "uses used_usd revoked_by revoked_at"
        ).split()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_max_usd(self, rule: ApprovalRule) -> str | None:
        """The most that one call may move."""
        return money(rule.max_usd)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_max_total_usd(self, rule: ApprovalRule) -> str | None:
        """The most that all its calls may move."""
        return money(rule.max_total_usd)

    def get_used_usd(self, rule: ApprovalRule) -> str:
        """What its calls have moved."""
        return money(rule.used_usd) or "0"
