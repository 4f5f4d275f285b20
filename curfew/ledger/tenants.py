"""Customer tenants and their profiles in Table Storage, each row guarded by its ETag."""

from collections.abc import AsyncIterator

from curfew.ledger.reading import every, told, unreadable
from curfew.ledger.tables import Columns, Row, Tables
from curfew.model.profiles import Profile
from curfew.model.tenants import Tenant

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
        """Every tenant.

        Raises:
            Unreadable: a tenant cannot be read; said after all others.
        """
        rows = self._tables.all(TENANTS, "RowKey eq @key", {"key": _KEY})
        async for tenant in every(TENANTS, rows, _tenant):
            yield tenant

    async def leaving(self) -> AsyncIterator[Tenant]:
        """Every tenant that is being off-boarded; raises as `all` does."""
        query = "RowKey eq @key and leaving eq @leaving"
        rows = self._tables.all(TENANTS, query, {"key": _KEY, "leaving": True})
        async for tenant in every(TENANTS, rows, _tenant):
            yield tenant

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
        """Delete a tenant as it was read, its profiles first, whether they can be read or not."""
        async for row in self._profiles(tenant.id):
            await self._tables.delete(PROFILES, row.partition, row.key, row.etag)
        await self._tables.delete(TENANTS, tenant.id, _KEY, tenant.etag)

    async def profile(self, tenant_id: str, name: str) -> Profile:
        """A profile of a tenant.

        Raises:
            Missing: there is no such profile.
        """
        return _profile(await self._tables.get(PROFILES, tenant_id, name))

    async def offer(self, tenant_id: str, name: str) -> tuple[Tenant, Profile]:
        """A tenant and one of its profiles.

        Raises:
            Missing: there is no such tenant or profile.
        """
        return await self.get(tenant_id), await self.profile(tenant_id, name)

    async def profiles(self, tenant_id: str) -> AsyncIterator[Profile]:
        """Every profile of a tenant.

        Raises:
            Unreadable: a profile cannot be read; said after all others.
        """
        async for profile in every(PROFILES, self._profiles(tenant_id), _profile):
            yield profile

    async def all_profiles(self) -> AsyncIterator[Profile]:
        """Every profile of every tenant; raises as `profiles` does."""
        rows = self._tables.all(PROFILES, "PartitionKey ge @first", {"first": ""})
        async for profile in every(PROFILES, rows, _profile):
            yield profile

    async def put_profile(self, profile: Profile) -> Profile:
        """Create a profile (no ETag) or replace the one that was read; raises as `put` does."""
        row = Row(profile.tenant, profile.name, profile.to_json(), profile.etag)
        etag = await _write(self._tables, PROFILES, row, {})
        return profile.model_copy(update={"etag": etag})

    async def delete_profile(self, profile: Profile) -> None:
        """Delete a profile as it was read."""
        await self._tables.delete(PROFILES, profile.tenant, profile.name, profile.etag)

    def _profiles(self, tenant_id: str) -> AsyncIterator[Row]:
        return self._tables.all(PROFILES, "PartitionKey eq @tenant", {"tenant": tenant_id})


async def _write(tables: Tables, table: str, row: Row, columns: Columns) -> str:
    if row.etag:
        return await tables.put(table, row, columns)
    await tables.create(table, (row, columns))
    return (await tables.get(table, row.partition, row.key)).etag


def _tenant(row: Row) -> Tenant:
    tenant = told(TENANTS, row, Tenant)
    if tenant.id != row.partition:
        # A row that speaks for another tenant would put its settings in that one's place.
        raise unreadable(TENANTS, row)
    return tenant.model_copy(update={"etag": row.etag})


def _profile(row: Row) -> Profile:
    profile = told(PROFILES, row, Profile)
    if profile.tenant != row.partition:
        # A row that speaks for another tenant would offer there what nobody offers.
        raise unreadable(PROFILES, row)
    return profile.model_copy(update={"etag": row.etag})
