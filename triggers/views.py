"""What the API shows that is neither a grant nor a setting: health, and what went wrong."""

from typing import Any, Literal, override

from pydantic import ConfigDict, Field

from curfew.model.base import Model


class Health(Model):
    """Whether the app is alive. `checks` are for administrators only."""

    status: Literal["ok", "degraded"]
    checks: dict[str, str] | None = None


class Document(Model):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")


class ProblemField(Model):
    """One thing that is wrong: where, and what."""

    field: str
    detail: str


class Problem(Model):
    """A refusal or a failure (RFC 9457)."""

    type: str = Field(description="Stable: `urn:curfew:problem:` and a code.")
    title: str
    status: int
    detail: str
    errors: tuple[ProblemField, ...] | None = None
    blocked_by: str | None = Field(
        default=None, description="The address of what stands in the way."
    )

    @override
    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)
