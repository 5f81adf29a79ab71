"""The kinds of job types that a project may declare: Agent, Job and Workflow."""

import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from pydantic import ValidationError

from runs.conf import conf
from runs.declarations.callables import check_hooks
from runs.declarations.options import (
    AGENT_HOOKS,
    AGENT_OPTIONS,
    JOB_HOOKS,
    JOB_OPTIONS,
    OPTIONS,
    Option,
    check_attributes,
    check_values,
)
from runs.declarations.retry_policies import Delays, RetryPolicy
from runs.declarations.schema import (
    BLANK,
    NOT_BLANK,
    DeclaredSchema,
    as_declared,
    as_json_schema,
    check_schema,
    model_of,
    problems_with,
    pydantic_problems,
    schema_of,
)
from runs.declarations.tools import Tool
from runs.declarations.uniqueness import UniqueBy, check_uniqueness, key_of
from runs.errors import DeclarationError, InvalidInputError
from runs.states import ErrorClass, Lane

TEXT_INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string", "pattern": NOT_BLANK}},
    "required": ["text"],
    "additionalProperties": False,
}
ANY_OBJECT: dict[str, Any] = {"type": "object"}


class JobType:
    """What all job types share. Subclass Agent, Job or Workflow, not this."""

    form: ClassVar[str] = ""
    _options: ClassVar[Mapping[str, Option]] = OPTIONS
    _hooks: ClassVar[Sequence[str]] = ()
    name: ClassVar[str] = ""
    description: ClassVar[str] = ""
    queue: ClassVar[str] = "agents"
    input_schema: ClassVar[DeclaredSchema | None] = None
    output_schema: ClassVar[DeclaredSchema | None] = None
    timeout_s: ClassVar[float] = 600.0  # time under a lease, excluding waits
    max_cost_usd: ClassVar[float | None] = None
    max_running_per_tenant: ClassVar[int | None] = None
    retry: ClassVar[RetryPolicy | None] = None  # default: Delays(AGENTOPS["retry_delays_s"])
    retry_delays_s: ClassVar[Sequence[float] | None] = None  # short for retry = Delays(delays_s=(…))
    unique_by: ClassVar[UniqueBy] = None  # names of input fields, or f(input) -> str; None: the whole input
    on_conflict: ClassVar[str] = "queue"  # while a run of the same key is active: see `OnConflict`
    unique_for_s: ClassVar[float | None] = None  # for `discard` and `join`: ended runs also count within this window
    fresh_for_s: ClassVar[float | None] = None  # return a run completed within this window, not a new one
    errors: ClassVar[Mapping[type[BaseException], str]] = {}  # extra rows for the table of errors: class to ErrorClass

    @cached_property
    def input_json_schema(self) -> Mapping[str, Any]:
        """Return the JSON schema that a posted input must match."""
        return as_json_schema(self.input_schema) or self.default_input_schema()

    @cached_property
    def output_json_schema(self) -> Mapping[str, Any] | None:
        """Return the JSON schema of the output, None for plain text or any value."""
        return as_json_schema(self.output_schema)

    def default_input_schema(self) -> Mapping[str, Any]:
        """Return the schema to use if the declaration gives none."""
        return TEXT_INPUT

    @property
    def retry_policy(self) -> RetryPolicy:
        """Return the retry policy of the declaration, or else of the settings."""
        delays_s = conf().retry_delays_s if self.retry_delays_s is None else tuple(self.retry_delays_s)
        return self.retry or Delays(delays_s=delays_s)

    def unique_key(self, run_input: dict[str, Any], *, continues: Any = None) -> str:
        """Compute the uniqueness key of an input. Raises: InvalidInputError."""
        return key_of(type(self).unique_by, run_input, continues=continues)  # not `self`: that would bind a function

    def validate_input(self, value: Any) -> dict[str, Any]:
        """Return the input as stored, with defaults filled in.

        Raises: InvalidInputError naming each field as `input.<path>`.
        """
        if isinstance(self.input_schema, type):
            try:
                return self.input_schema.model_validate(value).model_dump(mode="json")
            except ValidationError as error:
                raise InvalidInputError(_under_input(pydantic_problems(error))) from error
        if problems := problems_with(value, self.input_json_schema):
            raise InvalidInputError(_under_input(problems))
        return dict(as_declared(value, self.input_json_schema))

    def check(self) -> None:
        """Refuse a declaration that cannot work. Raises: DeclarationError with a hint."""
        owner, cls = type(self).__qualname__, type(self)
        own = next(base for base in cls.__mro__ if base.__module__ == __name__)
        values = {name: cls.unique_by if name == "unique_by" else getattr(self, name) for name in self._options}
        check_attributes(owner, cls, own, self._options, self._hooks)
        check_values(owner, values, self._options)
        check_hooks(self, own, allowed=("run",))
        if self.retry:
            check_hooks(self.retry, RetryPolicy)
        if self.retry and self.retry_delays_s is not None:
            raise DeclarationError(f"{owner} has retry and retry_delays_s", hint="Leave one of them out.")
        _check_errors(self.errors, owner)
        check_schema(self.input_json_schema, owner=owner)
        check_uniqueness(owner, cls.unique_by, self.input_json_schema)
        if self.output_json_schema:
            check_schema(self.output_json_schema, owner=owner)


class Agent(JobType):
    """A model and tools: the loop of question, tool calls and next question."""

    form = "agent"
    _options = AGENT_OPTIONS
    _hooks = AGENT_HOOKS
    model: ClassVar[str] = ""
    system: ClassVar[str] = ""
    tools: ClassVar[Sequence[Tool]] = ()
    max_steps: ClassVar[int] = 20  # model calls
    max_tokens: ClassVar[int] = 4096  # of one answer
    max_cost_usd: ClassVar[float | None] = 1.00
    converses: ClassVar[bool] = False  # an ended turn asks the person instead of completing the run
    lane: ClassVar[str] = Lane.STANDARD  # "batch": model calls in message batches, later and at half the price
    cache_ttl: ClassVar[str | None] = None  # of the prompt cache: "5m" or "1h"; None: "1h" where it waits for people

    def validate_input(self, value: Any) -> dict[str, Any]:
        """Validate as for every job type, and refuse a blank `text` if that is the prompt."""
        checked = super().validate_input(value)
        if type(self).prompt is Agent.prompt and not str(checked.get("text") or "").strip():
            raise InvalidInputError({"input.text": [BLANK]})
        return checked

    def prompt(self, input: dict[str, Any]) -> str:
        """Turn the input into the first user message."""
        return str(input["text"])

    def end_user(self, input: dict[str, Any]) -> str | None:
        """Return an opaque id of the end user for the provider (`metadata.user_id`), or None."""
        return None

    @cached_property
    def tools_by_name(self) -> dict[str, Tool]:
        """Return the declared tools by name."""
        return {tool.name: tool for tool in self.tools}

    @property
    def chosen_cache_ttl(self) -> str:
        """Choose the lifetime of the prompt cache: an hour if a pause for a person is likely.

        Five minutes do not outlast an approval, and a missed prefix is paid for again. An hour costs more per new
        token, from the first step on: an entry written for five minutes would expire during the pause.
        """
        pauses = self.converses or any(tool.asks_human or tool.approval != "never" for tool in self.tools)
        return self.cache_ttl or ("1h" if pauses else "5m")

    def check(self) -> None:
        """Refuse an agent that cannot work. Raises: DeclarationError with a hint."""
        super().check()
        owner = type(self).__qualname__
        if not self.model:
            raise DeclarationError(f"{owner} has no model", hint='Write for example model = "claude-sonnet-5-5".')
        for tool in self.tools:
            if not isinstance(tool, Tool):
                raise DeclarationError(
                    f"{owner}: {getattr(tool, '__name__', tool)!r} in tools is not a tool",
                    hint="Decorate the function with @tool.",
                )
        names = [tool.name for tool in self.tools]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DeclarationError(f"{owner}: two tools are named {twice[0]!r}", hint="Rename one of them.")
        if getattr(self, "secrets", ()):
            hint = 'Grant them to the tool that does: @tool(secrets=("mail",)).'
            raise DeclarationError(f"{owner}: an agent reads no secrets", hint=hint)
        takes_text = "text" in self.input_json_schema.get("properties", {})
        if type(self).prompt is Agent.prompt and not takes_text:
            hint = "Define `def prompt(self, input): return …`."
            raise DeclarationError(f"{owner}: the input has no `text` to ask the model with", hint=hint)


class Job(JobType):
    """A plain resumable function: `run(self, context, **input)`; its named steps are recorded once."""

    form = "job"
    _options = JOB_OPTIONS
    _hooks = JOB_HOOKS
    queue = "default"
    secrets: ClassVar[Sequence[str]] = ()  # available through `context.secret` to `run` and its steps

    def run(self, context: Any, **input: Any) -> Any:
        """Do the work; called again from the top after a crash, with finished steps reused."""
        raise NotImplementedError(f"{type(self).__qualname__} must define run(self, context, …)")

    def default_input_schema(self) -> Mapping[str, Any]:
        """Derive the schema from the parameters of `run`; `**input` alone takes any object."""
        parameters = list(inspect.signature(type(self).run).parameters.values())[2:]
        if all(p.kind is p.VAR_KEYWORD for p in parameters):
            return ANY_OBJECT
        return schema_of(model_of(type(self).run, skip=2))

    def check(self) -> None:
        """Refuse a job that cannot work. Raises: DeclarationError with a hint."""
        super().check()
        if type(self).run is Job.run:
            raise DeclarationError(
                f"{type(self).__qualname__} has no run", hint="Define `def run(self, context, **input)`."
            )


class Workflow(JobType):
    """A graph of other job types. Declared here so that its name is fixed; not built yet."""

    form = "workflow"

    def check(self) -> None:
        """Refuse: workflows are not built yet. Raises: DeclarationError."""
        hint = "Declare an Agent or a Job; a Job may do several steps in turn."
        raise DeclarationError(f"{type(self).__qualname__}: workflows are not built yet", hint=hint)


def _check_errors(errors: Mapping[Any, Any], owner: str) -> None:
    kinds = ", ".join(ErrorClass)
    for cls, kind in errors.items():
        if not (isinstance(cls, type) and issubclass(cls, BaseException)):
            raise DeclarationError(
                f"{owner}: {cls!r} in errors is no exception class", hint="Write for example KeyError."
            )
        if kind not in list(ErrorClass):
            raise DeclarationError(f"{owner}: {kind!r} in errors is unknown", hint=f"Choose one of {kinds}.")


def _under_input(problems: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {f"input.{path}" if path else "input": messages for path, messages in problems.items()}
