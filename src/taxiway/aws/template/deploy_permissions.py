"""What is called to deploy a stage, to look at it and to remove it: by the commands, and by CloudFormation for them.

Pure: a projection of the declaration. Where no page is named, an action is one that the resource's own handler lists
in CloudFormation's registry; tests hold the two together.
"""

from collections.abc import Iterable, Iterator
from typing import Any, assert_never

from msgspec import Struct

from taxiway.aws.template import regions
from taxiway.aws.template.deployment_configurations import DEPLOYMENT_CONFIGURATIONS
from taxiway.declare import Backend, LambdaAuthorizer, Route, Secret, Stage, StreamConsumer, names, placement
from taxiway.permissions.endpoint_policy import endpoint_policy
from taxiway.permissions.function_policy import secret_arn, table_arn
from taxiway.permissions.statements import Statement, statement, via

_DECLARED = "the declaration names it"
_API_IDS = "API Gateway makes up the ids of APIs and of what is in them"
_APIS = ("apis", "apis/*", "tags/*")
_WAF_REGION = "us-east-1"
_EC2 = {
    "vpc": "CreateTags CreateVpc DeleteTags DeleteVpc DescribeVpcAttribute ModifyVpcAttribute",
    "subnet": "CreateSubnet CreateTags DeleteSubnet DeleteTags ModifySubnetAttribute",
    "route-table": "AssociateRouteTable CreateRouteTable CreateTags DeleteRouteTable DeleteTags DisassociateRouteTable"
    " ReplaceRouteTableAssociation",
    "security-group": "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateSecurityGroup CreateTags"
    " DeleteSecurityGroup DeleteTags RevokeSecurityGroupEgress RevokeSecurityGroupIngress"
    " UpdateSecurityGroupRuleDescriptionsEgress UpdateSecurityGroupRuleDescriptionsIngress",
    "vpc-flow-log": "CreateFlowLogs CreateTags DeleteFlowLogs DeleteTags",
}
_EC2_TOUCHES = {
    "subnet": ("vpc",),
    "route-table": ("vpc", "subnet"),
    "security-group": ("vpc", "security-group-rule"),
    "vpc-flow-log": ("vpc",),
}
_ENDPOINTS = {"dynamodb": ("route-table",), "secretsmanager": ("security-group", "subnet")}
"""What the endpoint of a service touches, beside the VPC."""


class Permission(Struct, frozen=True):
    """Actions, and what they are allowed on. It says why where that does not carry the stage's name."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: dict[str, Any] | None = None
    because: str | None = None

    @property
    def statement(self) -> Statement:
        return statement(self.sid, list(self.actions), list(self.resources), self.condition)


def permissions(backend: Backend, stage: Stage, *, stages: str | None = None) -> list[Permission]:
    """All that this declaration needs at this stage, and nothing that it does not.

    `stages` is a form of names, `pr-*`, of which the stage's is one: names then have that in place of the stage's.
    """
    scope = _Scope(backend, stage, _Form(name=stages, variables=stage.variables) if stages else stage)
    parts = (_stack, _files, _api, _domain, _functions, _roles, _logs, _releases, _table, _scaling, _triggers)
    return [each for part in (*parts, _secrets, _network, _alarms, _cdn, _records) for each in part(scope)]


class _Form(Stage):
    """Every stage whose name is of a form, `pr-*`, for `names` to write in place of one."""

    def __post_init__(self) -> None:
        """A form is no name, and is not checked as one."""


class _Scope(Struct, frozen=True):
    """The stage, what stands for it in names, and the ARNs of what is its."""

    backend: Backend
    stage: Stage
    named: Stage

    @property
    def name(self) -> str:
        return names.stack(self.backend, self.named)

    @property
    def path(self) -> str:
        return names.path(self.backend, self.named)

    def own(self, what: str) -> str:
        return names.own(self.backend, self.named, what)

    def arn(self, service: str, *resources: str) -> tuple[str, ...]:
        return tuple(names.arn(self.stage, service, resource) for resource in resources)

    def everywhere(self, service: str, *resources: str, region: str = "", account: bool = True) -> tuple[str, ...]:
        """ARNs of a service that is the same in every region."""
        start = f"arn:{names.partition(self.stage.region)}:{service}:{region}:{self.stage.account if account else ''}"
        return tuple(f"{start}:{resource}" for resource in resources)

    def made_by_itself(self, service: str, role: str) -> Permission:
        """A role that a service of AWS makes for itself in an account that has none of it yet."""
        (arn,) = self.everywhere("iam", f"role/aws-service-role/{service}/{role}")
        condition = {"StringEquals": {"iam:AWSServiceName": service}}
        because = "the account has one for all, which AWS names"
        return _permit(
            "LinkedRole" + role.rpartition("_")[2], ["iam:CreateServiceLinkedRole"], (arn,), condition, because
        )


def _stack(of: _Scope) -> Iterator[Permission]:
    own = of.arn("cloudformation", f"stack/{of.name}/*")
    calls = "CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents DescribeStacks"
    calls += " ExecuteChangeSet GetTemplate ListStackResources TagResource UpdateTerminationProtection"
    if any(placement.group(of.backend, function) for function in of.backend.functions):
        own += of.arn("cloudformation", f"stack/{of.name}-Functions*/*")
        calls += " CreateStack GetStackPolicy SetStackPolicy UpdateStack"
    yield _permit("Stack", _of("cloudformation", calls), own)


def _files(of: _Scope) -> Iterator[Permission]:
    """The first deployment to an account and region makes the bucket."""
    (bucket,) = of.everywhere("s3", names.asset_bucket(of.stage), account=False)
    calls = "CreateBucket GetBucketPolicy ListBucket PutBucketPolicy PutBucketPublicAccessBlock"
    because = "every stage of the account and region has its files in one bucket"
    yield _permit("Bucket", _of("s3", calls), (bucket,), None, because)
    files = f"{bucket}/{of.path}*"
    yield _permit("Files", _of("s3", "DeleteObject GetObject PutObject"), (files,))


def _api(of: _Scope) -> Iterator[Permission]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html"""
    if of.backend.api is None:
        return
    apis = [f"arn:{names.partition(of.stage.region)}:apigateway:{of.stage.region}::/{each}" for each in _APIS]
    yield _permit("Api", _of("apigateway", "DELETE GET PATCH POST PUT"), apis, None, _API_IDS)
    # The registry names them; they are asked for on the stages of an API:
    # https://github.com/aws-amplify/amplify-cli/issues/12316
    yield _permit("ApiTags", _of("apigateway", "TagResource UntagResource"), apis[1:2], None, _API_IDS)
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
    delivery = "CreateLogDelivery DeleteLogDelivery DescribeResourcePolicies GetLogDelivery ListLogDeliveries"
    delivery += " PutResourcePolicy UpdateLogDelivery"
    yield _permit("AccessLog", _of("logs", delivery), ("*",), None, "CloudWatch Logs can't limit it to a log group")
    authorizers = {
        arn
        for route in of.backend.routes
        if isinstance(route.authorizer, LambdaAuthorizer) and regions.in_reach(route.authorizer.arn, of.stage)
        for arn in (route.authorizer.arn, ":".join(route.authorizer.arn.split(":")[:7]))
    }
    if authorizers:
        calls = _of("lambda", "AddPermission GetPolicy RemovePermission")
        yield _permit("Authorizers", calls, authorizers, None, _DECLARED)


def _domain(of: _Scope) -> Iterator[Permission]:
    domain = of.backend.domain
    if domain is None:
        return
    start = f"arn:{names.partition(of.stage.region)}:apigateway:{of.stage.region}::/domainnames"
    own = (f"{start}/{domain.name}", f"{start}/{domain.name}/apimappings", f"{start}/{domain.name}/apimappings/*")
    calls = "AddCertificateToDomain DELETE GET PATCH POST RemoveCertificateFromDomain"
    yield _permit("Domain", _of("apigateway", calls), own, None, _DECLARED)
    making = _of("apigateway", "AddCertificateToDomain POST")
    yield _permit("NewDomain", making, (start,), None, "a domain has no ARN before it is made")
    certificate = of.backend.cdn.client_certificate if of.backend.cdn else None
    if certificate is not None:
        trusted = of.everywhere("s3", certificate.trust_store_object, account=False)
        yield _permit("TrustStore", ["s3:GetObject"], trusted, None, _DECLARED)
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html
    yield of.made_by_itself("ops.apigateway.amazonaws.com", "AWSServiceRoleForAPIGateway")


def _functions(of: _Scope) -> Iterator[Permission]:
    functions = of.backend.functions
    if not functions:
        return
    calls = "CreateFunction DeleteFunction DeleteFunctionConcurrency GetFunction"
    calls += " GetFunctionCodeSigningConfig GetFunctionRecursionConfig GetFunctionScalingConfig"
    calls += " GetRuntimeManagementConfig ListTags"
    calls += " PutFunctionConcurrency TagResource UntagResource UpdateFunctionCode"
    calls += " UpdateFunctionConfiguration"
    if of.backend.routes:
        calls += " AddPermission GetPolicy RemovePermission"
    released = of.backend.operations.release_of(of.stage) != "all-at-once"
    if released or any(function.provisioned for function in functions):
        calls += " CreateAlias DeleteAlias GetAlias GetFunctionConfiguration ListVersionsByFunction PublishVersion"
        calls += " UpdateAlias"
        provisioned = [f"lambda:{verb}ProvisionedConcurrencyConfig" for verb in ("Delete", "Get", "Put")]
        yield _permit("Provisioned", provisioned, of.arn("lambda", f"function:{of.own('*')}:*"))
    yield _permit("Functions", _of("lambda", calls), of.arn("lambda", f"function:{of.own('*')}"))


def _roles(of: _Scope) -> Iterator[Permission]:
    """Those of the stage's functions, releases and network log, which are under a path of the stage's own."""
    services = ["lambda.amazonaws.com"] if of.backend.functions else []
    if services and of.backend.operations.release_of(of.stage) != "all-at-once":
        services.append("codedeploy.amazonaws.com")
    if _makes_network(of):
        services.append("vpc-flow-logs.amazonaws.com")
    if not services:
        return
    roles = of.everywhere("iam", f"role/{of.path}*")
    calls = "CreateRole DeleteRole DeleteRolePolicy GetRolePolicy ListAttachedRolePolicies ListRolePolicies"
    calls += " ListRoleTags PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"
    yield _permit("Roles", _of("iam", calls), roles)
    because = "IAM knows no path of a role that is gone, and CloudFormation looks whether it is"
    yield _permit("GetRoles", ["iam:GetRole"], of.everywhere("iam", "role/*"), None, because)
    yield _permit("PassRoles", ["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": services}})


def _logs(of: _Scope) -> Iterator[Permission]:
    own = [f"/aws/lambda/{of.own('*')}"]
    if of.backend.api is not None:
        own.append(f"{names.access_log(of.backend, of.named)}*")
    if _makes_network(of):
        own.append(f"{names.network_log(of.backend, of.named)}*")
    groups = of.arn("logs", *(f"log-group:{each}" for each in own))
    calls = "CreateLogGroup DeleteDataProtectionPolicy DeleteLogGroup DeleteRetentionPolicy FilterLogEvents"
    calls += " GetDataProtectionPolicy ListTagsForResource PutRetentionPolicy TagResource UntagResource"
    if of.backend.operations.has_alarms(of.stage):
        calls += " DeleteMetricFilter DescribeMetricFilters PutMetricFilter"
    yield _permit("Logs", _of("logs", calls), groups)
    listing = _of("logs", "DescribeIndexPolicies DescribeLogGroups")
    yield _permit("ListLogs", listing, ("*",), None, "CloudWatch Logs can't limit what is described")


def _releases(of: _Scope) -> Iterator[Permission]:
    release = of.backend.operations.release_of(of.stage)
    if release == "all-at-once" or not of.backend.functions:
        return
    numbers = {placement.group(of.backend, function) for function in of.backend.functions}
    called = sorted(names.releases(of.backend, of.named, number) for number in numbers)
    calls = "CreateApplication CreateDeployment CreateDeploymentGroup DeleteApplication DeleteDeploymentGroup"
    calls += " GetApplication GetApplicationRevision GetDeployment GetDeploymentGroup ListDeployments"
    calls += " ListTagsForResource RegisterApplicationRevision TagResource UntagResource UpdateDeploymentGroup"
    own = (f"{kind}:{name}{rest}" for name in called for kind, rest in (("application", ""), ("deploymentgroup", "/*")))
    yield _permit("Releases", _of("codedeploy", calls), of.arn("codedeploy", *own))
    configuration = of.arn("codedeploy", f"deploymentconfig:{DEPLOYMENT_CONFIGURATIONS[release]}")
    yield _permit("HowToRelease", ["codedeploy:GetDeploymentConfig"], configuration, None, _DECLARED)
    because = "CodeDeploy can't limit it to an application"
    yield _permit("StopReleases", ["codedeploy:StopDeployment"], ("*",), None, because)


def _table(of: _Scope) -> Iterator[Permission]:
    table = of.backend.table
    if table is None:
        return
    calls = "CreateTable DeleteTable DescribeContinuousBackups DescribeContributorInsights"
    calls += " DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive GetResourcePolicy"
    calls += " ListTagsOfResource TagResource UntagResource UpdateContinuousBackups UpdateTable UpdateTimeToLive"
    yield _permit("Table", _of("dynamodb", calls), (table_arn(of.backend, of.named),))
    if table.encryption_key is not None:
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        calls = "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey ReEncryptFrom ReEncryptTo RevokeGrant"
        key, through = (table.encryption_key,), via("dynamodb", of.stage)
        yield _permit("TableKey", _of("kms", calls), key, through, _DECLARED)


def _scaling(of: _Scope) -> Iterator[Permission]:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html"""
    linked: dict[str, Permission] = {}
    alarms: list[str] = []
    if of.backend.table is not None and of.backend.table.capacity is not None:
        role = "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
        linked["dynamodb"] = of.made_by_itself("dynamodb.application-autoscaling.amazonaws.com", role)
        # `-AlarmHigh-…`, `-ProvisionedCapacityLow-…`: no stage's name goes on with a capital letter.
        # https://github.com/getmoto/moto/blob/master/moto/applicationautoscaling/models.py
        table = of.backend.table_name(of.named)
        alarms += [f"alarm:TargetTracking-table/{table}{rest}" for rest in ("-Alarm*", "-Provisioned*", "/index/*")]
    if any(each.provisioned and each.provisioned.maximum for each in of.backend.functions):
        role = "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency"
        linked["lambda"] = of.made_by_itself("lambda.application-autoscaling.amazonaws.com", role)
        alarms.append(f"alarm:TargetTracking-function:{of.own('*')}")
    if not linked:
        return
    calls = "DeleteScalingPolicy DeregisterScalableTarget PutScalingPolicy RegisterScalableTarget"
    targets = of.arn("application-autoscaling", "scalable-target/*")
    kinds = {"StringEquals": {"application-autoscaling:service-namespace": sorted(linked)}}
    because = "Application Auto Scaling makes up the ids of what it scales"
    yield _permit("Scaling", _of("application-autoscaling", calls), targets, kinds, because)
    tags = _of("application-autoscaling", "ListTagsForResource TagResource UntagResource")
    yield _permit("ScalingTags", tags, targets, None, because)
    listing = "DescribeScalableTargets DescribeScalingPolicies DescribeScheduledActions"
    because = "Application Auto Scaling can't limit what is described"
    yield _permit("ListScaling", _of("application-autoscaling", listing), ("*",), None, because)
    calls = _of("cloudwatch", "DeleteAlarms DescribeAlarms PutMetricAlarm")
    yield _permit("ScalingAlarms", calls, of.arn("cloudwatch", *alarms))
    because = "CloudWatch can't limit it to a metric"
    yield _permit("Metrics", ["cloudwatch:GetMetricData"], ("*",), None, because)
    yield from linked.values()


def _triggers(of: _Scope) -> Iterator[Permission]:
    one_of_each_kind = {type(trigger): trigger for trigger in of.backend.triggers}
    for trigger in one_of_each_kind.values():
        match trigger:
            case Route():
                pass  # they are parts of the API
            case StreamConsumer():
                yield from _stream_consumers(of)
            case _:
                assert_never(trigger)


def _stream_consumers(of: _Scope) -> Iterator[Permission]:
    calls = "CreateEventSourceMapping DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping"
    (own,) = of.arn("lambda", f"function:{of.own('*')}")
    yield _permit("StreamMappings", _of("lambda", calls), ("*",), {"ArnLike": {"lambda:FunctionArn": [own]}})
    tags, mappings = _of("lambda", "ListTags TagResource UntagResource"), of.arn("lambda", "event-source-mapping:*")
    yield _permit("StreamMappingTags", tags, mappings, None, "Lambda makes up the ids of stream mappings")
    calls = (
        "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes TagQueue UntagQueue"
    )
    yield _permit("Failures", _of("sqs", calls), of.arn("sqs", of.own("*-failures")))


def _secrets(of: _Scope) -> Iterator[Permission]:
    """Those that the stack makes, and for `taxiway secrets` those that exist too."""
    present = [(secret, _id(of, secret.id)) for secret in of.backend.secrets if secret.id is not None]
    if not present:
        return
    calls = "DeleteSecret GetSecretValue PutSecretValue"
    yield _permit("Secrets", _of("secretsmanager", calls), _secret_arns(of, present), None, _DECLARED)
    named = [secret_id for _, secret_id in present if not secret_id.startswith("arn:")]
    if named:
        condition = {"StringLike": {"secretsmanager:Name": named}}
        because = "a secret has no ARN before it is made"
        yield _permit("NewSecrets", ["secretsmanager:CreateSecret"], ("*",), condition, because)
    made = [(secret, name) for secret, name in present if secret.generate is not None]
    if made:
        calls = "DescribeSecret TagResource UntagResource UpdateSecret"
        yield _permit("MadeSecrets", _of("secretsmanager", calls), _secret_arns(of, made), None, _DECLARED)
        because = "it belongs to no secret"
        yield _permit("RandomPassword", ["secretsmanager:GetRandomPassword"], ("*",), None, because)
    rotated = [(secret, name) for secret, name in made if secret.rotation is not None]
    if rotated:
        calls = _of("secretsmanager", "CancelRotateSecret RotateSecret")
        yield _permit("RotateSecrets", calls, _secret_arns(of, rotated), None, _DECLARED)
        rotating = {secret.rotation.function for secret, _ in rotated if secret.rotation is not None}
        yield _permit("Rotation", ["lambda:InvokeFunction"], rotating, None, _DECLARED)
        near = {function for function in rotating if regions.in_reach(function, of.stage)}
        if near:
            calls = _of("lambda", "AddPermission GetPolicy RemovePermission")
            yield _permit("LetRotate", calls, near, None, _DECLARED)
    keys = {secret.encryption_key for secret, _ in present if secret.encryption_key is not None}
    if keys:
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
        calls, through = _of("kms", "Decrypt GenerateDataKey"), via("secretsmanager", of.stage)
        yield _permit("SecretKeys", calls, keys, through, _DECLARED)


def _id(of: _Scope, secret_id: str) -> str:
    """A secret's id, with what stands for the stage where the id is `items/prod` or begins with `items/prod/`."""
    path = names.path(of.backend, of.stage)
    if not f"{secret_id}/".startswith(path):
        return secret_id
    return of.path.removesuffix("/") + secret_id.removeprefix(path.removesuffix("/"))


def _secret_arns(of: _Scope, secrets: Iterable[tuple[Secret, str]]) -> list[str]:
    """With the six characters that Secrets Manager adds, and without: it has no other ARN for one that is not there."""
    bare = (of.arn("secretsmanager", f"secret:{name}")[0] for _, name in secrets if not name.startswith("arn:"))
    return [*(secret_arn(name, of.stage) for _, name in secrets), *bare]


def _network(of: _Scope) -> Iterator[Permission]:
    network = of.backend.network
    if network is None:
        return
    endpoints = [
        service
        for service in _ENDPOINTS
        if not network.exists and endpoint_policy(service, of.backend, of.stage) is not None
    ]
    listing = "DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs"
    if not network.exists:
        listing += " DescribeInstances DescribeNetworkAcls DescribeRouteTables DescribeVpcEncryptionControls"
        listing += " DescribeFlowLogs DescribeTags"
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
        listing += " DescribeAvailabilityZones"
    if endpoints:
        listing += " DescribeVpcEndpoints"
    yield _permit("ListNetworks", _of("ec2", listing), ("*",), None, "EC2 can't limit what is described")
    if network.exists:
        return
    because = "Auto Scaling can't limit what is described"  # the handler of flow logs lists it
    yield _permit("ListTags", ["autoscaling:DescribeTags"], ("*",), None, because)
    for kind, calls in _EC2.items():
        yield _each(of, kind, calls, _EC2_TOUCHES.get(kind, ()))
    if endpoints:
        calls = "CreateTags CreateVpcEndpoint DeleteTags DeleteVpcEndpoints ModifyVpcEndpoint"
        yield _each(of, "vpc-endpoint", calls, ("vpc", *(kind for each in endpoints for kind in _ENDPOINTS[each])))
    if "secretsmanager" in endpoints:
        # For the name by which the functions find it: an action on which CreateVpcEndpoint depends, in
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        because = "the zone of an endpoint's name is AWS's own"
        yield _permit("EndpointName", ["route53:AssociateVPCWithHostedZone"], ("*",), None, because)


def _each(of: _Scope, kind: str, calls: str, touches: Iterable[str]) -> Permission:
    sid = "".join(word.title() for word in kind.split("-"))
    resources = of.arn("ec2", *(f"{each}/*" for each in (kind, *touches)))
    because = "EC2 makes up the ids of all that a network is made of"
    return _permit(f"Each{sid}", _of("ec2", calls), resources, None, because)


def _makes_network(of: _Scope) -> bool:
    return of.backend.network is not None and not of.backend.network.exists


def _alarms(of: _Scope) -> Iterator[Permission]:
    operations = of.backend.operations
    if not operations.has_alarms(of.stage):
        return
    calls = "DeleteAlarms DescribeAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource"
    own = of.arn("cloudwatch", f"alarm:{of.own('*')}", f"alarm:{of.name}.*")
    yield _permit("Alarms", _of("cloudwatch", calls), own)
    calls = "DeleteDashboards GetDashboard PutDashboard"
    dashboards = of.everywhere("cloudwatch", f"dashboard/{names.in_account(of.backend, of.named, '*')}")
    yield _permit("Dashboards", _of("cloudwatch", calls), dashboards)
    calls = "CreateTopic DeleteTopic GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic"
    calls += " ListTagsForResource SetTopicAttributes Subscribe TagResource UntagResource"
    yield _permit("Topic", _of("sns", calls), of.arn("sns", names.topic(of.backend, of.named)))
    if operations.emails:
        calls = _of("sns", "GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe")
        yield _permit("Subscriptions", calls, ("*",), None, "SNS can't limit it to a topic")


def _cdn(of: _Scope) -> Iterator[Permission]:
    cdn = of.backend.cdn
    if cdn is None:
        return
    ids = "CloudFront makes up the ids of distributions and cache policies"
    making = _of("cloudfront", "CreateCachePolicy CreateDistribution")
    yield _permit("NewCdn", making, ("*",), None, ids)
    calls = "CreateInvalidation DeleteDistribution GetDistribution GetDistributionConfig ListTagsForResource"
    calls += " TagResource UntagResource UpdateDistribution"
    yield _permit("Cdn", _of("cloudfront", calls), of.everywhere("cloudfront", "distribution/*"), None, ids)
    calls = "DeleteCachePolicy GetCachePolicy UpdateCachePolicy"
    yield _permit("CachePolicy", _of("cloudfront", calls), of.everywhere("cloudfront", "cache-policy/*"), None, ids)
    if cdn.log_bucket is not None:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
        bucket, calls = of.everywhere("s3", cdn.log_bucket, account=False), _of("s3", "GetBucketAcl PutBucketAcl")
        yield _permit("CdnLogs", calls, bucket, None, _DECLARED)
    if cdn.firewall is not None and cdn.firewall.arn is None:
        own = of.everywhere("wafv2", f"global/webacl/{of.name}/*", region=_WAF_REGION)
        calls = "DeleteWebACL GetWebACL ListTagsForResource TagResource UntagResource"
        yield _permit("Firewall", _of("wafv2", calls), own)
        # https://docs.aws.amazon.com/waf/latest/developerguide/waf-api-permissions-ref.html
        rules = of.everywhere("wafv2", "global/managedruleset/*/*", region=_WAF_REGION)
        because = "a web ACL refers to rules of AWS, whose ids AWS makes up"
        yield _permit("FirewallRules", _of("wafv2", "CreateWebACL UpdateWebACL"), own + rules, None, because)


def _records(of: _Scope) -> Iterator[Permission]:
    cdn, api = of.backend.cdn, of.backend.domain
    zones = {domain.zone for domain in (api, cdn and cdn.domain) if domain is not None and domain.zone is not None}
    if not zones:
        return
    calls = "ChangeResourceRecordSets GetHostedZone ListResourceRecordSets"
    own = of.everywhere("route53", *(f"hostedzone/{zone}" for zone in zones), account=False)
    yield _permit("Records", _of("route53", calls), own, None, _DECLARED)
    changes = of.everywhere("route53", "change/*", account=False)
    yield _permit("RecordChanges", ["route53:GetChange"], changes, None, "Route 53 makes up the ids of changes")
    because = "Route 53 lists the zones of an account, and can't limit them"
    yield _permit("Zones", ["route53:ListHostedZones"], ("*",), None, because)


def _permit(
    sid: str,
    actions: Iterable[str],
    resources: Iterable[str],
    condition: dict[str, Any] | None = None,
    because: str | None = None,
) -> Permission:
    return Permission(sid, tuple(sorted(actions)), tuple(sorted(set(resources))), condition, because)


def _of(service: str, calls: str) -> list[str]:
    """`lambda:GetAlias` for each of the calls, which are words of one text."""
    return [f"{service}:{call}" for call in calls.split()]
