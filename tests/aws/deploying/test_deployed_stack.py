"""After a deployment the CDN's cache is invalidated: boto3's own requests, to a server that answers as AWS does."""

import re
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import boto3
import pytest

from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.deployed_stack import invalidate

RESOURCES = """<ListStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
<ListStackResourcesResult><StackResourceSummaries>
<member><LogicalResourceId>Table</LogicalResourceId><PhysicalResourceId>shop-prod</PhysicalResourceId>
<ResourceType>AWS::DynamoDB::Table</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>
<member><LogicalResourceId>Cdn</LogicalResourceId><PhysicalResourceId>EDFDVBD6EXAMPLE</PhysicalResourceId>
<ResourceType>AWS::CloudFront::Distribution</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>
</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>"""

# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
INVALIDATION = """<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I2J0I21PCUYOIK</Id>
<Status>InProgress</Status><CreateTime>2026-01-01T00:00:00Z</CreateTime><InvalidationBatch><Paths><Quantity>1</Quantity>
<Items><Path>/*</Path></Items></Paths><CallerReference>taxiway-1</CallerReference></InvalidationBatch></Invalidation>"""


@pytest.fixture
def aws() -> Generator[tuple[str, list[tuple[str, str]]]]:
    """A URL, and the requests that came to it: each a path and a body."""
    requests: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            requests.append((self.path, body))
            is_invalidation = self.path.endswith("/invalidation")
            answer = (INVALIDATION if is_invalidation else RESOURCES).encode()
            self.send_response(201 if is_invalidation else 200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requests
        finally:
            server.shutdown()
            thread.join()


def test_the_cdn_of_a_stack_forgets_everything(
    aws: tuple[str, list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, requests = aws
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1")
    said: list[str] = []
    invalidate(Account("111122223333", "eu-west-1", "arn:aws:iam::111122223333:user/ann", session), "shop", said.append)

    (_, listed), (path, body) = requests
    assert "Action=ListStackResources" in listed
    assert path == "/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation"
    assert re.search(r"<Quantity>1</Quantity><Items><Path>/\*</Path></Items>", body)
    assert said == ["Invalidating the CDN's cache, which takes about a minute."]
