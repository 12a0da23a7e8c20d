"""The HTTP API on AWS: its routes, CORS, authorizers, throttles and access log."""

import json
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from msgspec import Struct

from taxiway.aws.template import regions
from taxiway.aws.template.cloudformation_types import apigatewayv2, awslambda, logs
from taxiway.aws.template.functions import DeployedFunction
from taxiway.aws.template.stack_template import URL_SUFFIX, Resource, Scope, Value, joined, wait_for
from taxiway.declare import Authorizer, Backend, Cors, HttpApi, JwtAuthorizer, LambdaAuthorizer, Route, Throttle, names
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

    resource: Resource
    permission: Resource | None


class Api:
    """The API and its stage `$default`. Add the routes, then `complete` it."""

    def __init__(self, scope: Scope, declared: HttpApi, backend: Backend, stage: BackendStage) -> None:
        self.name = names.stack(backend, stage)
        self._backend = backend
        self._stage = stage
        self.declared = declared
        self._api = scope.add(
            apigatewayv2.Api,
            "Api",
            Name=self.name,
            ProtocolType="HTTP",
            # IPv4 and IPv6: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-ip-address-type.html
            IpAddressType="dualstack",
            Description=f"{backend.name}, {stage.name}",
            CorsConfiguration=_cors(declared.cors),
            # The domain is then the one way in; a CDN in front goes through it too.
            DisableExecuteApiEndpoint=not declared.has_default_endpoint,
        )
        self._scope = scope.within("Routes")
        self._authorizers: dict[str, _MadeAuthorizer] = {}
        self._routes: list[Resource] = []
        self._deployment = self._add_stage(scope)

    @property
    def id(self) -> Value:
        return self._api.ref()

    @property
    def _host(self) -> tuple[Value, ...]:
        return self.id, f".execute-api.{self._stage.region}.", URL_SUFFIX

    def wait_for(self, cdn: Resource) -> None:
        """Change nothing of the API, its own address's end above all, before the CDN is through."""
        wait_for(self._api, cdn)

    @property
    def stage_name(self) -> Value:
        return self._deployment.ref()

    @property
    def host(self) -> Value:
        return joined(*self._host)

    @property
    def url(self) -> Value:
        return joined("https://", *self._host)

    def add_route(self, declared: Route, function: DeployedFunction) -> None:
        authorizer = declared.shared_authorizer and self._authorizer(declared.shared_authorizer)
        is_token = isinstance(declared.authorizer, JwtAuthorizer)
        # Without the names of parameters: one with another name is the same route, changed. A new one would be made
        # before the old is deleted, which API Gateway refuses: https://github.com/serverless/serverless/issues/3785
        identifier = declared.shape
        route = self._scope.add(
            apigatewayv2.Route,
            identifier,
            after=[authorizer.permission] if authorizer and authorizer.permission else [],
            ApiId=self.id,
            RouteKey=declared.key,
            Target=joined("integrations/", self._integration(identifier, declared, function)),
            AuthorizationType="NONE" if authorizer is None else "JWT" if is_token else "CUSTOM",
            AuthorizerId=authorizer.resource.ref() if authorizer else None,
            AuthorizationScopes=list(declared.authorizer.scopes) or None
            if isinstance(declared.authorizer, JwtAuthorizer)
            else None,
        )
        self._routes.append(route)

    def complete(self) -> None:
        """A stage's throttle of a route needs the route to be there."""
        if self._throttled:
            wait_for(self._deployment, *self._routes)

    def _integration(self, identifier: str, route: Route, function: DeployedFunction) -> Value:
        if route.cache is None:
            return function.integration(self.id)
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
        kept = {"Destination": "overwrite:header.cache-control", "Source": f"public, max-age={route.cache}"}
        return function.integrate(
            self.id,
            self._scope,
            f"{identifier} integration",
            ResponseParameters={"200": {"ResponseParameters": [kept]}},
        ).ref()

    def _authorizer(self, declared: Authorizer) -> _MadeAuthorizer:
        """The authorizer, called by what it is: one that is another is made beside it, and none becomes another.

        Numbered, two could be exchanged in place, and routes would let in who is let in by the other meanwhile.
        """
        mark = sha256(json.dumps(asdict(declared), sort_keys=True).encode()).hexdigest()[:12]
        if mark not in self._authorizers:
            is_token = isinstance(declared, JwtAuthorizer)
            self._authorizers[mark] = self._add_jwt(declared, mark) if is_token else self._add_asked(declared, mark)
        return self._authorizers[mark]

    def _add_jwt(self, declared: JwtAuthorizer, mark: str) -> _MadeAuthorizer:
        made = self._scope.add(
            apigatewayv2.Authorizer,
            f"Authorizer{mark}",
            ApiId=self.id,
            Name=f"jwt-{mark}",
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={"Issuer": declared.issuer, "Audience": list(declared.audience)},
        )
        return _MadeAuthorizer(made, None)

    def _add_asked(self, declared: LambdaAuthorizer, mark: str) -> _MadeAuthorizer:
        # The region is the function's: https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
        _, partition, _, region, *_ = declared.arn.split(":")
        invoke = f"lambda:path/2015-03-31/functions/{declared.arn}/invocations"
        made = self._scope.add(
            apigatewayv2.Authorizer,
            f"Authorizer{mark}",
            ApiId=self.id,
            Name=f"lambda-{mark}",
            AuthorizerType="REQUEST",
            AuthorizerUri=f"arn:{partition}:apigateway:{region}:{invoke}",
            AuthorizerPayloadFormatVersion="2.0",
            EnableSimpleResponses=True,
            IdentitySource=list(declared.cache_key) or None,
            AuthorizerResultTtlInSeconds=declared.ttl,
        )
        if not regions.in_reach(declared.arn, self._stage):
            return _MadeAuthorizer(made, None)
        asking = (names.arn(self._stage, "execute-api", ""), self.id, "/authorizers/", made.ref())
        permission = self._scope.add(
            awslambda.Permission,
            f"Authorizer{mark} permission",
            Action="lambda:InvokeFunction",
            FunctionName=declared.arn,
            Principal="apigateway.amazonaws.com",
            SourceArn=joined(*asking),
        )
        return _MadeAuthorizer(made, permission)

    def _add_stage(self, scope: Scope) -> Resource:
        log = scope.add(
            logs.LogGroup,
            "AccessLog",
            kept=False,
            LogGroupName=names.access_log(self._backend, self._stage),
            RetentionInDays=self._backend.operations.log_days_of(self._stage),
        )
        throttle = self.declared.throttle
        return scope.add(
            apigatewayv2.Stage,
            "Stage",
            ApiId=self.id,
            StageName="$default",
            AutoDeploy=True,
            AccessLogSettings={"DestinationArn": log.get_att("Arn"), "Format": json.dumps(_ACCESS_LOG)},
            DefaultRouteSettings=_route_settings(throttle) if throttle else None,
            RouteSettings={route.key: _route_settings(route.throttle) for route in self._throttled} or None,
        )

    @property
    def _throttled(self) -> list[Route]:
        """The routes with a throttle of their own."""
        return [route for route in self.declared.routes if route.throttle != self.declared.throttle]


def _route_settings(throttle: Throttle | None) -> dict[str, float]:
    chosen = throttle or _NO_THROTTLE
    return {"ThrottlingRateLimit": chosen.rate, "ThrottlingBurstLimit": chosen.burst}


def _cors(cors: Cors | None) -> dict[str, Any] | None:
    return cors and {
        "AllowOrigins": list(cors.origins),
        "AllowMethods": list(cors.methods),
        "AllowHeaders": list(cors.headers),
        "ExposeHeaders": list(cors.expose) or None,
        "MaxAge": cors.max_age,
        "AllowCredentials": cors.credentials or None,
    }
