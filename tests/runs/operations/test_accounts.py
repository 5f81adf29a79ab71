"""Tokens: they may do what was asked for, and no more than post and read unless something was."""

import pytest
from django.core.management import CommandError, call_command

from runs.models import ApiToken, hash_token
from runs.operations.accounts import make_token

pytestmark = pytest.mark.django_db


def row_of(token):
    return ApiToken.objects.get(hash=hash_token(token))


@pytest.fixture
def issue(capsys):
    def issue(*options):
        call_command("token", "--tenant", "acme", *options)
        return row_of(capsys.readouterr().out.strip())

    return issue


@pytest.mark.parametrize("user", [(), ("--user", "anna")])
def test_a_token_may_post_and_read_unless_more_is_asked_for(issue, user):
    assert issue(*user).scopes == ["runs:read", "runs:write"]


def test_it_gets_the_scopes_that_were_asked_for(issue):
    assert issue("--scopes", "actions:read, usage:read").scopes == ["actions:read", "usage:read"]


def test_the_function_behind_the_command_has_the_same_default(db):
    assert row_of(make_token(tenant_slug="acme")).scopes == ["runs:read", "runs:write"]


@pytest.mark.parametrize("scopes", ["runs:everything", "runs:read,runs:wirte"])
def test_an_unknown_scope_is_refused_with_those_that_there_are(issue, scopes):
    with pytest.raises(CommandError, match=r"no scope.*runs:write"):
        issue("--scopes", scopes)
