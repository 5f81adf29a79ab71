"""Addresses under `/api/v1/`."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from runs.api.actions import ActionViewSet
from runs.api.approval_rules import ApprovalRuleViewSet
from runs.api.budgets import BudgetsView
from runs.api.job_types import JobTypesView
from runs.api.limits import LimitViewSet, PauseViewSet
from runs.api.not_built import PATHS, NotBuiltView
from runs.api.problems import unknown_address
from runs.api.runs import RunViewSet
from runs.api.usage import UsageView
from runs.extensions import API_URLS

app_name = "agentops_api"  # not `api`, which is likely to be the project's own

router = SimpleRouter(use_regex_path=False)
router.register("runs", RunViewSet, basename="run")
router.register("actions", ActionViewSet, basename="action")
router.register("approval-rules", ApprovalRuleViewSet, basename="approval-rule")
router.register("limits", LimitViewSet, basename="limit")
router.register("pauses", PauseViewSet, basename="pause")

urlpatterns = [
    *router.urls,
    path("job-types/", JobTypesView.as_view(), name="job-types"),
    path("budgets/", BudgetsView.as_view(), name="budgets"),
    path("usage/", UsageView.as_view(), name="usage"),
    *(path(address, NotBuiltView.as_view()) for address in PATHS),
    *(path("", include(urls)) for urls in API_URLS),
    re_path(r"^(?P<rest>.*)$", unknown_address),
]
