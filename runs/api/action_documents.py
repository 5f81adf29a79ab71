"""Documents of pending actions, bulk decisions and approval rules."""

from typing import Any

from rest_framework import serializers

from runs.api.documents import Computed, Document, Moment, StoredJSON
from runs.models import Approval, ApprovalRule, PendingAction
from runs.operations.actions.thread import thread_of


class EvidenceSerializer(serializers.Serializer[Any]):
    """What is known about a call with an unknown outcome."""

    begun_at = Moment(allow_null=True)
    last_heartbeat_at = Moment(allow_null=True)
    worker = serializers.CharField(allow_null=True)
    may_arrive_until = Moment(allow_null=True)


class ApprovalSerializer(Document[Approval]):
    """One person's approval. It counts only for the current arguments."""

    by = serializers.CharField(source="user.get_username")
    counts = Computed(
        lambda approval: approval.bound_hash == approval.action.bound_hash,
        serializers.BooleanField(help_text="False if the arguments were edited since."),
    )

    class Meta:
        model = Approval
        fields = ("by", "at", "note", "counts")


class SaidSerializer(serializers.Serializer[Any]):
    """One entry of an action's thread: something said or done without deciding it."""

    at = Moment()
    by = serializers.CharField()
    what = serializers.CharField()
    text = serializers.CharField()


class ActionSerializer(Document[PendingAction]):
    """A pending action."""

    step = serializers.IntegerField(source="step.seq")
    evidence = EvidenceSerializer(allow_null=True, help_text="Of a call whose outcome is unknown.")
    approvals = ApprovalSerializer(many=True)

    class Meta:
        model = PendingAction
        fields = (
            "id kind status run step tool arguments proposed bound_hash effect effect_key risk amount_usd reason "
            "evidence verbs approvals_needed approvals assignee escalated_at requested_at expires_at on_expiry "
            "reminders decided_at decided_by rule note"
        ).split()


class OneActionSerializer(ActionSerializer):
    """A pending action with its thread."""

    thread = Computed(thread_of, SaidSerializer(many=True))

    class Meta(ActionSerializer.Meta):
        fields = [*ActionSerializer.Meta.fields, "thread"]


class ItemSerializer(serializers.Serializer[Any]):
    """One action of a bulk decision."""

    id = serializers.UUIDField(source="action.pk")
    status = serializers.CharField(source="action.status")
    arguments = StoredJSON(source="action.arguments")
    bound_hash = serializers.CharField(source="action.bound_hash")
    skipped = serializers.CharField(help_text="Why it is skipped; empty if it is not.")


class BulkCountsSerializer(serializers.Serializer[Any]):
    """How many were decided."""

    decided = serializers.IntegerField()
    agreed = serializers.IntegerField(help_text="Others must agree as well.")
    skipped = serializers.IntegerField()


class BulkResultSerializer(serializers.Serializer[Any]):
    """The result of a bulk decision, or with `dry_run` its preview."""

    counts = BulkCountsSerializer()
    items = ItemSerializer(many=True)


class RuleSerializer(Document[ApprovalRule]):
    """An approval rule."""

    class Meta:
        model = ApprovalRule
        fields = (
            "id tool job_type arguments max_usd max_total_usd max_uses expires_at reason granted_by granted_at "
            "uses used_usd revoked_by revoked_at"
        ).split()
