"""The role that a repository on GitHub deploys a stage with: whom it trusts, and what a deployment calls, no more.

Pure: a projection of the declaration, as a template of CloudFormation that a person deploys once.
docs/how-to/deploying.md says how.
"""

from typing import Any

from msgspec import Struct

from taxiway.aws.template.deploy_permissions import permissions
from taxiway.declare import Backend, DeclarationError, Stage, names
from taxiway.permissions.statements import Policy, Statement, size, statement

ISSUER = "token.actions.githubusercontent.com"

POLICY_LIMIT = 6_144
"""Characters of a managed policy: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_MOST_POLICIES = 10
"""Of one role; the same page."""


class Workflow(Struct, frozen=True, kw_only=True):
    """The jobs that may take the role on: those of a repository in one of its environments, or on one of its branches.

    `repository` is `owner/name`, or `owner@1234/name@5678` where GitHub puts the ids of both into its tokens.
    """

    repository: str
    environment: str | None = None
    branch: str | None = None

    @property
    def subject(self) -> str:
        """As GitHub writes it: https://docs.github.com/en/actions/reference/security/oidc"""
        where = f"environment:{self.environment}" if self.environment else f"ref:refs/heads/{self.branch}"
        return f"repo:{self.repository}:{where}"


def template(
    backend: Backend, stage: Stage, workflow: Workflow, *, stages: str | None = None, with_provider: bool = False
) -> dict[str, Any]:
    """The template of the role, which puts out its ARN.

    `stages` is a form of names, `pr-*`, of which the stage's is one: the role then deploys every stage of such a name.
    `with_provider` makes the account know GitHub as an issuer of tokens, of which an account has room for one.
    Raises DeclarationError where the policies of the role would be more than IAM takes.
    """
    packed = _packed(statements(backend, stage, stages=stages), backend)
    deployed = f"{backend.name}-{stages or stage.name}"
    provider = f"arn:{names.partition(stage.region)}:iam::{stage.account}:oidc-provider/{ISSUER}"
    resources: dict[str, Any] = {
        f"Policy{number}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"Description": f"To deploy {deployed}, part {number}", "PolicyDocument": document},
        }
        for number, document in enumerate(packed, 1)
    }
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Description": f"Deploys {deployed} for {workflow.subject}",
            "AssumeRolePolicyDocument": _trust({"Ref": "GitHub"} if with_provider else provider, workflow),
            "ManagedPolicyArns": [{"Ref": name} for name in resources],
        },
    }
    github = {
        "Type": "AWS::IAM::OIDCProvider",
        "DeletionPolicy": "Retain",  # other roles of the account trust it too
        "UpdateReplacePolicy": "Retain",
        "Properties": {"Url": f"https://{ISSUER}", "ClientIdList": ["sts.amazonaws.com"]},
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The role that {workflow.repository} deploys {deployed} with",
        "Resources": ({"GitHub": github} if with_provider else {}) | resources | {"Role": role},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }


def statements(backend: Backend, stage: Stage, *, stages: str | None = None) -> list[Statement]:
    """What the role may do, for the one stage or for all whose names are of the form `stages`."""
    found = [permission.statement for permission in permissions(backend, stage, stages=stages)]
    if stages is None:
        return found
    return [*found, statement("Sweep", ["cloudformation:DescribeStacks", "cloudformation:ListStacks"], ["*"])]


def _packed(found: list[Statement], backend: Backend) -> list[Policy]:
    """The statements in order, in as few documents as hold them, each no longer than IAM takes."""
    packed = [_document([])]
    for each in found:
        if size(_document([*packed[-1]["Statement"], each])) > POLICY_LIMIT:
            packed.append(_document([]))
        packed[-1]["Statement"].append(each)
        if len(packed) > _MOST_POLICIES or size(packed[-1]) > POLICY_LIMIT:
            raise DeclarationError(
                f"To deploy {backend.name} a role would need more than IAM takes ({each['Sid']}).",
                fix="make it two backends",
                where=backend.source,
            )
    return packed


def _document(found: list[Statement]) -> Policy:
    return {"Version": "2012-10-17", "Statement": found}


def _trust(provider: Any, workflow: Workflow) -> Policy:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html"""
    claims = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": workflow.subject}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": claims},
    }
    return _document([statement])
