"""Macros: the request that they get, what becomes of their answer, and in which order they run."""

from __future__ import annotations

import pytest

from local.template import DeploymentError

TOPIC = {"Type": "AWS::SNS::Topic"}
ROLE = "arn:aws:iam::123456789012:role/macro"


def macro(name, reference):
    return {
        "Type": "AWS::CloudFormation::Macro",
        "Properties": {"Name": name, "FunctionName": reference},
    }


def function(name):
    properties = {"FunctionName": name, "CodeUri": "some-function", "Handler": "bootstrap"}
    properties |= {"Runtime": "provided.al2023", "Role": {"Fn::GetAtt": ["Role", "Arn"]}}
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


@pytest.fixture
def macros(deployer):
    """The stack of two macros, `First` and `Second`, of functions of the same names."""
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Role": role,
            "FirstFunction": function("First"),
            "SecondFunction": function("Second"),
            "First": macro("First", {"Fn::GetAtt": ["FirstFunction", "Arn"]}),
            "Second": macro("Second", {"Ref": "SecondFunction"}),
        },
    }
    deployer.deploy("macros", template)
    return template


def success(change):
    def answer(request):
        fragment = change(request["fragment"])
        return {"requestId": request["requestId"], "status": "success", "fragment": fragment}

    return answer


def adding(logical_id):
    return success(lambda template: template | {"Resources": template["Resources"] | logical_id})


def test_the_request_is_cloudformations(deployer, door, macros):
    door.functions["First"] = success(lambda fragment: fragment)
    template = {
        "Parameters": {
            "Count": {"Type": "Number", "Default": 5},
            "Names": {"Type": "CommaDelimitedList"},
        },
        "Transform": ["First"],
        "Resources": {"Topic": TOPIC},
    }
    deployer.deploy("stack", template, {"Names": "a, b"})
    (name, request) = door.requests[0]
    assert name == "First"
    assert request.pop("requestId")
    assert request == {
        "region": "us-east-1",
        "accountId": "123456789012",
        "transformId": "123456789012::First",
        "params": {},
        "fragment": {"Parameters": template["Parameters"], "Resources": {"Topic": TOPIC}},
        "templateParameterValues": {"Count": "5", "Names": ["a", "b"]},
    }


def test_the_transforms_of_a_template_run_in_their_order(deployer, door, macros):
    door.functions["First"] = adding({"One": TOPIC})
    door.functions["Second"] = adding({"Two": TOPIC})
    template = {
        "Transform": ["Second", "First", "AWS::Serverless-2016-10-31"],
        "Resources": {"Topic": TOPIC},
    }
    deployer.deploy("stack", template)
    assert [name for name, _ in door.requests] == ["Second", "First"]
    assert deployer.resources("stack").keys() == {"Topic", "One", "Two"}


def test_a_transform_inside_replaces_what_it_is_in_and_the_deepest_runs_first(
    deployer, door, macros
):
    door.functions["First"] = success(lambda _: "inner")
    door.functions["Second"] = success(lambda fragment: fragment | {"TopicName": "outer"})
    inner = {"Fn::Transform": {"Name": "First", "Parameters": {"Value": {"Ref": "P"}}}}
    properties = {"DisplayName": inner, "Fn::Transform": {"Name": "Second"}}
    template = {
        "Parameters": {"P": {"Type": "String", "Default": "p"}},
        "Resources": {"Topic": TOPIC | {"Properties": properties}},
    }
    deployer.deploy("stack", template)
    (first, inner_request), (second, outer_request) = door.requests
    assert (first, second) == ("First", "Second")
    assert inner_request["fragment"] == {}
    # Unevaluated, as CloudFormation sends the parameters of Fn::Transform.
    assert inner_request["params"] == {"Value": {"Ref": "P"}}
    assert inner_request["templateParameterValues"] == {"P": "p"}
    assert outer_request["fragment"] == {"DisplayName": "inner"}
    assert deployer.resources("stack")["Topic"].endswith(":outer")


def test_the_error_message_of_a_macro_fails_the_deployment(deployer, door, macros):
    def refusing(request):
        message = 'NatGatewayIDs has "nat-x"'
        return {
            "requestId": request["requestId"],
            "status": "failure",
            "errorMessage": message,
            "fragment": request["fragment"],
        }

    door.functions["First"] = refusing
    with pytest.raises(DeploymentError) as failure:
        deployer.deploy("stack", {"Transform": "First", "Resources": {"Topic": TOPIC}})
    expected = 'Transform 123456789012::First failed with: NatGatewayIDs has "nat-x". '
    assert str(failure.value) == expected + "Rollback requested by user."


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": "success", "fragment": {}}, "malformed response"),
        ({"requestId": "another", "status": "success", "fragment": {}}, "malformed response"),
        ("text", "malformed response"),
    ],
)
def test_an_answer_that_is_none_fails_the_deployment(deployer, door, macros, answer, sentence):
    door.functions["First"] = lambda _: answer
    with pytest.raises(DeploymentError, match=sentence):
        deployer.deploy("stack", {"Transform": "First", "Resources": {"Topic": TOPIC}})


def test_a_failure_without_a_message_says_so(deployer, door, macros):
    door.functions["First"] = lambda r: {"requestId": r["requestId"], "status": "failed"}
    with pytest.raises(DeploymentError, match="failed without an error message"):
        deployer.deploy("stack", {"Transform": "First", "Resources": {"Topic": TOPIC}})


def test_an_unknown_macro_fails_the_deployment(deployer):
    with pytest.raises(DeploymentError, match="No transform named 123456789012::Nobody found"):
        deployer.deploy("stack", {"Transform": "Nobody", "Resources": {"Topic": TOPIC}})


def test_a_macros_name_is_taken_once(deployer, macros):
    with pytest.raises(DeploymentError, match="123456789012::First already exists"):
        deployer.deploy("other", {"Resources": {"Macro": macro("First", "a-function")}})


def test_a_deleted_macro_is_gone(deployer, macros):
    deployer.delete("macros")
    with pytest.raises(DeploymentError, match="No transform named"):
        deployer.deploy("stack", {"Transform": "First", "Resources": {"Topic": TOPIC}})
