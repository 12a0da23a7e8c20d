"""The roles of `taxiway bootstrap-role`: enough for a deployment by AWS's own lists, and no way around the boundary."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import ACCOUNT, BACKENDS, bootstrapped, of_the_template, stage, with_everything

import taxiway.aws
from taxiway import Backend, DeclarationError, HttpApi, Operations, Secret, Stage
from taxiway.aws.deploying import change_sets
from taxiway.aws.deploying.account import Account
from taxiway.aws.template import bootstrap_permissions
from taxiway.aws.template.assembly import Assembly, File
from taxiway.aws.template.bootstrap_template import Workflow, template
from taxiway.permissions.boundary import boundary_policy
from taxiway.permissions.function_policy import function_policy

WORKFLOW = Workflow(repository="owner/shop", environment="prod")
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/taxiway_bootstrap/shop-prod_us-east-1_boundary"
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/taxiway_bootstrap/shop-prod_us-east-1_cloudformation"
DEPLOY_ROLE = SERVICE_ROLE.replace("_cloudformation", "_deploy")

NEVER = {
    "elasticfilesystem:DescribeMountTargets": "functions have no file systems",
    "firehose:TagDeliveryStream": "log groups deliver nothing to Firehose",
    "iam:DeleteRolePermissionsBoundary": "nobody takes a boundary away",
    "kinesis:DescribeStream": "the table's stream is DynamoDB's own",
    "kinesis:PutRecords": "the table's stream is DynamoDB's own",
    "payments:GetConnectedAccount": "the web ACL is in no pricing plan",
    "s3:GetBucketPolicy": "the CDN's log is written by an access control list",
    "s3:PutBucketPolicy": "the CDN's log is written by an access control list",
    "s3:GetObjectMetadata": "the table is not imported",
    "s3:ListBucket": "the table is not imported",
    "s3:GetObjectVersion": "no version of a file is named",
    "s3:REST.PUT.OBJECT": "log groups deliver nothing to S3",
    "s3files:ListMountTargets": "functions have no file systems",
    "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation": "endpoints are of AWS's own services",
    "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation": "endpoints are of AWS's own services",
    "vpce:AllowMultiRegion": "endpoints are in the stage's region",
}
"""What the handlers of a resource's type call for properties that Taxiway never sets."""

ONLY_WITH_KEYS = {f"kms:{call}" for call in ("CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey")}
ONLY_WITH_KEYS |= {"kms:ListAliases", "kms:RevokeGrant"}
ONLY_IN_A_NETWORK = {f"ec2:Describe{what}" for what in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")}

BY_OTHERS = {"GetSecretValue", "PutSecretValue", "CreateSecret", "DeleteSecret"}
"""`taxiway secrets` is not for the deploy role, which reads no secrets."""

ANOTHER_NAME = {
    "s3:HeadBucket": {"s3:ListBucket"},
    "s3:HeadObject": {"s3:GetObject", "s3:ListBucket"},  # without the second, 403 for what is not there
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:DeleteObjects": {"s3:DeleteObject"},
    "s3:PutPublicAccessBlock": {"s3:PutBucketPublicAccessBlock"},
    "sts:GetCallerIdentity": set[str](),  # which nobody can be denied
}


def everything() -> tuple[Backend, Stage]:
    backend, at = with_everything()
    return bootstrapped(backend, at), at


def role(backend: Backend, at: Stage, which: str) -> list[dict[str, Any]]:
    (policy,) = template(backend, at, WORKFLOW)["Resources"][which]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def service_role(backend: Backend, at: Stage) -> list[dict[str, Any]]:
    return role(bootstrapped(backend, at), at, "ServiceRole")


def deploy_role(backend: Backend, at: Stage) -> list[dict[str, Any]]:
    return role(bootstrapped(backend, at), at, "Role")


def permits(statements: Iterable[dict[str, Any]], action: str, arn: str, boundary: str | None = None) -> bool:
    """Whether IAM would allow an action on a resource, of a role with this boundary."""
    return any(
        any(fnmatchcase(action, pattern) for pattern in each["Action"])
        and any(fnmatchcase(arn, pattern.replace("[", "[[]")) for pattern in each["Resource"])
        and each.get("Condition", {}).get("StringEquals", {}).get("iam:PermissionsBoundary", boundary) == boundary
        for each in statements
    )


CHANGES = ("AttachRolePolicy", "CreateRole", "DeleteRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy")


@pytest.mark.parametrize("action", CHANGES)
def test_a_role_is_made_and_changed_with_the_boundary_alone(action: str) -> None:
    allowed, own = service_role(*with_everything()), f"arn:aws:iam::{ACCOUNT}:role/shop/prod/any"

    assert permits(allowed, f"iam:{action}", own, BOUNDARY)
    assert not permits(allowed, f"iam:{action}", own, None)
    assert not permits(allowed, f"iam:{action}", own, f"arn:aws:iam::{ACCOUNT}:policy/other")
    assert not permits(allowed, f"iam:{action}", own.replace("prod", "dev"), BOUNDARY)


def test_no_role_changes_the_boundary_or_itself_or_the_other() -> None:
    changes = [*CHANGES, "CreatePolicyVersion", "DeletePolicy", "DeleteRole", "DeleteRolePermissionsBoundary"]
    changes += ["SetDefaultPolicyVersion", "UpdateAssumeRolePolicy", "UpdateRole"]
    for statements in (service_role(*with_everything()), deploy_role(*with_everything())):
        for arn in (BOUNDARY, SERVICE_ROLE, DEPLOY_ROLE):
            for boundary in (None, BOUNDARY):
                assert [call for call in changes if permits(statements, f"iam:{call}", arn, boundary)] == []


def test_the_deploy_role_passes_the_service_role_to_cloudformation_alone() -> None:
    (passed,) = (each for each in deploy_role(*with_everything()) if "iam:PassRole" in each["Action"])

    assert passed["Resource"] == [SERVICE_ROLE]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": ["cloudformation.amazonaws.com"]}}
    (trusted,) = template(*everything(), WORKFLOW)["Resources"]["ServiceRole"]["Properties"][
        "AssumeRolePolicyDocument"
    ]["Statement"]
    assert trusted["Principal"] == {"Service": "cloudformation.amazonaws.com"}


def test_a_stage_has_no_access_to_what_is_another_stages() -> None:
    """By names of the stage dev-admin, which begin as those of dev do."""
    theirs = {
        "cloudformation:DeleteStack": "cloudformation:eu-west-1:{}:stack/items-dev-admin/1",
        "lambda:DeleteFunction": "lambda:eu-west-1:{}:function:items-dev-admin_login",
        "dynamodb:DeleteTable": "dynamodb:eu-west-1:{}:table/items-dev-admin",
        "iam:DeleteRole": "iam::{}:role/items/dev-admin/role",
        "logs:DeleteLogGroup": "logs:eu-west-1:{}:log-group:/aws/lambda/items-dev-admin_login",
        "sqs:DeleteQueue": "sqs:eu-west-1:{}:items-dev-admin_changes-failures",
        "sns:DeleteTopic": "sns:eu-west-1:{}:items-dev-admin_alarms",
        "cloudwatch:DeleteAlarms": "cloudwatch:eu-west-1:{}:alarm:items-dev-admin_login-errors",
        "codedeploy:DeleteApplication": "codedeploy:eu-west-1:{}:application:items-dev-admin",
        "s3:GetObject": "s3:::taxiway-{}-eu-west-1/items/dev-admin/file.zip",
    }
    for statements in (service_role(*of_the_template("dev")), deploy_role(*of_the_template("dev"))):
        for action, resource in theirs.items():
            assert not permits(statements, action, f"arn:aws:{resource.format(ACCOUNT)}"), action
    for action, resource in theirs.items():
        own = f"arn:aws:{resource.format(ACCOUNT)}".replace("dev-admin", "dev")
        assert permits(service_role(*of_the_template("dev")), action, own), action


def test_one_bootstrap_serves_every_stage_that_its_pattern_names() -> None:
    backend, at = of_the_template("pr-7")
    made = template(bootstrapped(backend, at, "pr-*"), at, WORKFLOW)

    assert "pr-7" not in json.dumps(made)
    assert made == template(bootstrapped(of_the_template("pr-8")[0], at, "pr-*"), of_the_template("pr-8")[1], WORKFLOW)
    names = {each["Properties"].get("RoleName") for each in made["Resources"].values()} - {None}
    assert names == {"items-pr-_eu-west-1_deploy", "items-pr-_eu-west-1_cloudformation"}
    statements = role(bootstrapped(backend, at, "pr-*"), at, "ServiceRole")
    function = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:items-pr-9_login"
    assert permits(statements, "lambda:DeleteFunction", function)
    assert not permits(statements, "lambda:DeleteFunction", function.replace("pr-9", "prod"))


def test_a_stage_that_the_pattern_does_not_name_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"The stage prod does not match Operations\(bootstrap='pr-\*'\)"):
        template(bootstrapped(*of_the_template("prod"), "pr-*"), of_the_template("prod")[1], WORKFLOW)
    with pytest.raises(DeclarationError, match=r"does not use the roles of `taxiway bootstrap-role`"):
        template(*of_the_template("prod"), WORKFLOW)
    with pytest.raises(DeclarationError, match="it must be the name of a stage, or a pattern that ends in -"):
        Operations(bootstrap="pr*")


def test_an_account_may_bring_its_own_boundary_and_service_role() -> None:
    own = Operations(boundary=f"arn:aws:iam::{ACCOUNT}:policy/ours", service_role=f"arn:aws:iam::{ACCOUNT}:role/ours")
    made = template(replace(of_the_template("prod")[0], operations=own), of_the_template("prod")[1], WORKFLOW)

    assert made["Resources"].keys() == {"Role"}
    assert own.service_role in json.dumps(made)
    with pytest.raises(DeclarationError, match="Invalid boundary 'ours': it must be the ARN of a policy"):
        Operations(boundary="ours")


@pytest.mark.parametrize("name", BACKENDS)
def test_the_boundary_allows_all_that_a_function_is_granted(name: str) -> None:
    backend, at = BACKENDS[name]()
    allowed = boundary_policy(bootstrapped(backend, at), at)["Statement"]
    for function in backend.functions:
        for statement in function_policy(backend, function, at)["Statement"]:
            if statement["Effect"] == "Allow":
                for action in statement["Action"]:
                    for resource in statement["Resource"]:
                        assert permits(allowed, action, resource), f"{function.name}: {action} on {resource}"


def test_the_boundary_allows_no_more_of_a_table_than_a_grant_could() -> None:
    allowed = boundary_policy(*everything())["Statement"]
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/shop-prod"

    assert permits(allowed, "dynamodb:PutItem", table)
    for action in ("dynamodb:Scan", "dynamodb:DeleteTable", "iam:CreateRole", "s3:GetObject"):
        assert not permits(allowed, action, table)
    assert not permits(allowed, "dynamodb:PutItem", table.replace("prod", "dev"))


def test_every_role_of_the_stage_has_the_boundary(assembly: Callable[[str], Path]) -> None:
    def boundaries(name: str) -> list[Any]:
        return [
            resource["Properties"].get("PermissionsBoundary")
            for path in assembly(name).glob("*.template.json")
            for resource in json.loads(path.read_text())["Resources"].values()
            if resource["Type"] == "AWS::IAM::Role"
        ]

    assert len(boundaries("bootstrapped")) >= 6
    assert set(boundaries("bootstrapped")) == {BOUNDARY}
    assert set(boundaries("everything")) == {None}


@pytest.mark.parametrize("service_role", [SERVICE_ROLE, None])
def test_cloudformation_is_given_the_service_role(service_role: str | None, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}

    class Client:
        meta: Any

        def put_object(self, **_: Any) -> None: ...

        def create_change_set(self, **given: Any) -> dict[str, Any]:
            asked.update(given)
            return {}

    class Session:
        def client(self, *_: Any, **__: Any) -> Client:
            client = Client()
            client.meta = type("Meta", (), {"endpoint_url": "https://s3.example.com"})
            return client

    file = File(tmp_path / "t.json", "t")
    account = Account(ACCOUNT, "us-east-1", "", Session())
    change_sets.create(account, Assembly("s", "b", "p/", file, (file,), {}, service_role), {}, is_new=True)

    assert asked.get("RoleARN") == service_role


@pytest.mark.parametrize(
    ("workflow", "subject"),
    [
        (WORKFLOW, "repo:owner/shop:environment:prod"),
        (Workflow(repository="owner/shop", branch="main"), "repo:owner/shop:ref:refs/heads/main"),
        (
            Workflow(repository="owner@1234/shop@5678", environment="prod"),
            "repo:owner@1234/shop@5678:environment:prod",
        ),
    ],
)
def test_the_role_trusts_one_environment_or_branch_of_one_repository(workflow: Workflow, subject: str) -> None:
    role = template(*everything(), workflow)["Resources"]["Role"]["Properties"]

    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {
        "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    }
    assert trusted["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": subject,
        }
    }


def test_the_account_is_told_of_github_once_and_keeps_it_when_the_role_goes() -> None:
    without = template(*everything(), WORKFLOW)["Resources"]
    resources = template(*everything(), WORKFLOW, with_provider=True)["Resources"]

    assert resources.keys() - without.keys() == {"GitHub"}
    assert resources["GitHub"]["DeletionPolicy"] == "Retain"
    assert resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Federated": {"Ref": "GitHub"}
    }


def test_without_a_repository_the_account_decides_who_deploys() -> None:
    trusted = template(*everything(), None)["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]

    assert trusted["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_policies_that_iam_would_not_take_are_refused_by_name() -> None:
    secrets = [Secret(f"shop/a-long-name-of-a-secret/{number}", variable=f"S{number}") for number in range(100)]
    backend = Backend("shop", api=HttpApi(), secrets=secrets, operations=Operations(bootstrap="dev"))

    with pytest.raises(DeclarationError, match=r"permissions boundary of shop would have \d+ characters"):
        template(backend, stage("dev"), WORKFLOW)


def handlers(kinds: set[str]) -> set[str]:
    """What CloudFormation's registry says that the handlers of these types of resources call, as cfn-lint has it."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    found: set[str] = set()
    for kind in kinds:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        assert schema["handlers"], kind
        for verb in ("create", "read", "update", "delete"):
            found.update(schema["handlers"].get(verb, {}).get("permissions", []))
        found.update(schema.get("tagging", {}).get("permissions", []))
    return found


def our_calls() -> set[str]:
    """Every call of boto3 in our own code: the methods that it calls, of the services that it has clients of."""
    import boto3
    from botocore import xform_name

    session = boto3.Session(region_name="us-east-1")
    found: set[str] = set()
    for module in Path(taxiway.aws.__file__).parent.rglob("*.py"):
        text = module.read_text()
        called = set(re.findall(r"\.(\w+)\(", text)) | set(re.findall(r'get_paginator\("(\w+)"\)', text))
        for service in set(re.findall(r'client\("([\w-]+)"\)', text)):
            operations = session.client(service, aws_access_key_id="x", aws_secret_access_key="x").meta.service_model
            for operation in operations.operation_names:
                if xform_name(operation) in called:
                    found |= ANOTHER_NAME.get(f"{service}:{operation}", {f"{service}:{operation}"})
    return found


def kinds_in(assembly: Path) -> set[str]:
    """The types of the resources in all templates."""
    return {
        resource["Type"]
        for path in assembly.glob("*.template.json")
        for resource in json.loads(path.read_text())["Resources"].values()
    }


@pytest.fixture(params=BACKENDS)
def deployed(request: pytest.FixtureRequest, assembly: Callable[[str], Path]) -> tuple[Backend, Stage, set[str]]:
    """A backend, its stage, and the types of the resources in all its templates."""
    return *BACKENDS[request.param](), kinds_in(assembly(request.param))


@pytest.mark.synth
def test_the_service_role_may_do_all_that_the_handlers_of_its_resources_call(
    deployed: tuple[Backend, Stage, set[str]],
) -> None:
    backend, at, kinds = deployed
    allowed = service_role(backend, at)
    optional = set[str]()
    if not any("kms:" in action for each in allowed for action in each["Action"]):
        optional |= ONLY_WITH_KEYS
    if backend.network is None:
        optional |= ONLY_IN_A_NETWORK
    needed = handlers(kinds) - NEVER.keys() - optional

    assert needed
    assert {action for action in needed if not bootstrap_permissions.allows(allowed, action)} <= {"kms:ListAliases"}


@pytest.mark.synth
def test_every_exception_is_one_that_a_handler_needs(assembly: Callable[[str], Path]) -> None:
    every = handlers(set().union(*(kinds_in(assembly(name)) for name in BACKENDS)))
    allowed = service_role(*with_everything())

    assert NEVER.keys() - every == set()
    assert [action for action in NEVER if bootstrap_permissions.allows(allowed, action)] == []


@pytest.mark.synth
def test_the_deploy_role_may_do_all_that_our_own_commands_call() -> None:
    calls = {call for call in our_calls() if call.partition(":")[2] not in BY_OTHERS}
    allowed = deploy_role(*with_everything())

    assert len(calls) > 15
    assert {call for call in calls if not bootstrap_permissions.allows(allowed, call)} == set()


@pytest.mark.synth
@pytest.mark.parametrize("name", ["everything", "minimal", "workers"])
def test_cfn_lint_finds_nothing_in_the_template(name: str, tmp_path: Path) -> None:
    path = tmp_path / "role.json"
    backend, at = BACKENDS[name]()
    path.write_text(json.dumps(template(bootstrapped(backend, at), at, WORKFLOW, with_provider=True)))
    rules = ["--format", "parseable", "--regions", "us-east-1", "eu-west-1"]
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *rules, "--", path], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    assert done.stderr == ""
