"""`python -m curfew.audit verify`: a line per tenant, every finding, and an exit code to act on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from curfew.audit import anchor
from curfew.model.tenants import Tenant
from tests.audit.store import Store, running
from tests.lifecycle.ledger_proxy import Trouble


@pytest.fixture(scope="module")
def alone() -> Iterator[Store]:
    """Tables in which nobody else's trail is broken."""
    with running() as store:
        yield store


def verify(store: Store, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "curfew.audit", "verify", *arguments],
        env={**os.environ, **store.environment, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_at_all_is_not_whole(alone: Store) -> None:
    answer = verify(alone)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "nothing to check" in answer.stderr


def test_a_whole_trail_is_said_to_be_whole(alone: Store) -> None:
    last = alone.append(3)[-1]
    answer = verify(alone)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == f"{alone.tenant}  whole  3 events, last 3:{last.hash}\n"


def test_a_tenant_without_any_event_is_a_finding(alone: Store) -> None:
    silent = "22222222-0000-4000-8000-000000000001"
    tenant = Tenant(id=silent, display_name="Silent", account_domain="silent.example")
    alone.wait(alone.services.tenants.put(tenant))
    answer = verify(alone)
    assert answer.returncode == 1
    assert f"{silent}  BROKEN  0 events" in answer.stdout
    assert verify(alone, "--tenant", alone.tenant).returncode == 0
    assert verify(alone, "--tenant", silent).returncode == 1


def test_a_broken_trail_is_explained_and_named(store: Store) -> None:
    store.append(3)
    store.remove(store.rows()[1])
    answer = verify(store, "--tenant", store.tenant)
    assert answer.returncode == 1
    assert "  removed at 2: Missing before event 3: 2." in answer.stdout
    assert answer.stderr == "removed: Events between two others are gone.\n"


def test_findings_come_as_json_for_programs(store: Store) -> None:
    store.append(3)
    store.remove(store.rows()[-1])
    answer = verify(store, "--tenant", store.tenant, "--json")
    (said,) = map(json.loads, answer.stdout.splitlines())
    assert (answer.returncode, said["tenant"], said["events"]) == (1, store.tenant, 2)
    assert [(f["damage"], f["sequence"]) for f in said["findings"]] == [("truncated", 3)]


def test_the_reported_head_is_an_anchor_for_the_command(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="curfew")
    store.append(2)
    assert store.wait(anchor(store.services)) >= 1
    reported = [r for r in caplog.records if getattr(r, "event", "") == "curfew.audit.anchored"]
    all_fields = [record.fields for record in reported]  # type: ignore[attr-defined]
    (fields,) = [each for each in all_fields if each["tenant"] == store.tenant]
    anchored = f"{store.tenant}={fields['sequence']}:{fields['hash']}"
    store.append(2)
    assert verify(store, "--tenant", store.tenant, "--anchor", anchored).returncode == 0
    other = f"{store.tenant}=2:{'0' * 64}"
    answer = verify(store, "--tenant", store.tenant, "--anchor", anchored, "--anchor", other)
    assert answer.returncode == 1
    assert "rewritten at 2" in answer.stdout


def test_a_tenant_whose_head_cannot_be_read_keeps_no_other_from_its_anchor(store: Store) -> None:
    store.append()
    spoiled = store.tenant
    store.write(store.rows("head")[0], {"sequence": "many"})
    store.tenant = "33333333-0000-4000-8000-000000000001"
    store.append()
    before = store.wait(anchor(store.services))
    store.tenant = "33333333-0000-4000-8000-000000000002"
    store.append()
    assert store.wait(anchor(store.services)) == before + 1
    assert spoiled in store.wait(store.trail.tenants())


def test_tables_that_cannot_be_read_are_unknown_and_not_whole(store: Store) -> None:
    store.append()
    store.proxy.trouble = Trouble(times=None)
    answer = verify(store)
    assert answer.returncode == 2
    assert "could not be read" in answer.stderr


def test_missing_settings_are_named(store: Store) -> None:
    answer = verify(store, CURFEW_HOME_TENANT="")
    assert answer.returncode == 2
    assert "CURFEW_HOME_TENANT is not set" in answer.stderr


@pytest.mark.parametrize("text", ["contoso=1:ab", "", "0" * 36, f"{'0' * 8}=1:{'0' * 64}"])
def test_an_anchor_that_is_none_is_refused(store: Store, text: str) -> None:
    answer = verify(store, "--anchor", text)
    assert answer.returncode == 2
    assert "TENANT=SEQUENCE:HASH" in answer.stderr


def test_a_row_that_cannot_be_read_silences_no_other_tenant(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="curfew")
    with running() as store:
        spoiled = store.tenant
        store.append(2)
        store.tenant = "33333333-0000-4000-8000-000000000001"
        last = store.append(3)[-1]
        row = {"PartitionKey": "newest", "RowKey": spoiled}
        store.write(row, {"month": {"is": "hunter2"}})
        assert store.wait(anchor(store.services)) == 1
        marked = [vars(r) for r in caplog.records if hasattr(r, "fields")]
        said = [(each["event"], each["fields"]["tenant"]) for each in marked]
        answer = verify(store)
    assert ("curfew.audit.anchored", store.tenant) in said
    assert ("curfew.audit.missed", spoiled) in said
    assert f"{store.tenant}  whole  3 events, last 3:{last.hash}\n" in answer.stdout
    assert f"{spoiled}  BROKEN  2 events" in answer.stdout
    assert "  changed at 1: The row that names the month" in answer.stdout
    assert answer.returncode == 1
    assert "hunter2" not in answer.stdout + answer.stderr + caplog.text
