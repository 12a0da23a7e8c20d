"""The private network on AWS: subnets without a way to the internet, and endpoints for what the functions need."""

from aws_cdk import Fn, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.declare import Backend, Network, names
from taxiway.declare import Stage as BackendStage
from taxiway.permissions.endpoint_policy import endpoint_policy
from taxiway.permissions.statements import trust

_SUBNET_BITS = 8  # of host addresses: 256 each, which is room for the interfaces that Lambda shares among environments
_UNNAMED = 3  # as many blocks of addresses are for zones that are not named


class PrivateNetwork:
    """The subnets and security groups that functions are put into: those of the declaration, or new ones."""

    def __init__(self, stack: Stack, declared: Network, backend: Backend, stage: BackendStage) -> None:
        self.in_use = declared.in_use
        self.subnets = list(declared.subnets)
        self.security_groups = list(declared.security_groups)
        if not declared.exists:
            self._make(stack, declared, backend, stage)

    def _make(self, stack: Stack, declared: Network, backend: Backend, stage: BackendStage) -> None:
        vpc = ec2.CfnVPC(stack, "Network", cidr_block=declared.cidr, enable_dns_hostnames=True, enable_dns_support=True)
        Tags.of(vpc).add("Name", names.stack(backend, stage))
        _log_refusals(stack, vpc, backend, stage)
        table = ec2.CfnRouteTable(stack, "Routing", vpc_id=vpc.ref)
        for subnet in _subnets(stack, declared, vpc):
            ec2.CfnSubnetRouteTableAssociation(
                stack,
                subnet.node.id.replace("Subnet", "SubnetRouting"),
                subnet_id=subnet.ref,
                route_table_id=table.ref,
            )
            self.subnets.append(subnet.ref)
        functions = ec2.CfnSecurityGroup(
            stack,
            "FunctionsGroup",
            group_description=f"Functions of {names.stack(backend, stage)}",
            vpc_id=vpc.ref,
            security_group_egress=[_https("To the endpoints, which are all that can be reached", cidr_ip="0.0.0.0/0")],
        )
        self.security_groups.append(functions.attr_group_id)
        of_table = endpoint_policy("dynamodb", backend, stage)
        if of_table is not None:
            ec2.CfnVPCEndpoint(
                stack,
                "TableEndpoint",
                vpc_id=vpc.ref,
                vpc_endpoint_type="Gateway",
                service_name=f"com.amazonaws.{stage.region}.dynamodb",
                route_table_ids=[table.ref],
                policy_document=of_table,
            )
        of_secrets = endpoint_policy("secretsmanager", backend, stage)
        if of_secrets is not None:
            group = ec2.CfnSecurityGroup(
                stack,
                "SecretsGroup",
                group_description=f"Secrets Manager for {names.stack(backend, stage)}",
                vpc_id=vpc.ref,
                security_group_ingress=[
                    ec2.CfnSecurityGroup.IngressProperty(
                        ip_protocol="tcp",
                        from_port=443,
                        to_port=443,
                        source_security_group_id=functions.attr_group_id,
                        description="From the functions",
                    )
                ],
            )
            ec2.CfnVPCEndpoint(
                stack,
                "SecretsEndpoint",
                vpc_id=vpc.ref,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{stage.region}.secretsmanager",
                private_dns_enabled=True,
                subnet_ids=self.subnets,
                security_group_ids=[group.attr_group_id],
                policy_document=of_secrets,
            )


def _subnets(stack: Stack, declared: Network, vpc: ec2.CfnVPC) -> list[ec2.CfnSubnet]:
    """One in each zone. Where zones are named, a zone's subnet has its id and its addresses by the zone's letter.

    A subnet's zone can't be changed: with another it is made anew before the old one is deleted, and EC2 has no two
    subnets with the same addresses in a VPC. So the subnet of a zone never has those of another's, nor those of the
    first three, which are for zones that are not named.
    """
    bits = _SUBNET_BITS - 1 if declared.cidr.endswith("/24") else _SUBNET_BITS
    places = (
        {zone[-1].upper(): (_UNNAMED + ord(zone[-1]) - ord("a"), zone) for zone in declared.named_zones}
        if declared.named_zones
        else {str(number + 1): (number, Fn.select(number, Fn.get_azs())) for number in range(declared.zone_count)}
    )
    blocks = Fn.cidr(declared.cidr, max(block for block, _ in places.values()) + 1, str(bits))
    subnets = [
        ec2.CfnSubnet(
            stack,
            f"Subnet{called}",
            vpc_id=vpc.ref,
            cidr_block=Fn.select(block, blocks),
            availability_zone=zone,
            map_public_ip_on_launch=False,
        )
        for called, (block, zone) in places.items()
    ]
    if declared.named_zones:
        for subnet in subnets:
            acknowledge(subnet, "The declaration names the zones.", "CloudFormation-Validate::W3010")
    return subnets


def _log_refusals(stack: Stack, vpc: ec2.CfnVPC, backend: Backend, stage: BackendStage) -> None:
    """A log of what the security groups refuse: whatever would come in, and what would go out but by HTTPS.

    Nothing is in it while all is well. https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6,
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    name = names.network_log(backend, stage)
    log = logs.CfnLogGroup(
        stack, "NetworkLog", log_group_name=name, retention_in_days=backend.operations.log_days_of(stage)
    )
    log.apply_removal_policy(RemovalPolicy.DESTROY)
    streams = names.arn(stage, "logs", f"log-group:{name}:*")
    role = iam.CfnRole(
        stack,
        "NetworkLogRole",
        path=f"/{names.path(backend, stage)}",
        description=f"Writes what the network of {names.stack(backend, stage)} refuses",
        assume_role_policy_document=trust("vpc-flow-logs.amazonaws.com", stage.account),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="log",
                policy_document={
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                            "Resource": [streams],
                        }
                    ],
                },
            )
        ],
    )
    acknowledge(
        role, "EC2 makes up the names of the streams in this one log group.", f"AwsSolutions-IAM5[Resource::{streams}]"
    )
    ec2.CfnFlowLog(
        stack,
        "NetworkRefusals",
        resource_id=vpc.ref,
        resource_type="VPC",
        traffic_type="REJECT",
        log_group_name=log.ref,
        deliver_logs_permission_arn=role.attr_arn,
    )


def _https(description: str, *, cidr_ip: str) -> ec2.CfnSecurityGroup.EgressProperty:
    return ec2.CfnSecurityGroup.EgressProperty(
        ip_protocol="tcp", from_port=443, to_port=443, cidr_ip=cidr_ip, description=description
    )
