"""The HTTP API on AWS: its routes, CORS, authorizers, throttles and access log."""

import json
from dataclasses import asdict
from hashlib import sha256

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct
from msgspec import Struct

from taxiway.aws.template import regions
from taxiway.aws.template.functions import DeployedFunction
from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.declare import Authorizer, Backend, Cors, HttpApi, JwtAuthorizer, Route, Throttle, names
from taxiway.declare import Stage as BackendStage

# What an account has by itself: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
_NO_THROTTLE = Throttle(rate=10_000, burst=5_000)

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "route": "$context.routeKey",
    "status": "$context.status",
    "ip": "$context.identity.sourceIp",
    "userAgent": "$context.identity.userAgent",
    "bytes": "$context.responseLength",
    "latency": "$context.responseLatency",
    "functionLatency": "$context.integrationLatency",
    "functionError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "error": "$context.error.message",
}


class _MadeAuthorizer(Struct, frozen=True):
    """An authorizer and, where it is a function in reach of the stack, the permission without which it isn't asked."""

    resource: gateway.CfnAuthorizer
    permission: lambda_.CfnPermission | None


class Api:
    """The API and its stage `$default`. Add the routes, then `complete` it."""

    def __init__(self, stack: Stack, declared: HttpApi, backend: Backend, stage: BackendStage) -> None:
        self.name = names.stack(backend, stage)
        self._backend = backend
        self._stage = stage
        self.declared = declared
        self._api = gateway.CfnApi(
            stack,
            "Api",
            name=self.name,
            protocol_type="HTTP",
            description=f"{backend.name}, {stage.name}",
            cors_configuration=_cors(declared.cors),
            # The domain is then the one way in; a CDN in front goes through it too.
            disable_execute_api_endpoint=not declared.has_default_endpoint,
        )
        self._scope = Construct(stack, "Routes")
        self._authorizers: dict[str, _MadeAuthorizer] = {}
        self._routes: list[gateway.CfnRoute] = []
        self._deployment = self._add_stage(stack)

    @property
    def id(self) -> str:
        return self._api.ref

    def wait_for(self, cdn: cloudfront.CfnDistribution) -> None:
        """Change nothing of the API, its own address's end above all, before the CDN is through."""
        self._api.add_resource_dependency(cdn)

    @property
    def stage_name(self) -> str:
        return self._deployment.ref

    @property
    def host(self) -> str:
        return f"{self.id}.execute-api.{self._stage.region}.{Stack.of(self._api).url_suffix}"

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def add_route(self, declared: Route, function: DeployedFunction) -> None:
        authorizer = declared.shared_authorizer and self._authorizer(declared.shared_authorizer)
        is_token = isinstance(declared.authorizer, JwtAuthorizer)
        # Without the names of parameters: one with another name is the same route, changed. A new one would be made
        # before the old is deleted, which API Gateway refuses: https://github.com/serverless/serverless/issues/3785
        identifier = declared.shape.replace("/", "|")
        route = gateway.CfnRoute(
            self._scope,
            identifier,
            api_id=self.id,
            route_key=declared.key,
            target=f"integrations/{self._integration(identifier, declared, function)}",
            authorization_type="NONE" if authorizer is None else "JWT" if is_token else "CUSTOM",
            authorizer_id=authorizer and authorizer.resource.ref,
            authorization_scopes=list(declared.authorizer.scopes) or None
            if isinstance(declared.authorizer, JwtAuthorizer)
            else None,
        )
        if authorizer is None:
            acknowledge(route, "The declaration gives this route no authorizer: it is public.", "AwsSolutions-APIG4")
        elif authorizer.permission is not None:
            route.add_resource_dependency(authorizer.permission)
        self._routes.append(route)

    def complete(self) -> None:
        """A stage's throttle of a route needs the route to be there."""
        if self._deployment.route_settings:
            for route in self._routes:
                self._deployment.add_resource_dependency(route)

    def _integration(self, identifier: str, route: Route, function: DeployedFunction) -> str:
        if route.cache is None:
            return function.integration(self.id)
        cached = gateway.CfnIntegration(
            self._scope,
            f"{identifier} integration",
            api_id=self.id,
            integration_type="AWS_PROXY",
            integration_uri=function.invoked_arn,
            payload_format_version="2.0",
            # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
            response_parameters={
                "200": {
                    "ResponseParameters": [
                        {"Destination": "overwrite:header.cache-control", "Source": f"public, max-age={route.cache}"}
                    ]
                }
            },
        )
        function.let_in(cached, self.id)
        return cached.ref

    def _authorizer(self, declared: Authorizer) -> _MadeAuthorizer:
        """The authorizer, called by what it is: one that is another is made beside it, and none becomes another.

        Numbered, two could be exchanged in place, and routes would let in who is let in by the other meanwhile.
        """
        mark = sha256(json.dumps(asdict(declared), sort_keys=True).encode()).hexdigest()[:12]
        if mark in self._authorizers:
            return self._authorizers[mark]
        permission = None
        if isinstance(declared, JwtAuthorizer):
            made = gateway.CfnAuthorizer(
                self._scope,
                f"Authorizer{mark}",
                api_id=self.id,
                name=f"jwt-{mark}",
                authorizer_type="JWT",
                identity_source=["$request.header.Authorization"],
                jwt_configuration=gateway.CfnAuthorizer.JWTConfigurationProperty(
                    issuer=declared.issuer, audience=list(declared.audience)
                ),
            )
        else:
            # The region is the function's: https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
            _, partition, _, region, *_ = declared.arn.split(":")
            invoke = f"lambda:path/2015-03-31/functions/{declared.arn}/invocations"
            made = gateway.CfnAuthorizer(
                self._scope,
                f"Authorizer{mark}",
                api_id=self.id,
                name=f"lambda-{mark}",
                authorizer_type="REQUEST",
                authorizer_uri=f"arn:{partition}:apigateway:{region}:{invoke}",
                authorizer_payload_format_version="2.0",
                enable_simple_responses=True,
                identity_source=list(declared.cache_key) or None,
                authorizer_result_ttl_in_seconds=declared.ttl,
            )
            if regions.in_reach(declared.arn, self._stage):
                permission = self._let_ask(made, mark, declared.arn)
        self._authorizers[mark] = _MadeAuthorizer(made, permission)
        return self._authorizers[mark]

    def _let_ask(self, authorizer: gateway.CfnAuthorizer, mark: str, function: str) -> lambda_.CfnPermission:
        return lambda_.CfnPermission(
            self._scope,
            f"Authorizer{mark} permission",
            action="lambda:InvokeFunction",
            function_name=function,
            principal="apigateway.amazonaws.com",
            source_arn=names.arn(self._stage, "execute-api", f"{self.id}/authorizers/{authorizer.ref}"),
        )

    def _add_stage(self, stack: Stack) -> gateway.CfnStage:
        log = logs.CfnLogGroup(
            stack,
            "AccessLog",
            log_group_name=names.access_log(self._backend, self._stage),
            retention_in_days=self._backend.operations.log_days_of(self._stage),
        )
        log.apply_removal_policy(RemovalPolicy.DESTROY)
        throttle = self.declared.throttle
        stage = gateway.CfnStage(
            stack,
            "Stage",
            api_id=self.id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.attr_arn, format=json.dumps(_ACCESS_LOG)
            ),
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=throttle.rate, throttling_burst_limit=throttle.burst
            )
            if throttle
            else None,
            route_settings={
                route.key: _route_settings(route.throttle)
                for route in self.declared.routes
                if route.throttle != throttle
            }
            or None,
        )
        if throttle is None:
            acknowledge(
                stage,
                "The declaration gives the API no throttle of its own: the account's holds.",
                "Serverless-APIGWDefaultThrottling",
            )
        return stage


def _route_settings(throttle: Throttle | None) -> dict[str, float]:
    """As CloudFormation spells it: the CDK passes this one on unread."""
    chosen = throttle or _NO_THROTTLE
    return {"ThrottlingRateLimit": chosen.rate, "ThrottlingBurstLimit": chosen.burst}


def _cors(cors: Cors | None) -> gateway.CfnApi.CorsProperty | None:
    return cors and gateway.CfnApi.CorsProperty(
        allow_origins=list(cors.origins),
        allow_methods=list(cors.methods),
        allow_headers=list(cors.headers),
        expose_headers=list(cors.expose) or None,
        max_age=cors.max_age,
        allow_credentials=cors.credentials or None,
    )
