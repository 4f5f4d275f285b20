"""What the preflight answers: everything that was looked at in a tenant, and what it means."""

from enum import StrEnum

from pydantic import Field

from curfew.model.base import Guid, Model, Moment, Told


class Severity(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Grants work; something lapses soon, or is less than it could be."""
    ERROR = "error"
    """A grant will fail, an ending may, or nobody can tell."""


class Finding(Model):
    """One thing that was looked at."""

    code: Told = Field(description="Stable, for machines: `pass.disabled`. Never renamed.")
    severity: Severity
    title: Told = Field(description="What is so, in one line.")
    meaning: Told = Field(description="What it means for a technician at three in the morning.")
    fix: Told | None = Field(
        default=None, description="How to mend it; null where nothing is wrong."
    )


class CheckReport(Model):
    """One look at a tenant, from the sign-in to the last profile. Nothing was changed by it."""

    tenant: Guid
    checked_at: Moment
    healthy: bool = Field(description="Whether nothing is an error; warnings may be there.")
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> frozenset[tuple[str, str, str]]:
        """What is not as it should be, for telling whether the answer has changed."""
        return frozenset(
            (each.severity, each.code, each.title)
            for each in self.findings
            if each.severity is not Severity.OK
        )
