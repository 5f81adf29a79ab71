from runs.registry import Agent, Job, register, tool, ask_human
from runs.errors import UnknownOutcomeError

@tool(effect="read")
def add(context, a: int, b: int) -> dict:
    """Add two numbers."""
    return {"sum": a + b}

@tool(effect="unsafe", approval="always")
def pay(context, amount: float) -> dict:
    """Pay money."""
    return {"paid": amount, "key": context.effect_key}

@register
class Adder(Agent):
    name = "adder"
    model = "claude-sonnet-5-5"
    system = "You are the adder."
    tools = [add, pay, ask_human]

@register
class Chat(Agent):
    name = "chat"
    model = "claude-sonnet-5-5"
    system = "You chat."
    converses = True

@register
class Count(Job):
    name = "count"
    queue = "agents"
    def run(self, context, n: int = 3):
        return {"v": [context.step(f"s{i}", lambda i=i: i * i, effect="read") for i in range(n)]}
