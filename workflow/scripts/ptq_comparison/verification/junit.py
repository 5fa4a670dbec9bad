"""The verification in the XML of JUnit, which the pages of a CI show."""

import re
from collections.abc import Iterable

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from ptq_comparison.verification.rows import Requirement
from ptq_comparison.verification.summary import HEADINGS, failure_line

# Characters that XML 1.0 has no place for, not even with an escape.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(requirements: list[Requirement], unasked: Iterable[tuple[str, str]] = ()) -> JUnitXml:
    """Return a suite for each kind of requirement, with a case for each, named by its id.

    `unasked` are ids and reasons of your requirements that the config does not ask for: they are
    skipped, as is what could not be measured. There are no times in it.
    """
    xml = JUnitXml("verification")
    for kind, heading in HEADINGS.items():
        suite = TestSuite(heading.lower())
        for row in requirements:
            if row["kind"] == kind:
                suite.add_testcase(_case(row, suite.name))
        if kind == "your requirement":
            for id, reason in unasked:
                suite.add_testcase(_skipped(TestCase(id, suite.name), f"not asked: {reason}"))
        xml.add_testsuite(suite)
    return xml


def _case(row: Requirement, suite: str) -> TestCase:
    case = TestCase(_printable(row["id"]), suite)
    line = _printable(failure_line(row))
    if not row["passed"]:
        case.result = [Failure(line, row["kind"])]
    elif row["skipped"]:
        _skipped(case, _printable(row["skipped"]))
    else:
        case.system_out = line
    return case


def _skipped(case: TestCase, reason: str) -> TestCase:
    case.result = [Skipped(reason)]
    return case


def _printable(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
