"""Taking back without the workflow: one pass over the same steps, from the lease alone.

    announce + disable ──▶ everything else ──▶ read back ──▶ [delete] ──▶ close

The steps are the workflow's own (`curfew.ending`), in its order and with its guarantees: a step
that fails keeps none of the others from being taken, and nothing is closed that was not read back
as gone. A pass that is not enough leaves a lease that is ending; the next one takes every step
again. Two passes at once, or a pass beside a living workflow, do no harm: every step is repeatable,
and of two that close a grant one does nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from curfew.concurrency import together
from curfew.ending import steps
from curfew.ending.removing import remove_access
from curfew.ending.verifying import verify_ended
from curfew.errors import CurfewError, Throttled, Unavailable
from curfew.model.evidence import Evidence
from curfew.model.grants import EndReason, GrantState, Lease, Plan
from curfew.model.messages import (
    Closing,
    Ending,
    EndingNotice,
    EndStep,
    Revocation,
    Rotation,
    Search,
    StuckNotice,
    Verification,
    settles_at,
    steps_to_mend,
)
from curfew.model.profiles import EndingMode
from curfew.model.sweeps import CURFEW, FRESH, Swept
from curfew.services import Services

LEAVING = "The tenant is being off-boarded."

_LOOK_AGAIN = 2.0
"""Seconds until the second try, when all was done and not all of it shows yet."""

_STEPS: dict[EndStep, Callable[[Services, Plan], Awaitable[Any]]] = {
    EndStep.DISABLE: steps.disable_account,
    EndStep.REVOKE: steps.revoke_sessions,
    EndStep.REMOVE_ACCESS: remove_access,
    EndStep.REMOVE_METHODS: steps.remove_methods,
    EndStep.ROTATE: steps.rotate_password,
    EndStep.RETIRE: steps.retire_credential,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a pass came to; `failure` is why the tenant cannot be worked in any further."""

    swept: Swept
    detail: str | None = None
    failure: Throttled | Unavailable | None = None
    deleted: bool = False


def ending_of(lease: Lease, remark: str) -> Ending:
    """Why a grant ends: for the reason that its lease says already, else because it was swept."""
    if (told := Ending.told_by(lease)) is not None:
        return told
    waited = lease.state is GrantState.AWAITING_APPROVAL
    reason = EndReason.APPROVAL_EXPIRED if waited else EndReason.SWEPT
    return Ending(reason=reason, by=CURFEW, remark=remark)


async def take_back(services: Services, lease: Lease, ending: Ending) -> Result:
    """Take back what was given under a lease, and close it if all of that is seen to be gone."""
    this = _Pass(services, lease, ending)
    if await this.closes():
        return Result(Swept.ENDED, deleted=this.deleted)
    await this.leave()
    if this.waits_for:
        return Result(Swept.WAITING, this.waits_for)
    stops = [
        error for error in this.failures.values() if isinstance(error, Throttled | Unavailable)
    ]
    return Result(Swept.FAILED, "; ".join(this.reasons), stops[0] if stops else None)


@dataclass
class _Pass:
    """One pass over one lease: what it learns, and what fails."""

    services: Services
    lease: Lease
    ending: Ending
    failures: dict[str, CurfewError] = field(default_factory=dict)
    waits_for: str = ""
    deleted: bool = False

    def __post_init__(self) -> None:
        self.plan = self.lease.plan.to_take_back()
        self.readings = self.lease.readings

    @property
    def reasons(self) -> tuple[str, ...]:
        """What failed, for people."""
        failed = tuple(f"{name}: {failure.detail}" for name, failure in self.failures.items())
        return failed or ("Not everything shows as taken back yet.",)

    async def closes(self) -> bool:
        """The whole pass; whether the grant is over afterwards."""
        evidence = self.lease.evidence
        deletes = self.plan.ending_mode is EndingMode.DELETE
        if deletes and evidence is not None and evidence.account_existed:
            # It may be deleted by now, and nobody could verify it any more.
            return await self._close(evidence)
        known = self.plan.account_id is not None
        over, _ = await together(self._announce(), self._take(self._disabling()))
        if over:
            return True
        if not known:
            if not await self._locate():
                return False
            await self._take(self._disabling())
        await self._take([step for step in self._pending() if step is not EndStep.DISABLE])
        evidence = await self._verify()
        return evidence is not None and await self._close(evidence)

    async def leave(self) -> None:
        """Leave behind what the next pass needs, and raise the alert when it is time."""

        def note(now: Lease) -> Lease:
            return now.model_copy(update={"readings": self.readings})

        with suppress(CurfewError):
            await self.services.leases.change(self.plan.grant_id, note)
        is_late = self.services.clock() >= self.lease.deadline + FRESH
        is_held_back = any(isinstance(each, Throttled) for each in self.failures.values())
        if is_late and not (self.waits_for or self.lease.stuck or is_held_back):
            finished = self.lease.rounds + 1
            notice = StuckNotice(plan=self.plan, round=finished, failures=self.reasons)
            with suppress(CurfewError):
                await steps.flag_stuck(self.services, notice)

    async def _announce(self) -> bool:
        """Put the ending on record; whether the grant is over already."""
        notice = EndingNotice(plan=self.plan, ending=self.ending)
        said = await self._run("announce", steps.announce_ending(self.services, notice))
        return said is not None and said.over

    async def _locate(self) -> bool:
        """Find the account of a grant that knows none; False while it is not certain."""
        # Nothing was given after the lease's deadline, nor after the plan's own limit.
        unsure_since = min(self.plan.provision_by, self.lease.deadline)
        search = Search(plan=self.plan, unsure_since=unsure_since)
        located = await self._run("locate", steps.locate_account(self.services, search))
        if located is None:
            return False
        if located.look_again_at is not None:
            self.waits_for = "An account whose creation nobody saw may still appear."
            return False
        self.plan = located.plan
        return True

    def _pending(self) -> tuple[EndStep, ...]:
        return EndStep.of(self.plan.kind) if self.plan.account_id else (EndStep.RETIRE,)

    def _disabling(self) -> list[EndStep]:
        return [step for step in self._pending() if step is EndStep.DISABLE]

    async def _take(self, pending: Sequence[EndStep]) -> None:
        """Take these steps together."""
        services, plan = self.services, self.plan
        taken = await together(*(self._run(step, _STEPS[step](services, plan)) for step in pending))
        answers = dict(zip(pending, taken, strict=True))
        rotation, revocation = answers.get(EndStep.ROTATE), answers.get(EndStep.REVOKE)
        # The first reading counts: what two passes did within one second would hide itself.
        if isinstance(rotation, Rotation):
            self._read(rotated_after=self.readings.rotated_after or rotation.rotated_after)
        if isinstance(revocation, Revocation):
            self._read(revoked_after=self.readings.revoked_after or revocation.revoked_after)

    async def _verify(self) -> Evidence | None:
        """Read back; None while something is left, or while nobody can tell."""
        evidence = await self._look()
        if evidence is not None and not (evidence.clean or self.failures):
            await self.services.pause(_LOOK_AGAIN)
            missed = steps_to_mend(evidence)
            await self._take([step for step in self._pending() if step in missed])
            evidence = await self._look()
        if evidence is None or self.failures or not evidence.clean:
            return None
        if self.plan.account_id is None or evidence.account_existed:
            return evidence
        # For a while a whole replica may know nothing of an account that is there and enabled.
        since = self.readings.absent_since or self.services.clock()
        self._read(absent_since=since)
        if self.services.clock() < settles_at(since):
            self.waits_for = "The directory does not show the account, for too short a time."
            return None
        return evidence

    async def _look(self) -> Evidence | None:
        verification = Verification(
            plan=self.plan,
            rotated_after=self.readings.rotated_after,
            revoked_after=self.readings.revoked_after,
        )
        evidence = await self._run("verify", verify_ended(self.services, verification))
        if evidence is not None and evidence.account_existed:
            self._read(absent_since=None)
        return evidence

    async def _close(self, evidence: Evidence) -> bool:
        """Delete the account where the profile says so, then write the ending down."""
        plan = self.plan
        if plan.ending_mode is EndingMode.DELETE and evidence.account_existed:
            answer = await self._run("delete", steps.delete_account(self.services, plan))
            self.deleted = answer is not None and answer.deleted
            evidence = evidence.model_copy(update={"account_deleted": self.deleted})
        if not self.failures:
            closing = Closing(plan=plan, ending=self.ending, evidence=evidence)
            await self._run("close", steps.close_grant(self.services, closing))
        return not self.failures

    async def _run[T](self, name: str, step: Awaitable[T]) -> T | None:
        """What a step answers; None, and its failure noted, when it fails."""
        try:
            return await step
        except CurfewError as failure:
            self.failures[name] = failure
            return None

    def _read(self, **readings: datetime | None) -> None:
        self.readings = self.readings.model_copy(update=readings)
