"""The roles that a stage is deployed with, as a template that an administrator deploys once. Pure.

A deploy role for a person or for GitHub, a service role that CloudFormation works with, and a permissions boundary
that every role of the stage has. docs/how-to/deploying.md says how to use it.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from taxiway.aws.template import bootstrap_permissions
from taxiway.declare import Backend, DeclarationError, Stage, bootstrap, names
from taxiway.permissions.boundary import boundary_policy
from taxiway.permissions.statements import Policy, Statement, size, trust

ISSUER = "token.actions.githubusercontent.com"

POLICY_LIMIT = 10_240
"""Characters of a role's inline policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


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
    backend: Backend, stage: Stage, workflow: Workflow | None, *, with_provider: bool = False
) -> dict[str, Any]:
    """The template, which outputs the ARN of the deploy role.

    Without a workflow, the account decides who may assume the deploy role. `with_provider` registers GitHub as an
    identity provider, of which an account has one. Raises DeclarationError if nothing is to be bootstrapped, and if a
    policy would exceed IAM's limit.
    """
    boundary, service_role = bootstrap.boundary(backend, stage), bootstrap.service_role(backend, stage)
    if boundary is None or service_role is None:
        raise DeclarationError(
            f"The stage {stage.name} does not use the roles of `taxiway bootstrap-role`.",
            fix=f"declare Operations(bootstrap={stage.name!r}), or boundary= and service_role= of your own",
            where=backend.source,
        )
    resources = {"GitHub": _github()} if with_provider else {}
    if backend.operations.boundary is None:
        resources["Boundary"] = _boundary(backend, stage)
    if backend.operations.service_role is None:
        allowed = bootstrap_permissions.service_role(backend, stage, boundary)
        trusted = trust("cloudformation.amazonaws.com")
        resources["ServiceRole"] = _role(backend, stage, "cloudformation", trusted, allowed)
    allowed = bootstrap_permissions.deploy_role(backend, stage, service_role)
    trusted = _trust(stage, workflow, with_provider=with_provider)
    resources["Role"] = _role(backend, stage, "deploy", trusted, allowed)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The roles that {names.stack(backend, bootstrap.stages(backend, stage))} is deployed with",
        "Resources": resources,
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }


def _boundary(backend: Backend, stage: Stage) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "ManagedPolicyName": bootstrap.name(backend, stage, "boundary"),
            "Path": bootstrap.PATH,
            "Description": "What any role of the stage may do at most",
            "PolicyDocument": boundary_policy(backend, stage),
        },
    }


def _role(backend: Backend, stage: Stage, what: str, trusted: Policy, allowed: Iterable[Statement]) -> dict[str, Any]:
    document: Policy = {"Version": "2012-10-17", "Statement": list(allowed)}
    if size(document) > POLICY_LIMIT:
        raise DeclarationError(
            f"The role {what} of {backend.name} would have a policy of {size(document)} characters, and IAM allows "
            f"{POLICY_LIMIT}.",
            fix="name your own: Operations(service_role=…)",
            where=backend.source,
        )
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": bootstrap.name(backend, stage, what),
            "Path": bootstrap.PATH,
            "AssumeRolePolicyDocument": trusted,
            "Policies": [{"PolicyName": what, "PolicyDocument": document}],
        },
    }


def _github() -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::OIDCProvider",
        "DeletionPolicy": "Retain",  # other roles of the account trust it too
        "UpdateReplacePolicy": "Retain",
        "Properties": {"Url": f"https://{ISSUER}", "ClientIdList": ["sts.amazonaws.com"]},
    }


def _trust(stage: Stage, workflow: Workflow | None, *, with_provider: bool) -> Policy:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html"""
    start = f"arn:{names.partition(stage.region)}:iam::{stage.account}"
    if workflow is None:
        principal, action, condition = {"AWS": f"{start}:root"}, "sts:AssumeRole", {}
    else:
        provider = {"Ref": "GitHub"} if with_provider else f"{start}:oidc-provider/{ISSUER}"
        principal, action = {"Federated": provider}, "sts:AssumeRoleWithWebIdentity"
        claims = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": workflow.subject}
        condition = {"Condition": {"StringEquals": claims}}
    allowed: Statement = {"Effect": "Allow", "Principal": principal, "Action": action, **condition}
    return {"Version": "2012-10-17", "Statement": [allowed]}
