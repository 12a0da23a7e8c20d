"""One call on its way through the gate, and the refusal that can end it."""

from msgspec import Struct

from taxiway.local.gate.credentials import Caller
from taxiway.local.http1 import Request


class Call(Struct, frozen=True):
    """A request whose signature is that of a caller."""

    request: Request
    caller: Caller
    service: str
    """As the signature names it: `dynamodb`, `secretsmanager`, `ses`, …"""
    region: str

    @property
    def operation(self) -> str:
        """The operation of AWS's JSON protocols; "" in any other."""
        return (self.request.header("x-amz-target") or "").rpartition(".")[2]


class RefusalError(Exception):
    """A request that is not carried out, with AWS's code and message for the reason.

    `xml_code` is the code in the query and REST XML protocols, where it is another one. `status` is the HTTP status of
    these and of REST; the JSON protocols have 400 for what is the caller's fault.
    """

    def __init__(self, code: str, message: str, *, xml_code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.xml_code = xml_code or code
        self.status = status
