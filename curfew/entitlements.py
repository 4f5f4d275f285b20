"""Who belongs to an audience: named by object id, or in one of its groups."""

from curfew.model.profiles import Audience


def is_among(audience: Audience | None, person_id: str, groups: frozenset[str]) -> bool:
    """Whether somebody with these groups is meant; everybody is where no audience is named."""
    if audience is None:
        return True
    return person_id in audience.people or bool(groups & set(audience.groups))
