"""The OpenAPI document: valid, made from the models that validate, and kept to by the app."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
)
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import status_code_conformance
from schemathesis.specs.openapi.definitions import OPENAPI_31

from devhost.stack import helpdesk
from simulator import Tenant
from tests.api.house import House
from tests.api.test_roles import ANSWERS

type Operation = schemathesis.APIOperation[Any, Any, Any, Any]
type Case = schemathesis.Case[Operation]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 8
CASES = [
    (operation, mode)
    for operation in ANSWERS
    for mode in GenerationMode
    # They take nothing, so there is nothing to get wrong.
    if mode is GenerationMode.POSITIVE
    or operation not in {"read_health", "read_openapi", "run_sweep"}
]


@pytest.fixture(scope="module")
def document(house: House) -> dict[str, Any]:
    served = house.as_("nobody").get("/api/openapi.json")
    assert served.status_code == 200
    found: dict[str, Any] = served.json()
    return found


@pytest.fixture
def customer(house: House) -> Tenant:
    """Somebody whose settings may become anything, and whose grants are soon over."""
    return house.customer({"helpdesk": helpdesk(defaultDuration="PT1S", maxDuration="PT2S")})


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    Draft202012Validator(OPENAPI_31).validate(document)


def test_every_schema_in_it_is_valid_and_used(document: dict[str, Any]) -> None:
    text = str(document)
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f"#/components/schemas/{name}'" in text


def test_what_goes_in_has_no_room_for_strangers(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for operation in (o for methods in document["paths"].values() for o in methods.values()):
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schemas[schema["$ref"].rsplit("/", 1)[-1]]["additionalProperties"] is False


def test_field_names_are_in_camel_case(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        assert not [name for name in schema.get("properties", {}) if "_" in name]


def test_no_schema_shows_what_is_only_kept(document: dict[str, Any]) -> None:
    shown = {
        name
        for schema in document["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    assert not shown & {"mark", "handover", "requestDigest", "etag", "plan", "accountId"}


def test_only_public_operations_need_no_token(document: dict[str, Any]) -> None:
    public = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if operation["security"] == []
    }
    assert public == {"answer_onboarding", "read_health", "read_openapi"}


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for each in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(each, Ok)
        operation = each.ok()
        found[operation.definition.raw["operationId"]] = operation
    return found


@pytest.mark.parametrize("alias", ["ada", "technician"])
@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_the_app_answers_as_the_document_says(
    house: House,
    operations: dict[str, Operation],
    customer: Tenant,
    operation: str,
    alias: str,
    mode: GenerationMode,
) -> None:
    caller = house.technician() if alias == "technician" else house.as_(alias)
    headers = {"Authorization": caller.headers["Authorization"]}
    strategy = operations[operation].as_strategy(mode)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, known=st.booleans())
    def ask(case: Case, known: bool) -> None:
        if known and "tenantId" in case.path_parameters:
            case.path_parameters["tenantId"] = customer.id
        if known and isinstance(case.body, dict) and "tenant" in case.body:
            case.body["tenant"] = customer.id
        case.call_and_validate(base_url=house.host.url, headers=headers, checks=CHECKS)

    ask()
