"""Cancel a run: at once if no worker holds it, else at the worker's next boundary."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs.engine.cancel import cancel_locked
from runs.models import Run
from runs.operations.permissions import check_may_operate


@transaction.atomic
def cancel_run(run: Run, *, user: AbstractBaseUser) -> Run:
    """Cancel a run, or ask its worker to. Idempotent.

    Raises: InvalidTransitionError if it has completed or failed; NotPermittedError.
    """
    check_may_operate(run, user)
    run = Run.objects.select_for_update().get(pk=run.pk)
    cancel_locked(run, actor=user.get_username())
    return run
