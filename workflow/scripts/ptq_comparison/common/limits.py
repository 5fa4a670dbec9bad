"""Limits of a process that does something for the first time, with a file of a stranger."""

import resource
from typing import NamedTuple


class Limits(NamedTuple):
    """How many bytes a process may map and how many seconds it may compute.

    `subject` is the key of the config to blame, `remedy` ends the line for the user.
    """

    address_space: int
    cpu_seconds: int
    subject: str
    remedy: str

    def apply(self) -> None:
        """Limit this process. More memory then fails, and more time brings SIGXCPU."""
        for limit, value, spare in (
            (resource.RLIMIT_AS, self.address_space, 0),
            (resource.RLIMIT_CPU, self.cpu_seconds, 5),  # seconds until SIGKILL
        ):
            _, hard = resource.getrlimit(limit)
            if hard != resource.RLIM_INFINITY:
                value = min(value, hard - spare)
            resource.setrlimit(limit, (value, hard if not spare else value + spare))

    def memory_line(self) -> str:
        """Return the line for a process that wanted more memory."""
        return f"{self.subject}: needs more than {self.address_space / 1e9:.1f} GB; {self.remedy}"

    def time_line(self) -> str:
        """Return the line for a process that computed longer."""
        return f"{self.subject}: is not done after {self.cpu_seconds} CPU seconds; {self.remedy}"
