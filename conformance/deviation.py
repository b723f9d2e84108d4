"""What a case can come to besides passing."""


class Deviation(Exception):  # noqa: N818 - it is a finding about the target, no error of ours
    """The target did what a requirement forbids, or did not do what it demands."""

    def __init__(self, requirements: list[str], symptom: str, summary: str, expected: str) -> None:
        super().__init__(summary)
        self.requirements = requirements
        self.symptom = symptom
        self.summary = summary
        self.expected = expected


class InconclusiveError(Exception):
    """The set-up of a case failed: nothing is proved either way."""


class UnreachableError(InconclusiveError):
    """The target cannot be started, or takes no connection."""


class UnsupportedError(Exception):
    """The case cannot be run against this target, and why."""
