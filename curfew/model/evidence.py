"""What was read back after an ending, and what its steps measure against."""

from curfew.model.base import Model, Moment


class Evidence(Model):
    """What was read back after an ending. Each fact was seen in the directory or the vault.

    None is a fact that is no part of the grant: the account of a role grant stays as it is.
    """

    verified_at: Moment
    account_existed: bool
    account_disabled: bool | None
    roles_left: int
    groups_left: int
    methods_left: int
    password_changed_at: Moment | None = None
    password_rotated: bool | None
    sessions_revoked: bool
    credential_disabled: bool | None
    account_deleted: bool | None = None

    @property
    def clean(self) -> bool:
        """Whether nothing of the access is left (rule 4)."""
        nothing_left = not (self.roles_left or self.groups_left or self.methods_left)
        return (
            nothing_left
            and self.account_disabled is not False
            and self.password_rotated is not False
            and self.sessions_revoked
            and self.credential_disabled is not False
        )


class Readings(Model):
    """What the first pass of an ending without workflow read: later ones measure against it."""

    rotated_after: Moment | None = None
    revoked_after: Moment | None = None
    absent_since: Moment | None = None
