"""The command that a customer pastes into his shell: right in every cloud, and safe to paste."""

import json
import shlex

import pytest

from curfew.clouds import CLOUDS, CloudName
from curfew.model.onboarding import MEANINGS, RefusalCode, refusal_of
from curfew.onboarding.commands import USER_ADMINISTRATOR, role_command

TENANT = "c0000000-0000-4000-a000-000000000001"
PRINCIPAL = "dddddddd-0000-4000-a000-000000000002"
HIGHEST = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"


@pytest.mark.parametrize(
    ("cloud", "graph", "sign_in", "environment"),
    [
        (CloudName.PUBLIC, "https://graph.microsoft.com", "az login", "Global"),
        (
            CloudName.US_GOVERNMENT,
            "https://graph.microsoft.us",
            "az cloud set --name AzureUSGovernment && az login",
            "USGov",
        ),
        # The Azure CLI knows one government cloud; the resource is what tells the two apart.
        (
            CloudName.US_GOVERNMENT_DOD,
            "https://dod-graph.microsoft.us",
            "az cloud set --name AzureUSGovernment && az login",
            "USGovDoD",
        ),
        (
            CloudName.CHINA,
            "https://microsoftgraph.chinacloudapi.cn",
            "az cloud set --name AzureChinaCloud && az login",
            "China",
        ),
    ],
)
def test_it_goes_to_the_graph_of_the_cloud(
    cloud: CloudName, graph: str, sign_in: str, environment: str
) -> None:
    command = role_command(CLOUDS[cloud], TENANT, PRINCIPAL)
    words = shlex.split(command.az)
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert words[:2] == ["az", "rest"]
    assert options["--method"] == "post"
    assert options["--resource"] == graph
    assert options["--url"] == f"{graph}/v1.0/roleManagement/directory/roleAssignments"
    assert json.loads(options["--body"]) == {
        "principalId": PRINCIPAL,
        "roleDefinitionId": HIGHEST,
        "directoryScopeId": "/",
    }
    assert command.az_sign_in == f"{sign_in} --tenant {TENANT} --allow-no-subscriptions"
    assert f"-Environment {environment} -TenantId {TENANT}" in command.power_shell_sign_in
    assert f"-PrincipalId {PRINCIPAL} -RoleDefinitionId {HIGHEST}" in command.power_shell
    assert "\n" not in command.az + command.power_shell


def test_a_lower_role_can_be_asked_for_where_it_is_enough() -> None:
    command = role_command(CLOUDS[CloudName.PUBLIC], TENANT, PRINCIPAL, USER_ADMINISTRATOR)
    assert command.role == "User Administrator"
    assert USER_ADMINISTRATOR in command.az
    assert HIGHEST not in command.az


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_has_a_meaning(code: RefusalCode) -> None:
    assert MEANINGS[code].endswith(".")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", RefusalCode.DECLINED),
        ("consent_required", RefusalCode.CONSENT_REQUIRED),
        ("server_error", RefusalCode.UNAVAILABLE),
        ("<script>", RefusalCode.OTHER),
        ("declined", RefusalCode.OTHER),
    ],
)
def test_a_code_that_is_not_on_the_list_is_not_repeated(error: str, code: RefusalCode) -> None:
    assert refusal_of(error) is code
