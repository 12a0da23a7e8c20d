"""A table gets its indexes before the code that asks them, loses them after it, and is protected last."""

import json
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import stage
from tests.aws.deploying.test_failures import CHANGE_SET, assembly_of, deploy, event
from tests.aws.documented import CloudFormation, stack, stack_id

from taxiway import Backend, Capacity, HttpApi, Index, Table
from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack, deployment, index_builds, upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.deployed_stack import Say
from taxiway.aws.deploying.deployment import Plan
from taxiway.aws.deploying.steps import Step, steps
from taxiway.aws.errors import AwsError
from taxiway.aws.template.synthesis import synthesize

CODE = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "s_f", "Code": {"S3Key": "new"}}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}
CDN = {
    "LogicalResourceId": "Cdn",
    "PhysicalResourceId": "EDFDVBD6EXAMPLE",
    "ResourceType": "AWS::CloudFront::Distribution",
    "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
    "ResourceStatus": "UPDATE_COMPLETE",
}


def scaling(name: str) -> dict[str, Any]:
    """What scales an index of the table."""
    of_index = {"ServiceNamespace": "dynamodb", "ResourceId": f"table/s/index/{name}"}
    return {
        f"Target{name}": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": of_index},
        f"Policy{name}": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {"ScalingTargetId": {"Ref": f"Target{name}"}},
        },
    }


def table(*names: str, provisioned: bool = False, **more: Any) -> dict[str, Any]:
    """A table that has these indexes."""
    paid = {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}} if provisioned else {}
    properties: dict[str, Any] = {
        "TableName": "s",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", *(f"{name}pk" for name in names))
        ],
        "BillingMode": "PROVISIONED" if provisioned else "PAY_PER_REQUEST",
        **paid,
        **more,
    }
    if names:
        properties["GlobalSecondaryIndexes"] = [
            {
                "IndexName": name,
                "KeySchema": [{"AttributeName": f"{name}pk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                **paid,
            }
            for name in names
        ]
    return {"Type": "AWS::DynamoDB::Table", "Properties": properties}


def template(of: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"Resources": {"Table": of, **more}}


def names_of(of: Mapping[str, Any]) -> list[str]:
    return [index["IndexName"] for index in of["Resources"]["Table"]["Properties"].get("GlobalSecondaryIndexes", [])]


def told(taken: Sequence[Step]) -> list[str]:
    return [step.says if step.what else step.when for step in taken]


def test_most_deployments_are_one_step() -> None:
    before, after = template(table("gsi1")), template(table("gsi1"), Function=CODE)

    assert steps(before, after) == (Step(after),)
    assert steps({}, after) == (Step(after),)  # a new table has its indexes from the start
    assert steps(after, {"Resources": {"Function": CODE}}) == (Step({"Resources": {"Function": CODE}}),)


def test_an_index_comes_before_everything_else_and_goes_after_it() -> None:
    before = template(table("gsi1", "gsi2"), Old=TOPIC)
    after = template(table("gsi1", "gsi3"), Function=CODE)
    first, rest, last = taken = steps(before, after)

    assert told(taken) == [
        "Before the rest: the index gsi3 of s is created, and waited for.",
        "the rest",
        "After the rest: the index gsi2 of s is deleted.",
    ]
    assert first.template == template(table("gsi1", "gsi2", "gsi3"), Old=TOPIC)
    assert names_of(rest.template) == ["gsi1", "gsi3", "gsi2"]
    assert set(rest.template["Resources"]) == {"Table", "Function"}
    assert last.template == after


def test_no_update_makes_or_removes_two_indexes_and_each_defines_what_its_keys_use() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html"""
    before, after = template(table("a", "b", "c")), template(table("c", "d", "e", "f"))
    taken = [before, *(step.template for step in steps(before, after))]

    assert len(taken) == 7
    for one, other in pairwise(taken):
        assert len({*names_of(one)} ^ {*names_of(other)}) <= 1
        assert {*names_of(one)} & {*names_of(other)}
    for each in taken:
        properties = each["Resources"]["Table"]["Properties"]
        defined = [one["AttributeName"] for one in properties["AttributeDefinitions"]]
        assert sorted(defined) == sorted(["pk", *(f"{name}pk" for name in names_of(each))])
    assert taken[-1] == after


@pytest.mark.parametrize("before_is", [True, False], ids=["no longer provisioned", "provisioned now"])
def test_an_index_is_paid_for_as_its_table_is_in_each_step(before_is: bool) -> None:
    before = template(table("a", provisioned=before_is))
    after = template(table("b", provisioned=not before_is))
    for step in steps(before, after):
        properties = step.template["Resources"]["Table"]["Properties"]
        for index in properties["GlobalSecondaryIndexes"]:
            assert ("ProvisionedThroughput" in index) == (properties["BillingMode"] == "PROVISIONED")


def test_an_index_is_scaled_for_as_long_as_it_is_there() -> None:
    """One with too few units throttles what is written to its table:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
    """
    before = template(table("a", provisioned=True), **scaling("a"))
    after = template(table("b", "c", provisioned=True), **scaling("b"), **scaling("c"))
    taken = [{*step.template["Resources"]} - {"Table"} for step in steps(before, after)]

    assert taken == [
        {*scaling("a")},  # b is not filled yet, and its own writes are no matter of scaling until it is
        {*scaling("a"), *scaling("b")},
        {*scaling("a"), *scaling("b"), *scaling("c")},
        {*scaling("b"), *scaling("c")},
    ]


def test_what_scales_an_index_is_found_as_it_is_rendered(tmp_path: Path) -> None:
    def synthesized(*names: str) -> dict[str, Any]:
        provisioned = Table(indexes=[Index(name) for name in names], capacity=Capacity(read=(1, 5), write=(1, 5)))
        backend = Backend("shop", api=HttpApi(), table=provisioned)
        made = synthesize(backend, stage("dev"), packages=[], directory=tmp_path / names[0])
        return json.loads(made.template.path.read_text())

    def scaled(of: Mapping[str, Any]) -> list[str]:
        """The indexes, once for each policy that is for one."""
        all_of_it = {logical: each.get("Properties", {}) for logical, each in of["Resources"].items()}
        policies = [each["ScalingTargetId"]["Ref"] for each in all_of_it.values() if "ScalingTargetId" in each]
        places = [all_of_it[target]["ResourceId"] for target in policies]
        return sorted(place.rpartition("/")[2] for place in places if "/index/" in place)

    assert [scaled(step.template) for step in steps(synthesized("gsi1"), synthesized("gsi2", "gsi3"))] == [
        ["gsi1"] * 2,
        ["gsi1"] * 2 + ["gsi2"] * 2,
        ["gsi1"] * 2 + ["gsi2"] * 2 + ["gsi3"] * 2,
        ["gsi2"] * 2 + ["gsi3"] * 2,
    ]


def test_what_is_paid_by_the_request_is_not_scaled() -> None:
    free, paid = template(table("b")), template(table("a", "b", "c", provisioned=True), **scaling("a"), **scaling("c"))
    a, c, rest = (step.template["Resources"] for step in steps(free, paid))
    assert {*a, *c} == {"Table"}
    assert {*rest} == {*paid["Resources"]}

    rest, *_ = (step.template["Resources"] for step in steps(paid, free))
    assert {*rest} == {"Table"}


@pytest.mark.parametrize("before", [{}, template(table(TableName="other"))], ids=["new", "by another name"])
def test_a_new_table_is_protected_last(before: dict[str, Any]) -> None:
    after = template(table("gsi1", DeletionProtectionEnabled=True), Function=CODE)
    rest, last = taken = steps(before, after)

    assert told(taken) == ["the rest", "After the rest: the new table s is protected against deletion."]
    assert rest.template == template(table("gsi1", DeletionProtectionEnabled=False), Function=CODE)
    assert last.template == after


def described(**indexes: str) -> dict[str, Any]:
    """The table as DescribeTable has it, with the status of each index."""
    listed = [{"IndexName": name, "IndexStatus": status} for name, status in indexes.items()]
    return {"Table": {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": listed}}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_builds, "_SOON", 0.0)


@pytest.mark.usefixtures("at_once")
def test_what_is_being_made_is_waited_for_by_name_and_what_is_not_there_is_not() -> None:
    missing = {"Error": {"Code": "ResourceNotFoundException", "Message": "Requested resource not found"}}
    updating = {"Table": {"TableStatus": "UPDATING"}}
    answers = iter([described(gsi1="ACTIVE", gsi2="CREATING"), described(gsi2="CREATING"), updating, described()])
    said: list[str] = []

    index_builds.wait(CloudFormation(DescribeTable=missing).account, ["s"], said.append)
    assert said == []
    index_builds.wait(CloudFormation(DescribeTable=lambda _: next(answers)).account, ["s"], said.append)
    assert said == [
        "  …           waiting for the index gsi2 of s (creating)",
        "  …           waiting for the table s (updating)",
        "  ready       table s",
    ]


def test_nothing_is_said_to_go_on_where_the_table_may_not_be_looked_at() -> None:
    denied = {
        "Error": {"Code": "AccessDeniedException", "Message": "not authorized to perform: dynamodb:DescribeTable"}
    }
    said: list[str] = []
    with pytest.raises(AwsError, match="DescribeTable is not allowed"), accounts.plainly():
        index_builds.wait(CloudFormation(DescribeTable=denied).account, ["s"], said.append)

    assert said == []


class Stack:
    """A stack whose updates always come through; an index is made when it was looked at twice."""

    def __init__(self, before: Mapping[str, Any]) -> None:
        self.has: Mapping[str, Any] = before
        self.asked: list[str] = []
        """What was executed, by the indexes that it leaves, and what was looked at."""
        self._put: Mapping[str, Any] = {}
        self._looks = 0
        self._comes_through = 100
        self._failure: Mapping[str, Any] = {}
        self.aws = CloudFormation(
            DescribeStacks=lambda _: stack(
                "s", "UPDATE_COMPLETE" if self._comes_through else "UPDATE_ROLLBACK_COMPLETE"
            ),
            DescribeStackEvents=lambda _: {"StackEvents": [] if self._comes_through else [self._failure]},
            GetTemplate=lambda _: {"TemplateBody": json.dumps(self.has)},
            PutObject=self._store,
            CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
            DescribeChangeSet={"Status": "CREATE_COMPLETE", "Changes": []},
            ExecuteChangeSet=self._execute,
            ListStackResources={"StackResourceSummaries": [CDN]},
            CreateInvalidation=self._invalidate,
            DescribeTable=self._describe,
        )

    def fails_after(self, updates: int, failure: Mapping[str, Any]) -> None:
        """The update after so many fails with this event."""
        self._comes_through, self._failure = updates + 1, failure

    def _store(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._put = json.load(asked["Body"])
        return {}

    def _execute(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self._comes_through -= 1
        if not self._comes_through:
            return {}
        self.has, self._looks = self._put, 0
        self.asked.append(f"deploy {' '.join(names_of(self.has))}, {len(self.has['Resources'])} resources")
        return {}

    def _invalidate(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append("the CDN forgets")
        return {}

    def _describe(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self._looks += 1
        status = "ACTIVE" if self._looks > 2 else "CREATING"
        self.asked.append(f"look: {status}")
        return described(**dict.fromkeys(names_of(self.has), status))

    def deploy(self, assembly: Any, say: Say = print) -> None:
        plan = deployment.plan(self.aws.account, assembly, say)
        assert plan is not None
        deployment.execute(self.aws.account, assembly, plan, protect=False, say=say)


@pytest.mark.usefixtures("at_once")
def test_the_code_is_deployed_once_its_index_is_there(tmp_path: Path) -> None:
    aws = Stack(template(table("gsi1")))
    aws.deploy(assembly_of(tmp_path, "s", template(table("gsi2"), Function=CODE)["Resources"]))

    creating = ["look: CREATING", "look: CREATING", "look: ACTIVE"]
    assert aws.asked == [
        *creating,  # what a deployment before this one left unfinished
        "look: ACTIVE",  # at whether it is there already
        "deploy gsi1 gsi2, 1 resources",
        *creating,
        "deploy gsi2 gsi1, 2 resources",
        "the CDN forgets",  # what goes then takes minutes
        *creating,
        "deploy gsi2, 2 resources",
    ]


@pytest.mark.usefixtures("at_once")
def test_a_deployment_that_ends_while_an_index_is_made_is_taken_up_by_the_next(tmp_path: Path) -> None:
    aws = Stack(template(table()))
    assembly = assembly_of(tmp_path, "s", template(table("gsi1"), Function=CODE)["Resources"])
    said: list[str] = []

    def interrupted(line: str) -> None:
        said.append(line)
        if "waiting for the index gsi1" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        aws.deploy(assembly, interrupted)
    assert said[-1] == "DynamoDB continues with s; deploy again to wait for it and to finish the deployment."
    assert set(aws.has["Resources"]) == {"Table"}

    aws.deploy(assembly)
    assert aws.asked[-4:] == ["look: CREATING", "look: ACTIVE", "deploy gsi1, 2 resources", "the CDN forgets"]


@pytest.mark.usefixtures("at_once")
def test_what_somebody_else_deployed_between_two_steps_is_not_taken_back(tmp_path: Path) -> None:
    aws = Stack(template(table()))

    def meddled(line: str) -> None:
        if "waiting for the index gsi1" in line:
            aws.has = template(table("gsi1"), Theirs=TOPIC)

    with pytest.raises(AwsError, match="Somebody else deployed this stage meanwhile"):
        aws.deploy(assembly_of(tmp_path, "s", template(table("gsi1"))["Resources"] | {"Function": CODE}), meddled)
    assert aws.has == template(table("gsi1"), Theirs=TOPIC)


@pytest.mark.usefixtures("at_once")
def test_an_index_that_can_not_be_made_leaves_the_stage_as_it_was(tmp_path: Path) -> None:
    refused = event("Table", "AWS::DynamoDB::Table", "UPDATE_FAILED", "Subscriber limit exceeded", of="s")
    begun: list[bool] = []
    before, after = template(table()), template(table("gsi1"), Function=CODE)
    aws = CloudFormation(
        DescribeStacks=stack("s", "UPDATE_ROLLBACK_COMPLETE"),
        DescribeStackEvents=lambda _: {"StackEvents": [refused] if begun else []},
        GetTemplate={"TemplateBody": json.dumps(before)},
        CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
        DescribeChangeSet={"Status": "CREATE_COMPLETE", "Changes": []},
        DescribeTable=described(),
        ExecuteChangeSet=lambda _: begun.append(True) or {},
    )
    plan = Plan(CHANGE_SET, stack_id("s"), False, before, steps(before, after), (), {"Table": "s"})
    with pytest.raises(AwsError) as failed:
        deployment.execute(aws.account, assembly_of(tmp_path, "s", after["Resources"]), plan, protect=False, say=print)

    assert "the stage is as it was before" in failed.value.problem
    assert "table s: Subscriber limit exceeded" in failed.value.problem
    assert len(begun) == 1


@pytest.mark.usefixtures("at_once")
def test_a_failure_after_an_index_was_made_says_that_the_index_stays(tmp_path: Path) -> None:
    aws = Stack(template(table()))
    refused = event("Function", "AWS::Lambda::Function", "CREATE_FAILED", "Code is too large", of="s")
    aws.fails_after(1, refused)
    with pytest.raises(AwsError) as failed:
        aws.deploy(assembly_of(tmp_path, "s", template(table("gsi1"), Function=CODE)["Resources"]))

    assert failed.value.problem == (
        "The deployment failed; the stage is as it was before, except for earlier steps: the index gsi1 of s is "
        "created, and waited for.\n\n  function s_f: Code is too large\n"
    )


def test_letters_beyond_ascii_are_sent_as_getting_the_template_gives_them_back(tmp_path: Path) -> None:
    """GetTemplate has a question mark for each of them, where they are not escaped:
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814
    """
    bodies: list[bytes] = []

    def get(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        assert asked["TemplateStage"] == "Original"
        return {"TemplateBody": bodies[-1].decode("ascii", errors="replace").replace("\ufffd", "?")}

    aws = CloudFormation(PutObject=lambda asked: bodies.append(asked["Body"].read()) or {}, GetTemplate=get)
    named = template(table(), Function={**CODE, "Properties": {"Description": "Größe 請 🛫"}})
    upload.put_template(aws.account, assembly_of(tmp_path, "s", {}), named)

    assert deployed_stack.template(aws.account.client("cloudformation"), "s") == named


@pytest.mark.usefixtures("at_once")
def test_an_index_that_a_cancelled_update_left_is_named_with_what_deletes_it(tmp_path: Path) -> None:
    """It stays, as AWS says, and CloudFormation can't make it again."""
    begun: list[bool] = []
    before, after = template(table()), template(table("gsi1"), Function=CODE)
    aws = CloudFormation(
        GetTemplate={"TemplateBody": json.dumps(before)},
        DescribeTable=described(gsi1="ACTIVE"),
        ExecuteChangeSet=lambda _: begun.append(True) or {},
    )
    plan = Plan(CHANGE_SET, stack_id("s"), False, before, steps(before, after), (), {"Table": "s"})
    with pytest.raises(AwsError, match="The table s has an index gsi1 that is not part of its stack") as refused:
        deployment.execute(aws.account, assembly_of(tmp_path, "s", after["Resources"]), plan, protect=False, say=print)

    command = shlex.split(refused.value.fix.partition(": ")[2])
    assert command[:3] == ["aws", "dynamodb", "update-table"]
    assert json.loads(command[-1]) == [{"Delete": {"IndexName": "gsi1"}}]
    assert begun == []


@pytest.mark.synth
def test_ministack_goes_through_the_same_steps(account: Account, tmp_path: Path) -> None:
    def found() -> set[str]:
        listed = account.client("dynamodb").describe_table(TableName="s")["Table"].get("GlobalSecondaryIndexes", [])
        return {index["IndexName"] for index in listed}

    said: list[str] = []
    deploy(account, tmp_path, "indexed", template(table("gsi1"))["Resources"], said.append)
    said.clear()
    deploy(account, tmp_path, "indexed", template(table("gsi2", "gsi3"), Topic=TOPIC)["Resources"], said.append)

    before, after = (
        said.index(line) for line in said if line.endswith(("gsi3 of s is created, and waited for.", "deleted."))
    )
    assert [line for line in said if "the rest" in line] == [
        "Before the rest: the index gsi2 of s is created, and waited for.",
        "Before the rest: the index gsi3 of s is created, and waited for.",
        "After the rest: the index gsi1 of s is deleted.",
    ]
    assert before < said.index("  updated     topic news") < after  # as MiniStack calls what it makes in an update
    assert found() == {"gsi2", "gsi3"}
