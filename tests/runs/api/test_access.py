"""Who gets in: every address and method of the API, found in the URL resolver, without a token, without the scope,
and with another tenant's. A new address fails here until it is known.
"""

import re
import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from deadletters.models import DeadLetter, LetterGroup, Redrive
from deadletters.redrive.options import Selection
from deadletters.redrive.plan import plan
from runs.api.problems import unknown_address
from runs.models import SCOPES, ApprovalRule, Limit, Pause, PendingAction, Run
from runs.operations.accounts import make_tenant, make_token
from runs.operations.actions.rules import grant_rule
from runs.operations.limits import set_limit
from runs.operations.pauses import pause
from tests.runs.api.conftest import NOBODY, RUNS, Api, assert_problem, row_of

pytestmark = pytest.mark.django_db

BODIES = {
    "reject": {"note": "n"},
    "resolve": {"outcome": "happened"},
    "messages": {"text": "t"},
    "answer": {"text": "t"},
    "raise": {"max_cost_usd": "1"},
    "ask": {"text": "t"},
    "reply": {"text": "t"},
    "reassign": {"to": "service@acme"},
    "bulk": {"ids": [], "verb": "approve"},  # answered with 422 by whoever may decide
    "limits": {},  # and these
    "pauses": {},
    "approval-rules": {},  # answered with 422 by whoever may grant
    "discard": {"note": "n"},
    "fork": {"from_step": 1},
    "assign": {"user": "service@acme"},
    "task": {"user": "service@acme", "due_at": "2090-01-01T00:00:00Z"},
    "ignore": {"above_per_hour": 5},
    "dead-letter-groups/<uuid:pk>/resolve/": {},
    "redrives": {"ids": []},  # answered with 422 by whoever may plan
}
SCOPE_OF = {
    ("GET", "runs/"): "runs:read",
    ("POST", "runs/"): "runs:write",
    ("GET", "runs/<uuid:pk>/"): "runs:read",
    ("GET", "runs/<uuid:pk>/steps/"): "runs:read",
    ("POST", "runs/<uuid:pk>/cancel/"): "runs:write",
    ("POST", "runs/<uuid:pk>/retry/"): "runs:write",
    ("POST", "runs/<uuid:pk>/fork/"): "runs:write",
    ("POST", "runs/<uuid:pk>/messages/"): "runs:write",
    ("GET", "actions/"): "actions:read",
    ("GET", "actions/<uuid:pk>/"): "actions:read",
    ("POST", "actions/<uuid:pk>/approve/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/reject/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/resolve/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/answer/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/raise/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/ask/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/reply/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/reassign/"): "actions:decide",
    ("POST", "actions/<uuid:pk>/escalate/"): "actions:decide",
    ("POST", "actions/bulk/"): "actions:decide",
    ("GET", "approval-rules/"): "actions:read",
    ("POST", "approval-rules/"): "actions:decide",
    ("GET", "approval-rules/<uuid:pk>/"): "actions:read",
    ("POST", "approval-rules/<uuid:pk>/revoke/"): "actions:decide",
    ("GET", "limits/"): "limits:read",
    ("POST", "limits/"): "limits:write",
    ("GET", "limits/<uuid:pk>/"): "limits:read",
    ("POST", "limits/<uuid:pk>/change/"): "limits:write",
    ("GET", "pauses/"): "limits:read",
    ("POST", "pauses/"): "limits:write",
    ("GET", "pauses/<uuid:pk>/"): "limits:read",
    ("POST", "pauses/<uuid:pk>/end/"): "limits:write",
    ("GET", "dead-letters/"): "dead_letters:read",
    ("GET", "dead-letters/<uuid:pk>/"): "dead_letters:read",
    ("POST", "dead-letters/<uuid:pk>/replay/"): "dead_letters:write",
    ("GET", "dead-letters/<uuid:pk>/preview/"): "dead_letters:read",
    ("POST", "dead-letters/<uuid:pk>/discard/"): "dead_letters:write",
    ("POST", "dead-letters/<uuid:pk>/assign/"): "dead_letters:write",
    ("POST", "dead-letters/<uuid:pk>/task/"): "dead_letters:write",
    ("POST", "dead-letters/<uuid:pk>/done/"): "dead_letters:write",
    ("GET", "dead-letter-groups/"): "dead_letters:read",
    ("GET", "dead-letter-groups/<uuid:pk>/"): "dead_letters:read",
    ("POST", "dead-letter-groups/<uuid:pk>/resolve/"): "dead_letters:write",
    ("POST", "dead-letter-groups/<uuid:pk>/ignore/"): "dead_letters:write",
    ("POST", "dead-letter-groups/<uuid:pk>/reopen/"): "dead_letters:write",
    ("POST", "dead-letter-groups/<uuid:pk>/assign/"): "dead_letters:write",
    ("GET", "redrives/"): "dead_letters:read",
    ("POST", "redrives/"): "dead_letters:write",
    ("GET", "redrives/<uuid:pk>/"): "dead_letters:read",
    ("GET", "redrives/<uuid:pk>/items/"): "dead_letters:read",
    ("POST", "redrives/<uuid:pk>/start/"): "dead_letters:write",
    ("POST", "redrives/<uuid:pk>/pause/"): "dead_letters:write",
    ("POST", "redrives/<uuid:pk>/resume/"): "dead_letters:write",
    ("POST", "redrives/<uuid:pk>/abort/"): "dead_letters:write",
    ("GET", "job-types/"): "runs:read",
    ("GET", "usage/"): "usage:read",
    ("GET", "budgets/"): "usage:read",
}
NOT_BUILT = {
    "runs/<uuid:pk>/events/",
    "queues/",
    "workflows/<uuid:pk>/",
    "schedules/",
    "webhooks/",
    "artifacts/",
}
OPEN_TO_ALL = {"api/schema/", "api/docs/", "livez", "readyz"}


def patterns(resolver: URLResolver, prefix: str = ""):
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, path)
        else:
            yield path, one


def of_api() -> dict[str, URLPattern]:
    found = {path: one for path, one in patterns(get_resolver()) if path.startswith("api/v1/")}
    return {path.removeprefix("api/v1/"): one for path, one in found.items() if one.callback is not unknown_address}


def methods_of(pattern: URLPattern) -> set[str]:
    actions = getattr(pattern.callback, "actions", None)
    view = pattern.callback.view_class if hasattr(pattern.callback, "view_class") else None
    names = actions or {name: name for name in view.http_method_names if hasattr(view, name)}
    return {name.upper() for name in names} - {"HEAD"}


def address(path: str, pk=NOBODY) -> str:
    number = str(pk if isinstance(pk, int) else UUID(str(pk)).int % 10**9)  # of none, if it is no number
    return "/api/v1/" + path.replace("<uuid:pk>", str(pk)).replace("<int:pk>", number)


def send(api: Api, method: str, path: str, pk=NOBODY):
    verb = path.rstrip("/").rpartition("/")[2]
    return api.send(method, address(path, pk), BODIES.get(path, BODIES.get(verb)) if method == "POST" else None)


MATRIX = sorted(SCOPE_OF.items())
ROWS = [pytest.param(method, path, scope, id=f"{method} {path}") for (method, path), scope in MATRIX]
OF_ONE = [pytest.param(method, path, id=f"{method} {path}") for (method, path), _ in MATRIX if "<" in path]


def test_every_address_and_method_of_the_api_is_in_the_matrix():
    found = {(method, path) for path, one in of_api().items() if path not in NOT_BUILT for method in methods_of(one)}

    assert found == set(SCOPE_OF) and of_api().keys() >= NOT_BUILT


def test_nothing_else_under_the_api_is_open():
    other = {path for path, _ in patterns(get_resolver()) if not path.startswith(("admin/", "api/v1/")) and path}

    assert {path for path in other if re.match("api|livez|readyz|metrics", path)} == OPEN_TO_ALL


def test_every_view_names_a_scope_that_exists_for_each_method():
    for path, one in of_api().items():
        if path in NOT_BUILT:
            continue
        view = getattr(one.callback, "cls", None)
        actions = getattr(one.callback, "actions", {}) or {name: name for name in view.http_method_names}
        scopes = {"get": view.reads, "head": view.reads, "post": view.writes}
        named = {action: scopes.get(name) for name, action in actions.items() if hasattr(view, action)}
        named.pop("head", None)
        assert named and set(named.values()) <= set(SCOPES), f"{path}: {named}"


@pytest.mark.parametrize(("method", "path", "scope"), ROWS)
def test_without_a_token_nobody_gets_in(method, path, scope):
    answer = send(Api(None), method, path)

    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="agentops"'


@pytest.mark.parametrize("path", sorted(NOT_BUILT))
def test_not_even_to_what_is_not_built(path):
    assert_problem(Api(None).get(address(path)), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path", "scope"), ROWS)
def test_every_scope_but_the_one_it_needs_is_not_enough(api_of, method, path, scope):
    others = api_of(scopes=sorted(set(SCOPES) - {scope}))

    document = assert_problem(send(others, method, path), 403, "forbidden")

    assert scope in document["detail"]


@pytest.mark.parametrize(("method", "path", "scope"), ROWS)
def test_the_scope_it_needs_is_enough(api_of, method, path, scope):
    assert send(api_of(scopes=[scope]), method, path).status_code in (200, 404, 422)


def test_a_token_without_scopes_gets_nowhere(api_of):
    nobody = api_of(scopes=[])

    assert {send(nobody, method, path).status_code for method, path in SCOPE_OF} == {403}


@pytest.fixture
def theirs(approval, failed, user) -> dict[str, object]:
    """One object of each kind, of the tenant acme."""
    return {
        "runs": approval.run_id,
        "actions": approval.pk,
        "dead-letters": DeadLetter.objects.get(run_id=failed.pk).pk,
        "dead-letter-groups": DeadLetter.objects.get(run_id=failed.pk).group_id,
        "approval-rules": grant_rule(
            ApprovalRule(tool="pay", reason="small", expires_at=timezone.now() + timedelta(days=1), max_uses=3),
            tenant=approval.tenant,
            user=user,
        ).pk,
        "limits": set_limit(Limit(tenant=approval.tenant, most=3), user=user).pk,
        "pauses": pause(Pause(tenant=approval.tenant, reason="moving"), user=user).pk,
        "redrives": plan(DeadLetter.objects.all(), Selection(), user=user).pk,
    }


@pytest.mark.parametrize("path", ["actions/{}/approve/", "dead-letters/{}/discard/", "approval-rules/{}/revoke/"])
def test_another_tenants_object_does_not_exist_for_a_wrong_body_either(foreign, theirs, path):
    answer = foreign.post(f"/api/v1/{path.format(theirs[path.partition('/')[0]])}", {"odd": 1})

    assert_problem(answer, 404, "not_found")


def rows() -> list[object]:
    shown = (Run, PendingAction, ApprovalRule, Limit, Pause, DeadLetter, LetterGroup, Redrive)
    return [list(model.objects.order_by("pk").values()) for model in shown]


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_another_tenants_object_does_not_exist_and_stays_as_it_is(foreign, theirs, method, path):
    before = rows()

    answer = send(foreign, method, path, theirs[path.partition("/")[0]])

    assert_problem(answer, 404, "not_found")
    assert answer.content == send(foreign, method, path, uuid4()).content, "else it would tell that it exists"
    assert rows() == before


@pytest.mark.parametrize(
    "path", ["runs/", "actions/", "approval-rules/", "limits/", "pauses/", "dead-letters/", "redrives/"]
)
def test_another_tenants_lists_are_empty(foreign, theirs, path):
    assert foreign.get(address(path)).json()["results"] == []


# Tokens


def refused(token: str) -> None:
    assert_problem(Api(token).get(RUNS), 401, "unauthenticated")


def test_an_unknown_token_is_refused(token):
    for wrong in (token[:-1], token + "x", token.swapcase(), "x" * 100_000, "é", "\ud800", "\x00", '"' + token + '"'):
        refused(wrong)


def test_a_revoked_token_is_refused(api, token):
    row = row_of(token)
    row.revoked_at = timezone.now()
    row.save()

    refused(token)


def test_an_expired_token_is_refused_and_one_that_will_expire_is_not(api, token):
    row = row_of(token)
    row.expires_at = timezone.now() + timedelta(hours=1)
    row.save()
    assert api.get(RUNS).status_code == 200

    row.expires_at = timezone.now() - timedelta(seconds=1)
    row.save()
    refused(token)


def test_a_disabled_users_token_is_refused(token, user):
    user.is_active = False
    user.save()

    refused(token)


def test_a_suspended_tenants_token_is_refused(token, tenant):
    tenant.is_active = False
    tenant.save()

    refused(token)


def test_a_suspended_tenant_does_not_suspend_the_others(foreign, tenant):
    tenant.is_active = False
    tenant.save()

    assert foreign.get(RUNS).status_code == 200


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {}", "  Bearer {}  "])
def test_a_token_is_read_whatever_the_space_and_case(token, header):
    assert Client().get(RUNS, headers={"Authorization": header.format(token)}).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "{}",
        "Basic {}",
        "Token {}",
        "Bearer {} {}",
        "Bearer {},{}",
        "Bearer\t{}",
        "Bearer\xa0{}",
    ],
)
def test_what_is_no_bearer_token_is_refused(token, header):
    answer = Client().get(RUNS, headers={"Authorization": header.format(token, token)})

    assert_problem(answer, 401, "unauthenticated")


def test_a_token_in_the_address_is_no_token(token):
    assert_problem(Api(None).get(f"{RUNS}?access_token={token}"), 401, "unauthenticated")


def test_the_text_of_a_token_is_nowhere_in_the_database(token):
    row = row_of(token)

    assert token not in str(vars(row)) and row.prefix in token and len(row.hash) == 64


def test_how_long_a_refusal_takes_does_not_tell_how_much_was_right(token):
    """The token is looked up by its hash: one right letter more changes nothing. A factor, not a stopwatch."""

    def best_of(wrong: str) -> float:
        times = []
        for _ in range(15):
            start = time.perf_counter()
            Api(wrong).get(RUNS)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best_of(token[:-1] + "~") < 5 * best_of("~" * len(token))


def test_a_user_with_tokens_of_two_tenants_sees_one_with_each(api, post, post_foreign):
    own, other = post("squares", input={"upto": 1}), post_foreign()
    make_tenant("globex")
    api_two = Api(make_token(tenant_slug="globex", username="service@acme"))

    assert [run["id"] for run in api.get(RUNS).json()["results"]] == [str(own.pk)]
    assert [run["id"] for run in api_two.get(RUNS).json()["results"]] == [str(other.pk)]
    assert_problem(api_two.get(f"{RUNS}{own.pk}/"), 404, "not_found")
