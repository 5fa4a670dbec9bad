"""What the tests of models tell at the end of a run."""


def pytest_terminal_summary(terminalreporter):
    """Print what tests have recorded under `told`."""
    for report in terminalreporter.stats.get("passed", []):
        for key, text in report.user_properties:
            if key == "told":
                terminalreporter.write_line(text)
