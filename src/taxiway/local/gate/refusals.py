"""A refusal in the protocol of the request: AWS's JSON, query, REST XML, REST JSON or CBOR, as its SDKs read them.

https://smithy.io/2.0/aws/protocols/index.html
"""

import uuid
from xml.sax.saxutils import escape

import msgspec

from taxiway.local.gate.call import RefusalError
from taxiway.local.gate.signatures import service_of
from taxiway.local.http1 import Request, Response

_REST_XML = frozenset({"s3", "s3-outposts", "s3express", "route53", "cloudfront"})
"""The services, as signatures name them, that speak REST XML."""
_QUERY_COMPATIBLE = frozenset({"sqs", "monitoring"})
"""Those whose SDKs expect the code that they had in the query protocol: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html."""
_LARGEST_SHORT = 23
"""What CBOR puts into the first byte of a length."""


def refusal(request: Request, error: RefusalError) -> Response:
    """The answer to a request that is refused."""
    content_type = request.header("content-type") or ""
    service = service_of(request)
    if request.header("smithy-protocol") == "rpc-v2-cbor" or content_type.startswith("application/cbor"):
        return _cbor(error, service)
    if request.header("x-amz-target") is not None:
        return _json(error, service, content_type)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _ec2(error) if service == "ec2" else _query(error)
    if service in _REST_XML:
        return _s3(error) if service.startswith("s3") else _query(error)
    return _rest_json(error)


def _json(error: RefusalError, service: str, content_type: str) -> Response:
    """JSON 1.0 or 1.1, as the request is."""
    body = msgspec.json.encode({"__type": f"com.amazon.coral.service#{error.code}", "message": error.message})
    headers = [("content-type", content_type or "application/x-amz-json-1.0"), *_query_error(error, service)]
    return _response(400 if error.status < 500 else error.status, headers, body)


def _query_error(error: RefusalError, service: str) -> list[tuple[str, str]]:
    return [("x-amzn-query-error", f"{error.xml_code};Sender")] if service in _QUERY_COMPATIBLE else []


def _rest_json(error: RefusalError) -> Response:
    headers = [("content-type", "application/json"), ("x-amzn-errortype", error.code)]
    return _response(error.status, headers, msgspec.json.encode({"message": error.message}))


def _query(error: RefusalError) -> Response:
    inner = f"<Type>Sender</Type><Code>{escape(error.xml_code)}</Code><Message>{escape(error.message)}</Message>"
    return _xml(error, f"<ErrorResponse><Error>{inner}</Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>")


def _ec2(error: RefusalError) -> Response:
    inner = f"<Code>{escape(error.xml_code)}</Code><Message>{escape(error.message)}</Message>"
    return _xml(
        error, f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
    )


def _s3(error: RefusalError) -> Response:
    return _xml(
        error, f"<Error><Code>{escape(error.xml_code)}</Code><Message>{escape(error.message)}</Message></Error>"
    )


def _xml(error: RefusalError, body: str) -> Response:
    headers = [("content-type", "text/xml")]
    return _response(error.status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode())


def _cbor(error: RefusalError, service: str) -> Response:
    """RFC 8949: a map of two texts."""
    headers = [
        ("content-type", "application/cbor"),
        ("smithy-protocol", "rpc-v2-cbor"),
        *_query_error(error, service),
    ]
    texts = ("__type", error.code, "message", error.message)
    return _response(400, headers, b"\xa2" + b"".join(map(_cbor_text, texts)))


def _cbor_text(text: str) -> bytes:
    encoded = text.encode()
    size = len(encoded)
    if size <= _LARGEST_SHORT:
        return bytes([0x60 + size]) + encoded
    return (b"\x78" + size.to_bytes(1) if size < 0x100 else b"\x79" + size.to_bytes(2)) + encoded


def _response(status: int, headers: list[tuple[str, str]], body: bytes) -> Response:
    return Response(status=status, headers=[*headers, ("x-amzn-requestid", str(uuid.uuid4()))], body=body)
