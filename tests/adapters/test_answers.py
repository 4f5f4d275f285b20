"""What Graph answers is read strictly, page after page, from Graph and from nobody else."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken

from curfew.clouds import CLOUDS, CloudName
from curfew.entra.access import Access
from curfew.entra.accounts import Account, Accounts
from curfew.entra.answers import Answer
from curfew.entra.graph import Connections, Graph
from curfew.entra.methods import Methods
from curfew.entra.pace import Pace
from curfew.errors import CurfewError, Unavailable

GRAPH = "https://graph.microsoft.com/v1.0"
PASS = "Sommer-2026!"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Token:
    """A credential that is good for one tenant."""

    async def get_token(
        self, *scopes: str, claims: str | None = None, **options: object
    ) -> AccessToken:
        return AccessToken("token", 2_000_000_000)

    def forget(self) -> None:
        """There is nothing to drop."""


class Answering(Connections):
    """Connections to a Graph that answers one after the other, and the addresses asked."""

    def __init__(self, *answers: object) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._answers = list(answers)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        answer = self._answers.pop(0)
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer)
        return httpx.Response(200, json=answer)


def graph(connections: Connections) -> Graph:
    return Graph(CLOUDS[CloudName.PUBLIC], Token(), connections, Pace(lambda: NOW))


def account(**changes: Any) -> Account:
    user = {"id": "1", "accountEnabled": False} | changes
    return asyncio.run(Accounts(graph(Answering(user))).get("1"))


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com.example/v1.0/users?$skiptoken=2",
        "http://graph.microsoft.com/v1.0/users?$skiptoken=2",
        "https://graph.microsoft.com:8443/v1.0/users?$skiptoken=2",
        "https://someone@graph.microsoft.com/v1.0/users?$skiptoken=2",
        "/v1.0/users?$skiptoken=2",
        "https://[",
    ],
)
def test_a_next_page_elsewhere_is_not_asked_for(link: str) -> None:
    connections = Answering({"value": [], "@odata.nextLink": link}, {"value": []})
    with pytest.raises(Unavailable):
        asyncio.run(Accounts(graph(connections)).managed("msp-"))
    assert len(connections.asked) == 1


def test_a_next_page_is_asked_for_as_graph_wrote_it() -> None:
    link = f"{GRAPH}/users?$skiptoken=a%2Fb"
    connections = Answering({"value": [], "@odata.nextLink": link}, {"value": []})
    assert asyncio.run(Accounts(graph(connections)).managed("msp-")) == []
    assert connections.asked[0].startswith(f"{GRAPH}/users?%24filter=startswith")
    assert connections.asked[1] == link


@pytest.mark.parametrize(
    "answer", [{}, {"value": None}, {"value": {}}, {"value": ["x"]}, b"", b"<html>", b"[]", b"\xff"]
)
def test_what_is_no_list_is_not_taken_for_an_empty_one(answer: object) -> None:
    for read in (
        lambda graph: Accounts(graph).managed("msp-"),
        lambda graph: Access(graph).memberships("1"),
        lambda graph: Access(graph).assigned_roles("1"),
        lambda graph: Methods(graph).registered("1"),
    ):
        with pytest.raises(Unavailable):
            asyncio.run(read(graph(Answering(answer))))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"accountEnabled": None},
        {"accountEnabled": "false"},
        {"accountEnabled": 0},
        {"employeeType": 1},
        {"onPremisesSyncEnabled": "yes"},
        {"lastPasswordChangeDateTime": "yesterday"},
    ],
)
def test_half_an_account_is_none(changes: dict[str, object]) -> None:
    with pytest.raises(Unavailable):
        account(**changes)


def test_moments_are_in_utc() -> None:
    for text in ("2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00"):
        assert account(lastPasswordChangeDateTime=text).password_changed_at == NOW
    fine = account(lastPasswordChangeDateTime="2026-01-01T00:00:00.1234567Z").password_changed_at
    assert fine == NOW + timedelta(microseconds=123456)
    assert account().password_changed_at is None


@pytest.mark.parametrize(
    "member", [{"id": "g"}, {"id": "g", "@odata.type": "#microsoft.graph.group"}]
)
def test_a_membership_that_cannot_be_told_is_an_error(member: dict[str, object]) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(Access(graph(Answering({"value": [member]}))).memberships("1"))


def test_what_is_no_group_is_no_membership() -> None:
    unit = {"id": "u", "@odata.type": "#microsoft.graph.administrativeUnit"}
    assert asyncio.run(Access(graph(Answering({"value": [unit]}))).memberships("1")) == {}


@pytest.mark.parametrize(
    "read",
    [
        lambda answer: answer.number("lifetimeInMinutes"),
        lambda answer: answer.moment("temporaryAccessPass"),
        lambda answer: answer.flag("temporaryAccessPass"),
        lambda answer: answer.parts("temporaryAccessPass"),
        lambda answer: answer.texts("temporaryAccessPass"),
        lambda answer: answer.part("temporaryAccessPass"),
        lambda answer: Answer.parse("create pass", f'{{"temporaryAccessPass": "{PASS}'.encode()),
    ],
    ids=["number", "moment", "flag", "parts", "texts", "part", "half"],
)
def test_a_pass_shows_in_no_error(read: Callable[[Answer], object]) -> None:
    body = f'{{"temporaryAccessPass": "{PASS}", "lifetimeInMinutes": true}}'.encode()
    answer = Answer.parse("create pass", body)
    with pytest.raises(CurfewError) as refused:
        read(answer)
    assert PASS not in f"{refused.value!r} {vars(refused.value)} {answer!r}"
    assert refused.value.__context__ is None
