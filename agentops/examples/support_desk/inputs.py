"""What the job types of the desk accept, as JSON schemas."""

from typing import Any

from agentops.examples.support_desk.projects import PROJECTS

NUMBER = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
LINE = {"type": "string", "minLength": 1, "maxLength": 200}


def fields(**properties: Any) -> dict[str, Any]:
    """Describe an object that has exactly these fields."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


ACCOUNT = fields(account={**NUMBER, "description": "Account number, such as 184."})
REFUND = fields(
    invoice={**NUMBER, "description": "Invoice number, such as 1007."},
    reason={**LINE, "description": "Why, as in “it was charged twice”."},
)
FOLLOW_UP = fields(
    account={**NUMBER, "description": "Account number, such as 184."},
    topic={**LINE, "description": "What the email is about."},
)
PROJECT = fields(project={"enum": list(PROJECTS)})
TICKET_ROW = {
    "type": "object",
    "properties": {"account": NUMBER, "subject": LINE, "body": {"type": "string", "maxLength": 5000}},
    "required": ["account", "subject"],
    "additionalProperties": False,
}
TICKET_ROWS = fields(rows={"type": "array", "items": TICKET_ROW, "minItems": 1, "maxItems": 500})
