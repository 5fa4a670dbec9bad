"""The verification as JUnit XML, read by the library that CI tools use."""

from junitparser import Failure, JUnitXml, Skipped
from ptq_comparison.verification.junit import to_junit
from ptq_comparison.verification.rows import requirement


def write(folder, *arguments):
    path = folder / "verification.xml"
    to_junit(*arguments).write(str(path), pretty=True)
    return path


def read(path):
    """Return suites by name, of cases by name."""
    return {suite.name: {case.name: case for case in suite} for suite in JUnitXml.fromfile(path)}


def test_each_requirement_is_a_case_of_its_suite(tmp_path):
    path = tmp_path / "int8_eval.json"
    rows = [
        requirement("model_int8", "loads", "sound", "sound", True, path),
        requirement("drop_int8", "loses at most 3.0 pp", ">= -3.0", -4.5, False, path, "a.b",
                    "your requirement"),
        requirement("size_int8", "is small", "<= 5", 4, True, path, kind="your requirement"),
        requirement("saturation", "is checked", "told", None, True, path, skipped="no kernel"),
        requirement("disjoint", "no shared image", 0, 2, False, path),
    ]  # fmt: skip
    file = write(tmp_path, rows, [("top1_int8", "acceptance.min_top1 is null")])
    suites = read(file)
    own, checks = suites["your requirements"], suites["self checks"]
    assert set(own) == {"drop_int8", "size_int8", "top1_int8"}
    assert set(checks) == {"model_int8", "saturation", "disjoint"}
    (failure,) = own["drop_int8"].result
    assert isinstance(failure, Failure) and failure.type == "your requirement"
    assert failure.message == (
        f"drop_int8: loses at most 3.0 pp: expected >= -3.0, measured -4.5 ({path} a.b)"
    )
    (skipped,) = own["top1_int8"].result
    assert isinstance(skipped, Skipped)
    assert skipped.message == "not asked: acceptance.min_top1 is null"
    assert checks["saturation"].result[0].message == "no kernel"
    assert own["size_int8"].is_passed and "measured 4" in own["size_int8"].system_out
    assert {case.classname for case in own.values()} == {"your requirements"}
    xml = JUnitXml.fromfile(file)
    assert (xml.tests, xml.failures, xml.skipped, xml.errors) == (6, 2, 2, 0)
    assert xml.time == 0  # the same bytes on every run
    content = file.read_bytes()
    write(tmp_path, rows, [("top1_int8", "acceptance.min_top1 is null")])
    assert file.read_bytes() == content


def test_characters_that_xml_has_no_place_for_are_replaced(tmp_path):
    text = 'a\x00b\x1b[31m \ud800 <&> "é" \U0001f600 \uffff'
    row = requirement(f"model_{text}", text, text, {"why": text}, False, tmp_path, skipped=text)
    passed = {**row, "passed": True}
    suites = read(write(tmp_path, [row, passed]))
    (name,) = suites["self checks"]
    shown = 'a\ufffdb\ufffd[31m \ufffd <&> "é" \U0001f600 \ufffd'
    assert name == f"model_{shown}"
    (skipped,) = suites["self checks"][name].result
    assert skipped.message == shown
