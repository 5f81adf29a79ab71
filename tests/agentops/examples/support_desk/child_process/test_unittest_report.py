"""Reading unittest's output."""

import pytest

from agentops.examples.support_desk.child_process.unittest_report import UnittestReport

NAME = "test_a (checks.T.test_a)"


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        ("ok", (1, 0)),
        ("expected failure", (1, 0)),
        ("FAIL", (0, 1)),
        ("ERROR", (0, 1)),
        ("unexpected success", (0, 1)),
        ("skipped 'not today'", (0, 0)),
    ],
)
def test_each_result_counts_as_what_it_is(result, counts):
    report = UnittestReport(4)

    assert report.read(f"{NAME} ... {result}")

    assert (report.passed, report.failed) == counts
    assert (report.percent, report.message) == (25.0, "1 of 4")


@pytest.mark.parametrize("line", ["", "ok", "OK", "FAIL: test_a", "Ran 8 tests in 0.001s", f"{NAME} ... okay"])
def test_other_lines_are_no_results(line):
    assert not UnittestReport(4).read(line)


def test_a_test_with_a_docstring_prints_two_lines():
    report = UnittestReport(1)

    assert [report.read(line) for line in (NAME, "What it says. ... ok")] == [False, True]


def test_more_results_than_were_counted_stay_below_all():
    report = UnittestReport(1)
    for _ in range(3):
        report.read(f"{NAME} ... ok")

    assert (report.percent, report.message) == (100.0, "3 of 3")


def test_without_a_count_there_is_no_percentage():
    report = UnittestReport(0)
    report.read(f"{NAME} ... ok")

    assert (report.percent, report.message) == (0.0, "1 of 1")
