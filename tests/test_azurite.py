"""What the dev host relies on: a real table service that is quick, private, and never stray."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableClient, TableTransactionError

from devhost.azurite import Azurite, AzuriteError

TABLE = "leases"


def table_of(azurite: Azurite) -> TableClient:
    return TableClient.from_connection_string(azurite.connection_string, TABLE)


def row(key: str) -> dict[str, str]:
    return {"PartitionKey": "contoso", "RowKey": key}


def test_a_transaction_with_a_taken_row_changes_nothing() -> None:
    with Azurite() as azurite, table_of(azurite) as table:
        table.create_table()
        table.create_entity(row("claim"))
        with pytest.raises(TableTransactionError) as refused:
            table.submit_transaction([("create", row("lease")), ("create", row("claim"))])
        assert refused.value.status_code == 409
        assert [entity["RowKey"] for entity in table.list_entities()] == ["claim"]


# The client reads Azurite's XML refusal in a way that Python will stop supporting.
@pytest.mark.filterwarnings("ignore:Testing an element:DeprecationWarning")
def test_nobody_gets_in_without_the_key_of_this_run() -> None:
    with Azurite() as azurite, Azurite() as other:
        forged = other.connection_string.replace(other.url, azurite.url)
        with (
            TableClient.from_connection_string(forged, TABLE) as table,
            pytest.raises(HttpResponseError) as refused,
        ):
            table.create_table()
        assert refused.value.status_code == 403


def test_data_outlives_the_service_only_where_a_folder_was_given(tmp_path: Path) -> None:
    with Azurite(data_dir=tmp_path / "data") as azurite, table_of(azurite) as table:
        table.create_table()
        table.create_entity(row("kept"))
    with Azurite(data_dir=tmp_path / "data") as azurite, table_of(azurite) as table:
        assert [entity["RowKey"] for entity in table.list_entities()] == ["kept"]
    with Azurite() as azurite, table_of(azurite) as table:
        table.create_table()
        assert list(table.list_entities()) == []


def test_a_taken_port_is_an_error_that_names_it() -> None:
    with (
        Azurite() as azurite,
        pytest.raises(AzuriteError, match=f"port {azurite.port}"),
        Azurite(port=azurite.port),
    ):
        pass


def test_the_service_dies_with_the_process_that_started_it() -> None:
    program = (
        "import time; from devhost.azurite import Azurite\n"
        "with Azurite() as azurite: print(azurite.port, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    with_the_port_free_again(port)


def with_the_port_free_again(port: int) -> None:
    """The orphan leaves on its own; a new service on its port proves it."""
    for _ in range(20):
        try:
            with Azurite(port=port):
                return
        except AzuriteError:
            continue
    pytest.fail(f"port {port} is still held")
