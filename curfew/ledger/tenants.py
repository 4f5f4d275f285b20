"""Customer tenants and their profiles in Table Storage, each row guarded by its ETag."""

from collections.abc import AsyncIterator

from curfew.ledger.tables import Columns, Row, Tables
from curfew.model.tenants import Profile, Tenant

TENANTS = "tenants"
PROFILES = "profiles"
_KEY = "tenant"


class TenantStore:
    """The settings of customer tenants; partition: tenant id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, tenant_id: str) -> Tenant:
        """The settings of a tenant.

        Raises:
            Missing: Curfew does not know this tenant.
        """
        return _tenant(await self._tables.get(TENANTS, tenant_id, _KEY))

    async def all(self) -> AsyncIterator[Tenant]:
        """Every tenant."""
        async for row in self._tables.all(TENANTS, "RowKey eq @key", {"key": _KEY}):
            yield _tenant(row)

    async def leaving(self) -> AsyncIterator[Tenant]:
        """Every tenant that is being off-boarded."""
        query = "RowKey eq @key and leaving eq @leaving"
        async for row in self._tables.all(TENANTS, query, {"key": _KEY, "leaving": True}):
            yield _tenant(row)

    async def put(self, tenant: Tenant) -> Tenant:
        """Create a tenant (no ETag) or replace the one that was read (with its ETag).

        Raises:
            AlreadyExists: no ETag, and there is such a tenant.
            Changed: somebody else wrote since it was read.
        """
        row = Row(tenant.id, _KEY, tenant.to_json(), tenant.etag)
        columns = {"leaving": tenant.leaving_since is not None}
        etag = await _write(self._tables, TENANTS, row, columns)
        return tenant.model_copy(update={"etag": etag})

    async def delete(self, tenant: Tenant) -> None:
        """Delete a tenant as it was read, its profiles first."""
        async for profile in self.profiles(tenant.id):
            await self.delete_profile(profile)
        await self._tables.delete(TENANTS, tenant.id, _KEY, tenant.etag)

    async def profile(self, tenant_id: str, name: str) -> Profile:
        """A profile of a tenant.

        Raises:
            Missing: there is no such profile.
        """
        return _profile(await self._tables.get(PROFILES, tenant_id, name))

    async def profiles(self, tenant_id: str) -> AsyncIterator[Profile]:
        """Every profile of a tenant."""
        query = "PartitionKey eq @tenant"
        async for row in self._tables.all(PROFILES, query, {"tenant": tenant_id}):
            yield _profile(row)

    async def put_profile(self, profile: Profile) -> Profile:
        """Create a profile (no ETag) or replace the one that was read; raises as `put` does."""
        row = Row(profile.tenant, profile.name, profile.to_json(), profile.etag)
        etag = await _write(self._tables, PROFILES, row, {})
        return profile.model_copy(update={"etag": etag})

    async def delete_profile(self, profile: Profile) -> None:
        """Delete a profile as it was read."""
        await self._tables.delete(PROFILES, profile.tenant, profile.name, profile.etag)


async def _write(tables: Tables, table: str, row: Row, columns: Columns) -> str:
    if row.etag:
        return await tables.put(table, row, columns)
    await tables.create(table, (row, columns))
    return (await tables.get(table, row.partition, row.key)).etag


def _tenant(row: Row) -> Tenant:
    return Tenant.read(row.document).model_copy(update={"etag": row.etag})


def _profile(row: Row) -> Profile:
    return Profile.read(row.document).model_copy(update={"etag": row.etag})
