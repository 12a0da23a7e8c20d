"""A small HTTP/1.1 server for loopback: the gateway, the Lambda Runtime API and the gate speak it.

docs/decisions/0003 says why no larger server stands here.
"""

from taxiway.local.http1.connection import Admission
from taxiway.local.http1.message import Handler, Headers, Request, Response
from taxiway.local.http1.server import HttpServer

__all__ = ["Admission", "Handler", "Headers", "HttpServer", "Request", "Response"]
