"""Whose fault a failure is, and its one line."""

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.faults import describe_failure, is_fault_of_machine


def test_reasons_are_one_line():
    assert describe_failure(UserError("a; b")) == "a; b"
    assert describe_failure(KeyError("a\nb")) == r"unexpected KeyError: 'a\nb'"
    long = describe_failure(RuntimeError("types\n" * 1000 + "the reason"))
    assert long.endswith("the reason")
    assert long.startswith("unexpected RuntimeError: types types") and 600 < len(long) < 640


def test_faults_of_the_machine_say_nothing_about_a_recipe():
    memory = RuntimeError("[ONNXRuntimeError] : Failed to allocate memory for requested buffer")
    for error in (OSError("disk full"), MemoryError(), ImportError("onnx"), memory):
        assert is_fault_of_machine(error)
    for error in (UserError("a"), RuntimeError("no kernel"), AttributeError("a")):
        assert not is_fault_of_machine(error)
