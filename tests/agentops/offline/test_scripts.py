"""Which script answers, and with which of its turns."""

import anthropic
import pytest


def saying(name, *texts, **script):
    turns = [{"content": [{"type": "text", "text": text}]} for text in texts]
    return {"name": name, "turns": turns, **script}


def test_without_a_script_the_model_says_so_and_repeats_the_question(serve, connect, ask):
    client = connect(serve())

    message = client.messages.create(**ask("Is anybody {{there}}?"))

    assert "offline model" in message.content[0].text
    assert "Is anybody {{there}}?" in message.content[0].text
    assert message.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("when", "request_options"),
    [
        ({"system_contains": "refund desk"}, {"system": "You are the refund desk."}),
        ({"system_contains": "refund desk"}, {"system": [{"type": "text", "text": "The refund desk."}]}),
        ({"first_user_contains": "order 1007"}, {}),
        ({"model": "claude-opus-5-5"}, {}),
        ({"user_id": "run-7"}, {"metadata": {"user_id": "run-7"}}),
    ],
)
def test_a_condition_chooses_the_script(serve, connect, ask, when, request_options):
    client = connect(serve(saying("general", "general"), saying("special", "special", when=when)))

    message = client.messages.create(**ask("About order 1007", **request_options))

    assert message.content[0].text == "special"


def test_a_script_matches_only_when_all_its_conditions_hold(serve, connect, ask):
    when = {"first_user_contains": "order", "user_id": "run-7"}
    client = connect(serve(saying("both", "both", when=when)))

    message = client.messages.create(**ask("About my order", metadata={"user_id": "run-8"}))

    assert message.content[0].text != "both"


def test_more_conditions_win_over_longer_ones(serve, connect, ask):
    longer = saying("longer", "longer", when={"first_user_contains": "a question about my order"})
    more = saying("more", "more", when={"first_user_contains": "order", "model": "claude-opus-5-5"})
    client = connect(serve(longer, more))

    message = client.messages.create(**ask("I have a question about my order"))

    assert message.content[0].text == "more"


def test_longer_conditions_win_over_shorter_ones(serve, connect, ask):
    shorter = saying("shorter", "shorter", when={"first_user_contains": "order"})
    longer = saying("longer", "longer", when={"first_user_contains": "my order"})
    client = connect(serve(shorter, longer))

    message = client.messages.create(**ask("About my order"))

    assert message.content[0].text == "longer"


def test_each_assistant_turn_in_the_request_advances_the_script(serve, connect, ask):
    client = connect(serve(saying("s", "one", "two", "three")))

    message = client.messages.create(**ask("Hi", "one", "Go on", "two", "Go on"))

    assert message.content[0].text == "three"


def test_consecutive_assistant_messages_are_one_turn(serve, connect, ask):
    client = connect(serve(saying("s", "one", "two", "three")))
    request = ask("Hi", "on", "Go on")
    request["messages"].insert(2, {"role": "assistant", "content": "e"})

    message = client.messages.create(**request)

    assert message.content[0].text == "two"


def test_beyond_its_last_turn_a_script_says_that_it_has_ended(serve, connect, ask):
    client = connect(serve(saying("s", "one")))

    message = client.messages.create(**ask("Hi", "one", "Go on"))

    assert message.content[0].text == "(the script has ended)"


def test_beyond_its_last_turn_a_script_may_say_something_else(serve, connect, ask):
    otherwise = {"content": [{"type": "text", "text": "Good bye"}]}
    client = connect(serve(saying("s", "one", otherwise=otherwise)))

    message = client.messages.create(**ask("Hi", "one", "Go on"))

    assert message.content[0].text == "Good bye"


class TestPausedTurns:
    """A paused turn is sent back unchanged, without a user message."""

    @pytest.fixture
    def client(self, serve, connect):
        paused = {"content": [{"type": "text", "text": "So far"}], "stop_reason": "pause_turn"}
        rest = [{"content": [{"type": "text", "text": text}]} for text in ("and further", "done")]
        return connect(serve({"name": "pausing", "turns": [paused, *rest]}))

    def test_the_next_scripted_turn_continues_it(self, client, ask):
        message = client.messages.create(**ask("Hi", "So far"))

        assert message.content[0].text == "and further"

    def test_a_continuation_sent_as_its_own_message_counts(self, client, ask):
        request = ask("Hi", "So far", "Go on")
        request["messages"].insert(2, {"role": "assistant", "content": "and further"})

        assert client.messages.create(**request).content[0].text == "done"

    def test_a_continuation_appended_to_the_paused_message_counts(self, client, ask):
        blocks = [{"type": "text", "text": text} for text in ("So far", "and further")]

        message = client.messages.create(**ask("Hi", blocks, "Go on"))

        assert message.content[0].text == "done"

    def test_a_turn_that_was_not_paused_is_not_continued(self, client, ask):
        with pytest.raises(anthropic.BadRequestError, match="prefill"):
            client.messages.create(**ask("Hi", "So far", "Go on", "and further"))
