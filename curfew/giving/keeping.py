"""New passwords, and where the technician's credentials are kept."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from pydantic import SecretStr

from curfew import passwords
from curfew.errors import Rejected
from curfew.model.grants import Plan
from curfew.model.handovers import SecretVersion
from curfew.services import Services

_PASSWORD_TRIES = 3
_KEPT_LONGER = timedelta(hours=1)


async def with_new_password[T](
    services: Services, plan: Plan, use: Callable[[SecretStr], Awaitable[T]]
) -> tuple[T, SecretVersion | None]:
    """Use a new password, kept in the vault first where the technician is to have it.

    A tenant's banned-password list can refuse a random password, though hardly twice: it is
    made anew, three times at the most.
    """
    for remaining in reversed(range(_PASSWORD_TRIES)):
        password = passwords.generate()
        kept = None
        if plan.credential.has_password:
            kept = await keep(services, plan, plan.password_secret, password)
        try:
            return await use(password), kept
        except Rejected:
            if not remaining:
                raise
    raise AssertionError


async def keep(services: Services, plan: Plan, name: str, value: SecretStr) -> SecretVersion:
    """Keep a credential in the vault; its expiry there informs, and is no access control."""
    lapses = plan.provision_by + plan.duration + _KEPT_LONGER
    return await services.vault.keep(name, value, lapses)
