"""The rules as their files write them, for tests that hold them against other files."""

import re
from typing import NamedTuple

from helpers.paths import REPOSITORY

RULES = REPOSITORY / "workflow/rules"
# From `rule name:` to the next line that is not indented; a rule may take over another one.
BLOCK = re.compile(
    r"^(?:rule (?P<name>\w+)|use rule (?P<parent>\w+) as (?P<other>\w+) with):\n"
    r"(?P<text>(?:[ \t].*\n|\n)*)",
    re.MULTILINE,
)


class Rule(NamedTuple):
    text: str  # of a rule that takes over another one: only what differs
    parent: str | None

    def find(self, pattern: str) -> str | None:
        """Return the group of the pattern, in this rule or in the one that it takes over."""
        match = re.search(pattern, self.text, re.MULTILINE)
        if match:
            return match.group(1)
        return read_rules()[self.parent].find(pattern) if self.parent else None

    @property
    def script(self) -> str | None:
        """The stem of the script; a target such as `all` has none."""
        return self.find(r'"\.\./scripts/(\w+)\.py"')

    @property
    def environment(self) -> str | None:
        return self.find(r'conda:\s+"\.\./\.\./envs/(\w+)\.yaml"')


def rules_text() -> str:
    return "\n".join(path.read_text() for path in sorted(RULES.glob("*.smk")))


def read_rules() -> dict[str, Rule]:
    """Return the rules of all files in workflow/rules by name."""
    return {
        match["name"] or match["other"]: Rule(match["text"], match["parent"])
        for match in BLOCK.finditer(rules_text())
    }


def figure_names() -> list[str]:
    """Return the names of the figures that `all` makes."""
    (content,) = re.findall(r"^FIGURES = \[(.*?)\]", rules_text(), re.MULTILINE | re.DOTALL)
    return re.findall(r'"(\w+)"', content)
