"""Custom resources: requests to a function, and what CloudFormation makes of its answers."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.template import DeploymentError

ARN = "arn:aws:lambda:us-east-1:123456789012:function:provider"
Request = dict[str, Any]


@pytest.fixture
def stack():
    return f"stack-{uuid.uuid4().hex[:8]}"


class Provider:
    """A custom resource's function: `answer` of a request changes or replaces its answer."""

    def __init__(self):
        self.requests: list[Request] = []
        self.answer: Callable[[Request], dict[str, Any] | None] = lambda request: {}

    def __call__(self, request: Request) -> None:
        self.requests.append(request)
        changes = self.answer(request)
        if changes is None:
            return
        answer = {name: request[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
        answer |= {"Status": "SUCCESS", "PhysicalResourceId": "the-one"} | changes
        put = urllib.request.Request(
            request["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT"
        )
        with urllib.request.urlopen(put, timeout=10) as answered:
            assert answered.status == 200

    def asked(self) -> list[tuple[str, str | None]]:
        """What was asked for, and of which physical ID."""
        return [(r["RequestType"], r.get("PhysicalResourceId")) for r in self.requests]


@pytest.fixture
def provider(door):
    door.functions["provider"] = Provider()
    return door.functions["provider"]


def template(kind="Custom::Thing", **properties):
    thing = {"Type": kind, "Properties": {"ServiceToken": ARN} | properties}
    return {"Resources": {"Thing": thing}}


def failing(kind):
    def answer(request):
        return {"Status": "FAILED", "Reason": "no luck"} if request["RequestType"] == kind else {}

    return answer


@pytest.mark.parametrize("kind", ["Custom::Thing", "AWS::CloudFormation::CustomResource"])
def test_the_function_is_asked_as_cloudformation_asks(deployer, provider, stack, kind):
    provider.answer = lambda request: {"Data": {"Colour": "red"}}
    expected = {"ServiceToken": ARN, "ServiceTimeout": "5", "On": "true", "Of": [{"A": "1"}]}
    described = template(kind, ServiceTimeout=5, On=True, Of=[{"A": 1}])
    described["Outputs"] = {
        "Id": {"Value": {"Ref": "Thing"}},
        "Colour": {"Value": {"Fn::GetAtt": ["Thing", "Colour"]}},
    }
    outputs = deployer.deploy(stack, described)
    [request] = provider.requests
    assert outputs == {"Id": "the-one", "Colour": "red"}
    assert request.pop("StackId").split("/")[1] == stack
    assert uuid.UUID(request.pop("RequestId"))
    assert "X-Amz-Signature=" in request.pop("ResponseURL")
    assert request == {
        "RequestType": "Create",
        "ServiceToken": ARN,
        "ResourceType": kind,
        "LogicalResourceId": "Thing",
        "ResourceProperties": expected,
    }


def test_an_update_that_keeps_the_id_deletes_nothing(deployer, provider, stack):
    deployer.deploy(stack, template(Size=1))
    deployer.deploy(stack, template(Size=1))
    deployer.deploy(stack, template(Size=2))
    assert provider.asked() == [("Create", None), ("Update", "the-one")]
    assert provider.requests[1]["ResourceProperties"]["Size"] == "2"
    assert provider.requests[1]["OldResourceProperties"]["Size"] == "1"
    deployer.delete(stack)
    assert provider.asked()[2:] == [("Delete", "the-one")]


def test_another_id_is_a_replacement_and_the_old_one_is_deleted(deployer, provider, stack):
    provider.answer = lambda r: {"PhysicalResourceId": f"size-{r['ResourceProperties']['Size']}"}
    deployer.deploy(stack, template(Size=1))
    deployer.deploy(stack, template(Size=2))
    assert provider.asked()[1:] == [("Update", "size-1"), ("Delete", "size-1")]
    assert provider.requests[2]["ResourceProperties"]["Size"] == "1"
    assert deployer.resources(stack) == {"Thing": "size-2"}


def test_a_rollback_of_a_replacement_deletes_the_new_one(deployer, provider, stack):
    provider.answer = lambda r: {"PhysicalResourceId": f"size-{r['ResourceProperties']['Size']}"}
    deployer.deploy(stack, template(Size=1))
    bad = {"Type": "AWS::Logs::LogGroup", "Properties": {"Nonsense": 1}, "DependsOn": "Thing"}
    worse = template(Size=2)
    worse["Resources"]["Bad"] = bad
    with pytest.raises(DeploymentError, match="UPDATE_ROLLBACK_COMPLETE"):
        deployer.deploy(stack, worse)
    assert provider.asked()[1:] == [
        ("Update", "size-1"),
        ("Update", "size-2"),
        ("Delete", "size-2"),
    ]
    assert deployer.resources(stack) == {"Thing": "size-1"}


def test_a_removed_one_is_deleted(deployer, provider, stack):
    described = template()
    described["Resources"]["Group"] = {"Type": "AWS::Logs::LogGroup"}
    deployer.deploy(stack, described)
    del described["Resources"]["Thing"]
    deployer.deploy(stack, described)
    assert provider.asked()[1:] == [("Delete", "the-one")]


def test_a_creation_that_fails_says_why_and_is_deleted(deployer, provider, stack):
    provider.answer = failing("Create")
    message = r"Thing: .*Message returned: no luck \(RequestId: [0-9a-f-]{36}\)"
    with pytest.raises(DeploymentError, match=message):
        deployer.deploy(stack, template())
    assert provider.asked() == [("Create", None), ("Delete", "the-one")]


def test_a_creation_without_an_answer_fails_in_time_and_is_deleted(deployer, provider, stack):
    provider.answer = lambda request: None if request["RequestType"] == "Create" else {}
    with pytest.raises(DeploymentError, match="did not receive a response"):
        deployer.deploy(stack, template(ServiceTimeout=1))
    made_up = provider.requests[1]["PhysicalResourceId"]
    assert made_up.startswith(f"{stack}-Thing-")


def test_a_deletion_that_fails_can_be_tried_again_or_given_up(deployer, provider, client, stack):
    described = template()
    described["Resources"]["Group"] = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": f"{stack}-a"},
        "DependsOn": "Thing",
    }
    deployer.deploy(stack, described)
    cloudformation = client("cloudformation")
    give_up = {"StackName": stack, "RetainResources": ["Thing"]}
    with pytest.raises(ClientError, match="DELETE_FAILED only"):
        cloudformation.delete_stack(**give_up)
    provider.answer = failing("Delete")
    for _ in range(2):
        with pytest.raises(DeploymentError, match=r"\[Thing\].*no luck"):
            deployer.delete(stack)
    assert client("logs").describe_log_groups(logGroupNamePrefix=stack)["logGroups"] == []
    cloudformation.delete_stack(**give_up)
    assert provider.asked()[1:] == [("Delete", "the-one")] * 2
    with pytest.raises(ClientError):
        cloudformation.describe_stacks(StackName=stack)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"RequestId": "another"}, "RequestId is another"),
        ({"Status": "FINE"}, "Status is FINE"),
        ({"Data": {"Much": "x" * 4096}}, "Response object is too long"),
    ],
)
def test_an_answer_of_no_use_is_a_failure(deployer, provider, stack, changes, message):
    provider.answer = lambda r: changes if r["RequestType"] == "Create" else {}
    with pytest.raises(DeploymentError, match=message):
        deployer.deploy(stack, template())


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"ServiceToken": "arn:aws:sns:us-east-1:123456789012:topic"}, "Lambda functions only"),
        ({"ServiceToken": {"Ref": "AWS::NoValue"}}, "Missing required properties: ServiceToken"),
        ({"ServiceTimeout": 0}, "ServiceTimeout must be 1 to 3600, not 0"),
    ],
)
def test_what_nobody_can_be_asked_fails(deployer, provider, stack, properties, message):
    with pytest.raises(DeploymentError, match=message):
        deployer.deploy(stack, template(**properties))
    assert provider.requests == []


def test_the_service_token_stays(deployer, provider, stack):
    deployer.deploy(stack, template())
    with pytest.raises(DeploymentError, match="Modifying service token is not allowed"):
        deployer.deploy(stack, template(ServiceToken=f"{ARN}-2"))
