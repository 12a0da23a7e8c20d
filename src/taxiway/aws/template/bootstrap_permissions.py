"""What the deploy role and CloudFormation's service role of a stage may do: service-wide actions on name patterns.

Pure. Where a service generates the ids of its resources, or can't limit an action to a resource, the actions are
narrowed instead. The service role works for CloudFormation alone, and a role that it makes has the stage's boundary.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from taxiway.aws.template import regions
from taxiway.declare import Backend, LambdaAuthorizer, Stage, bootstrap, names
from taxiway.permissions.function_policy import secret_arn, table_arn
from taxiway.permissions.statements import Statement, statement

_LINKED = {
    "lambda.application-autoscaling.amazonaws.com",
    "dynamodb.application-autoscaling.amazonaws.com",
    "ops.apigateway.amazonaws.com",
}
"""The services whose own role an account may still lack."""


class Names:
    """The ARNs of what belongs to a stage, or to every stage that a pattern names."""

    def __init__(self, backend: Backend, stage: Stage) -> None:
        self.backend = backend
        self.stage = stage
        self.stages = bootstrap.stages(backend, stage)
        self.stack = names.stack(backend, self.stages)
        self.path = names.path(backend, self.stages)

    def own(self, service: str, *resources: str) -> list[str]:
        return [names.arn(self.stage, service, resource) for resource in resources]

    def everywhere(self, service: str, *resources: str, account: bool = True) -> list[str]:
        """ARNs of a service that is the same in every region."""
        start = f"arn:{names.partition(self.stage.region)}:{service}::{self.stage.account if account else ''}"
        return [f"{start}:{resource}" for resource in resources]

    @property
    def stacks(self) -> list[str]:
        return self.own("cloudformation", f"stack/{self.stack}/*", f"stack/{self.stack}-Functions*/*")

    @property
    def files(self) -> str:
        return self.everywhere("s3", f"{names.asset_bucket(self.stage)}/{self.path}*", account=False)[0]

    @property
    def secrets(self) -> list[str]:
        """Those that the stack makes."""
        ids = [secret.id for secret in self.backend.secrets if secret.id is not None and secret.generate is not None]
        own, theirs = names.path(self.backend, self.stage)[:-1], self.path[:-1]
        called = [theirs + each.removeprefix(own) if f"{each}/".startswith(f"{own}/") else each for each in ids]
        return [secret_arn(each, self.stage) for each in called]


def deploy_role(backend: Backend, stage: Stage, service_role: str) -> Iterator[Statement]:
    """What `deploy`, `diff`, `rollback`, `destroy`, `outputs`, `logs` and `doctor` call themselves."""
    of = Names(backend, stage)
    yield statement("Stack", ["cloudformation:*"], of.stacks)
    yield statement("FindStacks", ["cloudformation:DescribeStacks", "cloudformation:ListStacks"], ["*"])
    yield _pass_role([service_role], "cloudformation.amazonaws.com")
    (bucket,) = of.everywhere("s3", names.asset_bucket(stage), account=False)
    calls = ["CreateBucket", "GetBucketPolicy", "ListBucket", "PutBucketPolicy", "PutBucketPublicAccessBlock"]
    yield statement("Bucket", [f"s3:{call}" for call in calls], [bucket])
    yield statement("Files", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [of.files])
    yield statement("Account", ["lambda:GetAccountSettings"], ["*"])
    yield statement("Logs", ["logs:FilterLogEvents"], _log_groups(of))
    if backend.table is not None:
        yield statement("Indexes", ["dynamodb:DescribeTable"], [table_arn(backend, of.stages)])
    if backend.cdn is not None:
        yield statement("Cdn", ["cloudfront:CreateInvalidation"], of.everywhere("cloudfront", "distribution/*"))


def service_role(backend: Backend, stage: Stage, boundary: str) -> Iterator[Statement]:
    """What CloudFormation does for the stage, for every kind of resource that Taxiway renders."""
    of = Names(backend, stage)
    yield statement("Stacks", ["cloudformation:*"], of.stacks)
    yield statement("Files", ["s3:GetObject"], [of.files])
    yield from _roles(of, boundary)
    yield from _api(of)
    yield from _compute(of)
    yield from _data(of)
    yield from _operations(of)
    if backend.network is not None:
        yield from _network()
    if backend.cdn is not None or backend.domain is not None:
        yield from _edge(of)
    if keys := _keys(backend):
        calls = ["CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*", "RevokeGrant"]
        yield statement("Keys", [f"kms:{call}" for call in calls], keys)


def allows(statements: list[Statement], action: str) -> bool:
    """Whether an action is allowed on some resource."""
    return any(
        fnmatchcase(action.casefold(), pattern.casefold())
        for each in statements
        if each["Effect"] == "Allow"
        for pattern in each["Action"]
    )


def _roles(of: Names, boundary: str) -> Iterator[Statement]:
    """A role is made, and its policies are changed, under the stage's path and with the boundary.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    roles = of.everywhere("iam", f"role/{of.path}*")
    bounded = ["AttachRolePolicy", "CreateRole", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePolicy"]
    condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    made = [f"iam:{call}" for call in (*bounded, "PutRolePermissionsBoundary")]
    yield statement("RolesWithTheBoundary", made, roles, condition)
    free = ["DeleteRole", "GetRolePolicy", "List*", "TagRole", "UntagRole", "Update*Role*"]
    yield statement("Roles", [f"iam:{call}" for call in free], roles)
    # IAM knows no path of a role that is gone, and CloudFormation looks whether it is.
    yield statement("FindRoles", ["iam:GetRole"], of.everywhere("iam", "role/*"))
    services = ["lambda.amazonaws.com", "codedeploy.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
    yield _pass_role(roles, *services)
    linked = {"StringEquals": {"iam:AWSServiceName": sorted(_LINKED)}}
    own = of.everywhere("iam", "role/aws-service-role/*")
    yield statement("LinkedRoles", ["iam:CreateServiceLinkedRole"], own, linked)


def _api(of: Names) -> Iterator[Statement]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html"""
    start = f"arn:{names.partition(of.stage.region)}:apigateway:{of.stage.region}::"
    yield statement("Api", ["apigateway:*"], [f"{start}/{each}" for each in ("apis", "apis/*", "tags/*")])
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
    delivery = ["logs:*LogDeliver*", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"]
    yield statement("AccessLog", delivery, ["*"])
    if of.backend.domain is not None:
        name = of.backend.domain.name
        domains = ["/domainnames", f"/domainnames/{name}", f"/domainnames/{name}/*"]
        yield statement("Domain", ["apigateway:*"], [start + each for each in domains])


def _compute(of: Names) -> Iterator[Statement]:
    functions = of.own("lambda", f"function:{of.stack}_*")
    yield statement("Functions", ["lambda:*"], functions)
    mappings = ["lambda:*EventSourceMapping", "lambda:*Tag*"]
    yield statement("Mappings", mappings, of.own("lambda", "event-source-mapping:*"))
    listing = ["lambda:CreateEventSourceMapping", "lambda:ListEventSourceMappings"]
    yield statement("NewMappings", listing, ["*"], {"ArnLike": {"lambda:FunctionArn": functions}})
    others = {route.authorizer.arn for route in of.backend.routes if isinstance(route.authorizer, LambdaAuthorizer)} | {
        secret.rotation.function for secret in of.backend.secrets if secret.rotation is not None
    }
    near = sorted(
        {arn for each in others if regions.in_reach(each, of.stage) for arn in (each, ":".join(each.split(":")[:7]))}
    )
    if near:
        calls = ["lambda:AddPermission", "lambda:GetPolicy", "lambda:InvokeFunction", "lambda:RemovePermission"]
        yield statement("NamedFunctions", calls, near)
    released = [f"{kind}:{of.stack}{rest}" for kind in ("application", "deploymentgroup") for rest in ("", "/*", "_*")]
    yield statement("Releases", ["codedeploy:*"], of.own("codedeploy", *released))
    configurations = of.own("codedeploy", "deploymentconfig:CodeDeployDefault.*")
    yield statement("HowToRelease", ["codedeploy:GetDeploymentConfig"], configurations)
    yield statement("StopReleases", ["codedeploy:StopDeployment"], ["*"])


def _data(of: Names) -> Iterator[Statement]:
    table = table_arn(of.backend, of.stages)
    yield statement("Table", ["dynamodb:*"], [table, f"{table}/*"])
    yield statement("Scaling", ["application-autoscaling:*", "cloudwatch:GetMetricData"], ["*"])
    # `-AlarmHigh-…`, `-ProvisionedCapacityLow-…`: no stage's name continues with a capital letter.
    # https://github.com/getmoto/moto/blob/master/moto/applicationautoscaling/models.py
    scaled = [f"table/{of.stack}{rest}" for rest in ("-Alarm*", "-Provisioned*", "/index/*")]
    alarms = of.own("cloudwatch", *(f"alarm:TargetTracking-{each}" for each in (*scaled, f"function:{of.stack}_*")))
    yield statement("ScalingAlarms", ["cloudwatch:*Alarm*"], alarms)
    yield statement("Failures", ["sqs:*"], of.own("sqs", f"{of.stack}_*"))
    if of.secrets:
        # Secrets Manager knows a secret that is not there by its name alone.
        bare = [arn.removesuffix("-??????") for arn in of.secrets]
        yield statement("Secrets", ["secretsmanager:*"], [*of.secrets, *bare])
        yield statement("RandomPassword", ["secretsmanager:GetRandomPassword"], ["*"])


def _operations(of: Names) -> Iterator[Statement]:
    yield statement("Logs", ["logs:*"], _log_groups(of))
    yield statement("ListLogs", ["logs:DescribeIndexPolicies", "logs:DescribeLogGroups"], ["*"])
    yield statement("Alarms", ["cloudwatch:*"], of.own("cloudwatch", f"alarm:{of.stack}_*", f"alarm:{of.stack}.*"))
    dashboards = of.everywhere("cloudwatch", f"dashboard/{names.in_account(of.backend, of.stages, '*')}")
    yield statement("Dashboards", ["cloudwatch:*Dashboard*"], dashboards)
    topics = of.own("sns", f"{of.stack}_*", f"{of.stack}_*:*")
    yield statement("Topic", ["sns:*"], topics)
    # SNS can't limit these to a topic.
    yield statement("Subscriptions", ["sns:*SubscriptionAttributes", "sns:Unsubscribe"], ["*"])


def _network() -> Iterator[Statement]:
    """EC2 generates the ids of all that a network is made of."""
    parts = ("FlowLogs", "Route*", "SecurityGroup*", "Subnet*", "Tags", "Vpc*")
    yield statement("Network", ["ec2:Describe*", *(f"ec2:*{part}" for part in parts)], ["*"])
    yield statement("NetworkNames", ["autoscaling:DescribeTags", "route53:AssociateVPCWithHostedZone"], ["*"])


def _edge(of: Names) -> Iterator[Statement]:
    """CloudFront generates the ids of distributions and cache policies."""
    cdn = of.backend.cdn
    if cdn is not None:
        yield statement("Cdn", ["cloudfront:*"], ["*"])
        if cdn.log_bucket is not None:
            # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
            bucket = of.everywhere("s3", cdn.log_bucket, account=False)
            yield statement("CdnLogs", ["s3:GetBucketAcl", "s3:PutBucketAcl"], bucket)
        if cdn.client_certificate is not None:
            trusted = of.everywhere("s3", cdn.client_certificate.trust_store_object, account=False)
            yield statement("TrustStore", ["s3:GetObject"], trusted)
        if cdn.firewall is not None and cdn.firewall.arn is None:
            start = f"arn:{names.partition(of.stage.region)}:wafv2:us-east-1:{of.stage.account}:global"
            own = [f"{start}/webacl/{of.stack}/*", f"{start}/managedruleset/*"]
            yield statement("Firewall", ["wafv2:*"], own)
    domains = (of.backend.domain, cdn.domain if cdn else None)
    zones = sorted({domain.zone for domain in domains if domain is not None and domain.zone is not None})
    if zones:
        records = of.everywhere("route53", *(f"hostedzone/{zone}" for zone in zones), "change/*", account=False)
        yield statement("Records", ["route53:*"], [arn.replace(f":{of.stage.account}:", "::") for arn in records])
        yield statement("Zones", ["route53:ListHostedZones*"], ["*"])


def _log_groups(of: Names) -> list[str]:
    return of.own("logs", *(f"log-group:/aws/{kind}/{of.stack}_*" for kind in ("lambda", "vendedlogs")))


def _keys(backend: Backend) -> list[str]:
    keys = [secret.encryption_key for secret in backend.secrets]
    keys.append(backend.table.encryption_key if backend.table else None)
    return sorted({key for key in keys if key is not None})


def _pass_role(roles: list[str], *services: str) -> Statement:
    return statement("PassRole", ["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": list(services)}})
