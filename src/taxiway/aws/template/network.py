"""The private network on AWS: subnets without a way to the internet, and endpoints for what the functions need."""

from typing import Any

from taxiway.aws.template.cloudformation_types import Cidr, GetAZs, Select, ec2, iam, logs
from taxiway.aws.template.stack_template import Resource, Scope, StackTemplate, Value
from taxiway.declare import Backend, Network, bootstrap, names
from taxiway.declare import Stage as BackendStage
from taxiway.permissions.endpoint_policy import endpoint_policy
from taxiway.permissions.statements import Policy, trust

_SUBNET_BITS = 8  # of host addresses: 256 each, which is room for the interfaces that Lambda shares among environments
_UNNAMED = 3  # as many blocks of addresses are for zones that are not named
_HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


class PrivateNetwork:
    """The subnets and security groups that functions are put into: those of the declaration, or new ones."""

    def __init__(self, scope: Scope, declared: Network, backend: Backend, stage: BackendStage) -> None:
        self._in_use = declared.in_use
        self._subnets: list[Value] = list(declared.subnets)
        self._security_groups: list[Value] = list(declared.security_groups)
        if not declared.exists:
            self._make(scope, declared, backend, stage)

    def configuration(self, stack: StackTemplate) -> dict[str, Any] | None:
        """What a function of this stack is given to be in the network; None where none is to be."""
        if not self._in_use:
            return None
        return {
            "SubnetIds": [stack.takes(f"Subnet{number}", each) for number, each in enumerate(self._subnets, 1)],
            "SecurityGroupIds": [
                stack.takes(f"SecurityGroup{number}", each) for number, each in enumerate(self._security_groups, 1)
            ],
        }

    def _make(self, scope: Scope, declared: Network, backend: Backend, stage: BackendStage) -> None:
        vpc = scope.add(
            ec2.VPC,
            "Network",
            CidrBlock=declared.cidr,
            EnableDnsHostnames=True,
            EnableDnsSupport=True,
            Tags=[{"Key": "Name", "Value": names.stack(backend, stage)}],
        )
        _log_refusals(scope, vpc, backend, stage)
        routing = scope.add(ec2.RouteTable, "Routing", VpcId=vpc.ref())
        for called, subnet in _subnets(scope, declared, vpc).items():
            scope.add(
                ec2.SubnetRouteTableAssociation,
                f"SubnetRouting{called}",
                SubnetId=subnet.ref(),
                RouteTableId=routing.ref(),
            )
            self._subnets.append(subnet.ref())
        functions = scope.add(
            ec2.SecurityGroup,
            "FunctionsGroup",
            GroupDescription=f"Functions of {names.stack(backend, stage)}",
            VpcId=vpc.ref(),
            SecurityGroupEgress=[
                _HTTPS | {"CidrIp": "0.0.0.0/0", "Description": "To the endpoints, which are all that can be reached"}
            ],
        ).get_att("GroupId")
        self._security_groups.append(functions)
        of_table = endpoint_policy("dynamodb", backend, stage)
        if of_table is not None:
            self._add_table_endpoint(scope, vpc, routing, of_table, stage)
        of_secrets = endpoint_policy("secretsmanager", backend, stage)
        if of_secrets is not None:
            self._add_secrets_endpoint(scope, vpc, functions, of_secrets, backend, stage)

    def _add_table_endpoint(
        self, scope: Scope, vpc: Resource, routing: Resource, policy: Policy, stage: BackendStage
    ) -> None:
        scope.add(
            ec2.VPCEndpoint,
            "TableEndpoint",
            VpcId=vpc.ref(),
            VpcEndpointType="Gateway",
            ServiceName=f"com.amazonaws.{stage.region}.dynamodb",
            RouteTableIds=[routing.ref()],
            PolicyDocument=policy,
        )

    def _add_secrets_endpoint(
        self, scope: Scope, vpc: Resource, functions: Value, policy: Policy, backend: Backend, stage: BackendStage
    ) -> None:
        group = scope.add(
            ec2.SecurityGroup,
            "SecretsGroup",
            GroupDescription=f"Secrets Manager for {names.stack(backend, stage)}",
            VpcId=vpc.ref(),
            SecurityGroupIngress=[_HTTPS | {"SourceSecurityGroupId": functions, "Description": "From the functions"}],
        )
        scope.add(
            ec2.VPCEndpoint,
            "SecretsEndpoint",
            VpcId=vpc.ref(),
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{stage.region}.secretsmanager",
            PrivateDnsEnabled=True,
            SubnetIds=self._subnets,
            SecurityGroupIds=[group.get_att("GroupId")],
            PolicyDocument=policy,
        )


def _subnets(scope: Scope, declared: Network, vpc: Resource) -> dict[str, Resource]:
    """One in each zone. Where zones are named, a zone's subnet has its id and its addresses by the zone's letter.

    A subnet's zone can't be changed: with another it is made anew before the old one is deleted, and EC2 has no two
    subnets with the same addresses in a VPC. So the subnet of a zone never has those of another's, nor those of the
    first three, which are for zones that are not named.
    """
    bits = _SUBNET_BITS - 1 if declared.cidr.endswith("/24") else _SUBNET_BITS
    places: dict[str, tuple[int, Value]] = (
        {zone[-1].upper(): (_UNNAMED + ord(zone[-1]) - ord("a"), zone) for zone in declared.named_zones}
        if declared.named_zones
        else {str(number + 1): (number, Select(number, GetAZs())) for number in range(declared.zone_count)}
    )
    blocks = Cidr(declared.cidr, max(block for block, _ in places.values()) + 1, str(bits))
    return {
        called: scope.add(
            ec2.Subnet,
            f"Subnet{called}",
            VpcId=vpc.ref(),
            CidrBlock=Select(block, blocks),
            AvailabilityZone=zone,
            MapPublicIpOnLaunch=False,
        )
        for called, (block, zone) in places.items()
    }


def _log_refusals(scope: Scope, vpc: Resource, backend: Backend, stage: BackendStage) -> None:
    """A log of what the security groups refuse: whatever would come in, and what would go out but by HTTPS.

    Nothing is in it while all is well. https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6,
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    name = names.network_log(backend, stage)
    days = backend.operations.log_days_of(stage)
    log = scope.add(logs.LogGroup, "NetworkLog", kept=False, LogGroupName=name, RetentionInDays=days)
    # EC2 makes up the names of the streams in this one log group.
    streams = names.arn(stage, "logs", f"log-group:{name}:*")
    writes = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": writes, "Resource": [streams]}],
    }
    role = scope.add(
        iam.Role,
        "NetworkLogRole",
        Path=f"/{names.path(backend, stage)}",
        Description=f"Writes what the network of {names.stack(backend, stage)} refuses",
        AssumeRolePolicyDocument=trust("vpc-flow-logs.amazonaws.com", stage.account),
        PermissionsBoundary=bootstrap.boundary(backend, stage),
        Policies=[{"PolicyName": "log", "PolicyDocument": document}],
    )
    scope.add(
        ec2.FlowLog,
        "NetworkRefusals",
        ResourceId=vpc.ref(),
        ResourceType="VPC",
        TrafficType="REJECT",
        LogGroupName=log.ref(),
        DeliverLogsPermissionArn=role.get_att("Arn"),
    )
