"""What an operation says about fields, said at the fields of a form."""

from django import forms

from runs.errors import InvalidInputError


def add_errors(form: forms.Form, error: InvalidInputError) -> None:
    """Put each problem at its field; `arguments.amount` belongs to `arguments`, and names what is inside it."""
    for name, problems in error.errors.items():
        outer, _, inner = name.partition(".")
        for problem in problems:
            if outer in form.fields:
                form.add_error(outer, f"{inner}: {problem}" if inner else problem)
            elif inner in form.fields:
                form.add_error(inner, problem)
            else:
                form.add_error(None, f"{name}: {problem}")
