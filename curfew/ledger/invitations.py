"""The questions to customers' administrators; partition: tenant id, key: the question's id."""

from curfew.ids import tenant_of_invitation
from curfew.ledger.reading import told, unreadable
from curfew.ledger.tables import Row, Tables
from curfew.model.onboarding import Invitation

TABLE = "invitations"


class Invitations:
    """Every invitation, kept so that each is answered once at most."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, invitation_id: str) -> Invitation:
        """An invitation by its id.

        Raises:
            Missing: there is none with this id.
            NotFound: this is no such id at all.
        """
        tenant = tenant_of_invitation(invitation_id)
        return _invitation(await self._tables.get(TABLE, tenant, invitation_id))

    async def create(self, invitation: Invitation) -> None:
        """Keep a new invitation."""
        row = Row(invitation.tenant, invitation.id, invitation.to_json())
        await self._tables.create(TABLE, (row, {}))

    async def forget(self, tenant_id: str) -> None:
        """Forget every invitation of a tenant: an address that is still about answers nothing."""
        query = "PartitionKey eq @tenant"
        async for row in self._tables.all(TABLE, query, {"tenant": tenant_id}):
            await self._tables.delete(TABLE, row.partition, row.key)

    async def answer(self, invitation: Invitation) -> None:
        """Write an answer into the invitation as it was read: of two answers one is the first.

        Raises:
            Changed: it was answered since it was read.
            Missing: it is gone.
        """
        row = Row(invitation.tenant, invitation.id, invitation.to_json(), invitation.etag)
        await self._tables.put(TABLE, row)


def _invitation(row: Row) -> Invitation:
    invitation = told(TABLE, row, Invitation)
    if (invitation.tenant, invitation.id) != (row.partition, row.key):
        # A row that speaks for another tenant would take that one's consent as given.
        raise unreadable(TABLE, row)
    return invitation.model_copy(update={"etag": row.etag})
