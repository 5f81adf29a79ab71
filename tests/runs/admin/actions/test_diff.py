from runs.admin.actions.diff import LINES_MAX, diff_of


def marks(before, after):
    return [(line.mark, line.text.strip()) for line in diff_of(before, after)]


def test_it_marks_what_went_and_what_came():
    assert marks({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": "x"}) == [
        (" ", "{"),
        (" ", '"a": 1,'),
        ("-", '"b": 2'),
        ("+", '"b": 3,'),
        ("+", '"c": "x"'),
        (" ", "}"),
    ]


def test_values_without_lines_and_keys_with_line_ends_are_compared():
    assert marks(None, {"a\nb": 1}) == [("-", "null"), ("+", "{"), ("+", '"a\\nb": 1'), ("+", "}")]


def test_long_lines_are_cut_and_long_values_are_not_compared():
    assert all(len(line.text) < 2100 for line in diff_of(["x" * 9000], ["y" * 9000]))
    assert diff_of([1] * LINES_MAX, []) is None
