"""Reads a synthesized template as what it deploys: routes, functions, the table. Knows nothing of the declaration."""

import json
from pathlib import Path
from typing import Any

from msgspec import Struct

Resource = dict[str, Any]


class DeployedRoute(Struct):
    key: str
    function: str
    authorizer: dict[str, Any] | None
    throttle: tuple[float, int] | None
    cache: str | None


class DeployedFunction(Struct):
    name: str
    handler: str
    runtime: str
    architectures: list[str]
    memory: int
    timeout: int
    concurrency: int | None
    provisioned: int | None
    environment: dict[str, str]
    policy: dict[str, Any]
    invoked_through: str | None
    """The alias that requests go to; None for the function itself."""
    invoked_by: str | None
    """The end of the ARN that an API may call it for; None where none may."""
    tracing: str
    log_days: int
    released_by: str | None
    """How CodeDeploy shifts requests to new code."""
    rolled_back_by: list[str]
    """The names of alarms."""


class Template:
    """One template of a stage's stack."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.resources: dict[str, Resource] = content["Resources"]
        self.outputs: dict[str, Any] = content.get("Outputs", {})

    @classmethod
    def read(cls, path: Path) -> "Template":
        return cls(json.loads(path.read_text()))

    def of_type(self, kind: str) -> list[Resource]:
        """The properties of every resource of a type: `Lambda::Function`."""
        return [resource["Properties"] for resource in self._of_type(kind).values()]

    def one(self, kind: str) -> Resource:
        (found,) = self.of_type(kind)
        return found

    @property
    def routes(self) -> dict[str, DeployedRoute]:
        return {
            route["RouteKey"]: DeployedRoute(
                key=route["RouteKey"],
                function=self._function_of(self._integration(route)["IntegrationUri"])[0],
                authorizer=self._authorizer(route),
                throttle=self._throttle(route["RouteKey"]),
                cache=self._cache(self._integration(route)),
            )
            for route in self.of_type("ApiGatewayV2::Route")
        }

    @property
    def functions(self) -> dict[str, DeployedFunction]:
        found = [self._function(identifier) for identifier in self._of_type("Lambda::Function")]
        return {function.name: function for function in found}

    @property
    def cors(self) -> dict[str, Any] | None:
        return self.one("ApiGatewayV2::Api").get("CorsConfiguration")

    @property
    def table(self) -> Resource:
        (found,) = self._of_type("DynamoDB::Table").values()
        return found

    @property
    def names(self) -> set[tuple[str, str]]:
        """The type and the name of everything that has one of its own in the account."""
        return {
            (resource["Type"], value)
            for resource in self.resources.values()
            for field, value in resource["Properties"].items()
            if field in _NAME_FIELDS and isinstance(value, str) and resource["Type"] not in _NAMED_WITHIN_ANOTHER
        }

    @property
    def policies(self) -> list[dict[str, Any]]:
        """Every statement of every role."""
        return [
            statement
            for role in self.of_type("IAM::Role")
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def _of_type(self, kind: str) -> dict[str, Resource]:
        return {name: found for name, found in self.resources.items() if found["Type"] == f"AWS::{kind}"}

    def _referred(self, value: Any) -> Resource:
        """The resource that a Ref or a GetAtt is of."""
        return self.resources[value.get("Ref") or value["Fn::GetAtt"][0]]

    def _integration(self, route: Resource) -> Resource:
        return self._referred(route["Target"]["Fn::Join"][1][1])["Properties"]

    def _function_of(self, value: Any) -> tuple[str, str | None]:
        """The function's name, and the alias's where the reference is to one."""
        found = self._referred(value)
        if found["Type"] == "AWS::Lambda::Alias":
            return self._function_of(found["Properties"]["FunctionName"])[0], found["Properties"]["Name"]
        return found["Properties"]["FunctionName"], None

    def _function(self, identifier: str) -> DeployedFunction:
        properties = self.resources[identifier]["Properties"]
        role = self._referred(properties["Role"])["Properties"]
        (policy,) = role["Policies"]
        alias = self._alias(identifier)
        shift = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
        release = self._referred(shift["DeploymentGroupName"])["Properties"] if shift else None
        provisioned = alias.get("Properties", {}).get("ProvisionedConcurrencyConfig", {})
        return DeployedFunction(
            name=properties["FunctionName"],
            handler=properties["Handler"],
            runtime=properties["Runtime"],
            architectures=properties["Architectures"],
            memory=properties["MemorySize"],
            timeout=properties["Timeout"],
            concurrency=properties.get("ReservedConcurrentExecutions"),
            provisioned=provisioned.get("ProvisionedConcurrentExecutions"),
            environment=properties["Environment"].get("Variables", {}),
            policy=policy["PolicyDocument"],
            invoked_through=alias.get("Properties", {}).get("Name"),
            invoked_by=self._invoked_by(identifier),
            tracing=properties["TracingConfig"]["Mode"],
            log_days=self._referred(properties["LoggingConfig"]["LogGroup"])["Properties"]["RetentionInDays"],
            released_by=release and release["DeploymentConfigName"],
            rolled_back_by=[
                self._referred(alarm["Name"])["Properties"]["AlarmName"]
                for alarm in (release["AlarmConfiguration"]["Alarms"] if release else [])
            ],
        )

    def _alias(self, function: str) -> Resource:
        aliases = self._of_type("Lambda::Alias").values()
        return next((alias for alias in aliases if alias["Properties"]["FunctionName"] == {"Ref": function}), {})

    def _invoked_by(self, function: str) -> str | None:
        name = self.resources[function]["Properties"]["FunctionName"]
        for permission in self.of_type("Lambda::Permission"):
            called = permission["FunctionName"]
            if isinstance(called, dict) and self._function_of(called)[0] == name:
                return permission["SourceArn"]["Fn::Join"][1][-1].removeprefix("/")
        return None

    def _authorizer(self, route: Resource) -> dict[str, Any] | None:
        if route["AuthorizationType"] == "NONE":
            return None
        return self._referred(route["AuthorizerId"])["Properties"] | {"Scopes": route.get("AuthorizationScopes", [])}

    def _throttle(self, key: str) -> tuple[float, int] | None:
        stage = self.one("ApiGatewayV2::Stage")
        found = stage.get("RouteSettings", {}).get(key) or stage.get("DefaultRouteSettings")
        return found and (found["ThrottlingRateLimit"], found["ThrottlingBurstLimit"])

    @staticmethod
    def _cache(integration: Resource) -> str | None:
        changes = integration.get("ResponseParameters", {}).get("200", {}).get("ResponseParameters", [])
        return next((c["Source"] for c in changes if c["Destination"] == "overwrite:header.cache-control"), None)


_NAME_FIELDS = {
    "FunctionName",
    "TableName",
    "LogGroupName",
    "AlarmName",
    "ApplicationName",
    "DashboardName",
    "TopicName",
    "QueueName",
    "Name",
}
_NAMED_WITHIN_ANOTHER = {
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Permission",
    "AWS::Logs::MetricFilter",
}
