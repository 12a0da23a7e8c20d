"""The HTTP API of AWS's Parameters and Secrets Lambda Extension, answered from the laptop's secret store.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import msgspec

from taxiway.declare.stage import LOCAL_ACCOUNT, LOCAL_REGION
from taxiway.local.callers import outsider
from taxiway.local.http1 import HttpServer, Request, Response
from taxiway.local.secret_store import SecretStore, SecretStoreError, SecretVersion

Grants: TypeAlias = Callable[[str], tuple[str, Collection[str]] | None]
"""Takes a session token; gives the name of its function and the ids it may read, or None where it is nobody's."""

_NO_VALUE = "Secrets Manager can't find the specified secret value for"


class SecretExtension:
    """Answers `GET /secretsmanager/get?secretId=…` to the functions whose session tokens `grants` knows.

    AWS runs one extension beside each function. Here one serves them all, and the token, which on AWS only keeps other
    processes out, also says which function asks. What Secrets Manager refuses comes as status 400 with its own
    `__type` and message. AWS doesn't document the body of a 401, nor that of other mistakes; those are in our words.
    """

    def __init__(
        self, store: SecretStore, grants: Grants, *, region: str = LOCAL_REGION, account: str = LOCAL_ACCOUNT
    ) -> None:
        self._store = store
        self._grants = grants
        self._prefix = f"arn:aws:secretsmanager:{region}:{account}:secret:"
        self._server = HttpServer(self._answer, max_body=0)
        self._port = 0

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1; 0 takes a free port. Returns the port. Raises OSError where the port is taken."""
        self._port = await self._server.start(port=port)
        return self._port

    async def close(self) -> None:
        await self._server.close()

    async def _answer(self, request: Request) -> Response:
        reason = outsider(request, self._port)
        if reason is not None:
            return _text(403, reason)
        url = urlsplit(request.target)
        token = request.header("x-aws-parameters-secrets-token")
        caller = self._grants(token) if token else None
        if caller is None:
            return _text(401, "X-Aws-Parameters-Secrets-Token must be the function's AWS_SESSION_TOKEN")
        path = url.path.rstrip("/")
        if path == "/systemsmanager/parameters/get":
            return _text(400, "the laptop has no Parameter Store; keep the value in a secret, or in the environment")
        if path != "/secretsmanager/get":
            return _text(404, "404 page not found")
        if request.method != "GET":
            return _text(405, "only GET is answered here")
        return self._secret(*caller, parse_qs(url.query))

    def _secret(self, function: str, granted: Collection[str], query: dict[str, list[str]]) -> Response:
        def parameter(name: str) -> str | None:
            return next(iter(query.get(name, ())), None)

        asked, version_id = parameter("secretId"), parameter("versionId")
        stage = parameter("versionStage") or "AWSCURRENT"
        if asked is None:
            return _text(400, "the query parameter secretId is missing")
        secret_id = next((name for name in granted if asked in (name, self._arn(name))), None)
        if secret_id is None:
            return _refuse(
                "AccessDeniedException",
                f"The function {function} is not authorized to perform: secretsmanager:GetSecretValue on resource: "
                f"{asked} because no identity-based policy allows the secretsmanager:GetSecretValue action",
            )
        try:
            version = self._store.get(secret_id)
        except SecretStoreError as error:
            return _refuse("InternalServiceError", str(error), status=500)
        if version is None:
            return _refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        if version_id not in (None, version.version_id):
            return _refuse("ResourceNotFoundException", f"{_NO_VALUE} VersionId: {version_id}")
        if stage != "AWSCURRENT":
            return _refuse("ResourceNotFoundException", f"{_NO_VALUE} staging label: {stage}")
        return self._value(secret_id, version)

    def _value(self, secret_id: str, version: SecretVersion) -> Response:
        created = datetime.fromtimestamp(version.created, UTC)
        body: dict[str, object] = {
            "ARN": self._arn(secret_id),
            "CreatedDate": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "Name": secret_id,
            "SecretBinary": None,
            "SecretString": version.secret_string,
            "VersionId": version.version_id,
            "VersionStages": ["AWSCURRENT"],
            "ResultMetadata": {},
        }
        return _json(200, body)

    def _arn(self, secret_id: str) -> str:
        """The secret's ARN, which ends, as on AWS, in six characters that are not in its name."""
        if secret_id.startswith("arn:"):
            return secret_id
        return f"{self._prefix}{secret_id}-{sha256(secret_id.encode()).hexdigest()[:6]}"


def _refuse(code: str, message: str, *, status: int = 400) -> Response:
    return _json(status, {"__type": code, "Message": message})


def _json(status: int, body: object) -> Response:
    return Response(status=status, headers=[("content-type", "application/json")], body=msgspec.json.encode(body))


def _text(status: int, message: str) -> Response:
    return Response(status=status, headers=[("content-type", "text/plain; charset=utf-8")], body=message.encode())
