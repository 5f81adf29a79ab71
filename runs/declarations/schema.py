"""Derive JSON schemas from type hints and docstrings, and check values against them. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import jsonschema
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema

from runs.declarations.callables import function_of, name_of, signature_of
from runs.errors import DeclarationError

Schema = Mapping[str, Any]
DeclaredSchema = type[BaseModel] | Schema

NOT_BLANK = r"\S"  # as a pattern
BLANK = "must say something: it is empty or blank"


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out titles: they repeat the names and cost tokens in every prompt."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def model_of(function: Callable[..., Any], *, skip: int) -> type[BaseModel]:
    """Build a strict pydantic model from a function's parameters, leaving out the first `skip`.

    Raises: DeclarationError for a parameter without a type hint, or a variadic one.
    """
    owner = name_of(function)
    try:
        hints = get_type_hints(function_of(function), include_extras=True)
    except NameError as error:
        hint = "Import the name at module level, not under TYPE_CHECKING."
        raise DeclarationError(f"{owner}: a type hint cannot be resolved ({error})", hint=hint) from error
    fields: dict[str, Any] = {}
    for parameter in list(signature_of(function).parameters.values())[skip:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            hint = "Name every argument, or give an input_schema."
            raise DeclarationError(f"{owner}: *{parameter.name} has no schema", hint=hint)
        if parameter.name not in hints:
            hint = f"Write for example `{parameter.name}: str`."
            raise DeclarationError(f"{owner}: the argument {parameter.name!r} has no type hint", hint=hint)
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(f"{owner}_arguments", __config__=ConfigDict(extra="forbid"), **fields)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Write a pydantic model as JSON schema, without titles."""
    schema = model.model_json_schema(schema_generator=_WithoutTitles)
    schema.pop("title", None)
    schema.pop("description", None)
    for definition in schema.get("$defs", {}).values():
        definition.pop("title", None)
    return schema


def as_json_schema(declared: DeclaredSchema | None) -> Schema | None:
    """Write a declared schema, a pydantic model or a JSON schema, as a JSON schema."""
    return schema_of(declared) if isinstance(declared, type) else declared


def check_schema(schema: Schema, *, owner: str) -> None:
    """Refuse a schema that is invalid or does not describe an object.

    Raises: DeclarationError.
    """
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        hint = "See json-schema.org, draft 2020-12."
        raise DeclarationError(f"{owner}: the JSON schema is not valid: {error.message}", hint=hint) from error
    if schema.get("type") != "object":
        raise DeclarationError(f"{owner}: the schema must be an object", hint='Write {"type": "object", …}.')


def problems_with(value: Any, schema: Schema) -> dict[str, list[str]]:
    """Check a value against a JSON schema; return the problems by field (`a.b.0`), empty if there are none."""
    problems: dict[str, list[str]] = {}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        for field in _fields_of(error):
            messages = problems.setdefault(field, [])
            if _in_words(error) not in messages:
                messages.append(_in_words(error))
    return problems


def as_declared(value: Any, schema: Any, *, root: Schema | None = None) -> Any:
    """Return a value with whole floats as ints where its schema says integer: in JSON, 5.0 is an integer."""
    root = schema if root is None else root
    if not isinstance(schema, Mapping):
        return value
    for branch in _branches(schema, root):
        value = as_declared(value, branch, root=root)
    kinds = schema.get("type")
    named = kinds if isinstance(kinds, list) else [kinds]
    if isinstance(value, float) and value.is_integer() and "integer" in named and "number" not in named:
        return int(value)
    if isinstance(value, dict):
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        return {name: as_declared(item, properties.get(name, others), root=root) for name, item in value.items()}
    if isinstance(value, list):
        of = [*(schema.get("prefixItems") or []), *[schema.get("items")] * len(value)]
        return [as_declared(item, of[place], root=root) for place, item in enumerate(value)]
    return value


def _branches(schema: Schema, root: Schema) -> list[Any]:
    """List the schemas that a value may have to fit besides; none of those of which one takes any number."""
    found = list(schema.get("allOf") or [])
    for name in ("anyOf", "oneOf"):
        choices = schema.get(name) or []
        if not any(isinstance(choice, Mapping) and choice.get("type") == "number" for choice in choices):
            found += choices
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found.append(_resolved(reference, root))
    return found


def _resolved(reference: str, root: Schema) -> Any:
    found: Any = root
    for part in reference[2:].split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _fields_of(error: jsonschema.ValidationError) -> list[str]:
    """Name the fields that an error is about: a missing or undeclared field, not the object around it."""
    path = [str(part) for part in error.absolute_path]
    rule: Any = error.validator_value
    schema: Any = error.schema
    present: Any = error.instance
    if error.validator == "required":
        names = [name for name in rule if name not in present]
    elif error.validator == "additionalProperties" and rule is False:
        names = [name for name in present if name not in schema.get("properties", {})][:20]
    else:
        return [".".join(path)]
    return [".".join([*path, name[:100]]) for name in names]


def _in_words(error: jsonschema.ValidationError) -> str:
    """Shorten jsonschema's message, which repeats the whole untrusted value."""
    if error.validator == "required":
        return "is required"
    if error.validator == "additionalProperties":
        return "is not a field of this object"
    if error.validator == "pattern" and error.validator_value == NOT_BLANK:
        return BLANK
    if error.validator == "enum":
        return error.message[:300]
    if error.validator == "type":
        return f"must be of type {error.validator_value}"
    return f"does not fit {error.validator}: {error.validator_value}"[:300]


def pydantic_problems(error: ValidationError) -> dict[str, list[str]]:
    """Turn pydantic's errors into messages by field."""
    problems: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in item["loc"])
        problems.setdefault(path, []).append(item["msg"])
    return problems
