"""Amazon SES behind the gate: mail is captured as files, and sent to nobody.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and, of its first version,
https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html and API_SendRawEmail.html.
"""

import os
import uuid
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct, field

from taxiway.local.gate.call import Call, RefusalError
from taxiway.local.http1 import Response

_PATH = "/v2/email/outbound-emails"
_NAMESPACE = "http://ses.amazonaws.com/doc/2010-12-01/"
_ACTIONS = ("SendEmail", "SendRawEmail")


class _Text(Struct, rename="pascal"):
    data: str = ""


class _Body(Struct, rename="pascal"):
    text: _Text | None = None
    html: _Text | None = None


class _Attachment(Struct, rename="pascal"):
    raw_content: str
    file_name: str
    content_type: str = "application/octet-stream"


class _Simple(Struct, rename="pascal"):
    subject: _Text
    body: _Body
    attachments: list[_Attachment] = []


class _Raw(Struct, rename="pascal"):
    data: str


class _Template(Struct, rename="pascal"):
    template_name: str = ""
    template_data: str = ""


class _Content(Struct, rename="pascal"):
    simple: _Simple | None = None
    raw: _Raw | None = None
    template: _Template | None = None


class _Destination(Struct, rename="pascal"):
    to_addresses: list[str] = []
    cc_addresses: list[str] = []
    bcc_addresses: list[str] = []


class _SendEmail(Struct, rename="pascal"):
    content: _Content
    source: str = field(name="FromEmailAddress", default="")
    destination: _Destination = field(default_factory=_Destination)
    reply_to_addresses: list[str] = []


class Mail:
    """Answers SendEmail of both versions of SES, and SendRawEmail of the first; any other operation is refused.

    Each message becomes a file `*.eml` of mode 600 in `directory`, and `note` reports it.
    """

    def __init__(self, directory: Path, note: Callable[[str], None]) -> None:
        self._directory = directory
        self._note = note

    async def __call__(self, call: Call) -> Response:
        """Capture a message. Raises RefusalError, with the codes of SES."""
        request = call.request
        if request.method == "POST" and request.target == _PATH:
            identifier = self._keep(_of_version_2(request.body))
            body = msgspec.json.encode({"MessageId": identifier})
            return Response(status=200, headers=[("content-type", "application/json")], body=body)
        fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        action = fields.get("Action", "")
        if action not in _ACTIONS:
            named = action or f"{request.method} {request.target}"
            raise RefusalError(
                "AccessDeniedException",
                f"{named} of SES is not available locally: only SendEmail and SendRawEmail are, and are captured.",
                xml_code="AccessDenied",
                status=403,
            )
        identifier = self._keep(_of_version_1(fields))
        told = f"<{action}Result><MessageId>{identifier}</MessageId></{action}Result>"
        told += f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        answer = f'<{action}Response xmlns="{_NAMESPACE}">{told}</{action}Response>'
        return Response(status=200, headers=[("content-type", "text/xml")], body=answer.encode())

    def _keep(self, message: EmailMessage) -> str:
        """Write a message, say so, and return its id."""
        identifier = str(uuid.uuid4())
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._directory / ".gitignore").write_text("*\n")
        path = self._directory / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{identifier[:8]}.eml"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(message.as_bytes())
        self._note(f"Captured mail to {_shown(message['to'])}: {_shown(message['subject'])}  {path}")
        return identifier


def _of_version_2(body: bytes) -> EmailMessage:
    try:
        asked = msgspec.json.decode(body, type=_SendEmail)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(str(error)) from None
    content, to = asked.content, asked.destination
    if content.raw is not None:
        return _parsed(content.raw.data, asked.source, [*to.to_addresses, *to.cc_addresses, *to.bcc_addresses])
    headers = {
        "From": asked.source,
        "To": ", ".join(to.to_addresses),
        "Cc": ", ".join(to.cc_addresses),
        "Bcc": ", ".join(to.bcc_addresses),
        "Reply-To": ", ".join(asked.reply_to_addresses),
    }
    if content.template is not None:  # which SES fills in; here its name and its data are what there is to see
        subject = f"[template {content.template.template_name}]"
        return _message(headers | {"Subject": subject}, content.template.template_data, None)
    if content.simple is None:
        raise _invalid("Content must have one of Simple, Raw and Template.")
    text, html = content.simple.body.text, content.simple.body.html
    message = _message(headers | {"Subject": content.simple.subject.data}, text and text.data, html and html.data)
    for attachment in content.simple.attachments:
        kind, _, subkind = attachment.content_type.partition("/")
        data = _decoded(attachment.raw_content)
        message.add_attachment(data, maintype=kind, subtype=subkind, filename=attachment.file_name)
    return message


def _of_version_1(fields: dict[str, str]) -> EmailMessage:
    def listed(prefix: str) -> list[str]:
        return [value for name, value in fields.items() if name.startswith(f"{prefix}.member.")]

    if fields["Action"] == "SendRawEmail":
        return _parsed(fields.get("RawMessage.Data", ""), fields.get("Source", ""), listed("Destinations"))
    headers = {
        "From": fields.get("Source", ""),
        "To": ", ".join(listed("Destination.ToAddresses")),
        "Cc": ", ".join(listed("Destination.CcAddresses")),
        "Bcc": ", ".join(listed("Destination.BccAddresses")),
        "Reply-To": ", ".join(listed("ReplyToAddresses")),
        "Subject": fields.get("Message.Subject.Data", ""),
    }
    return _message(headers, fields.get("Message.Body.Text.Data"), fields.get("Message.Body.Html.Data"))


def _message(headers: dict[str, str], text: str | None, html: str | None) -> EmailMessage:
    if not headers["From"]:
        raise _invalid("The sender's address is missing.")
    message = EmailMessage(policy.SMTPUTF8)
    try:
        for name, value in headers.items():
            if value or name == "Subject":
                message[name] = value
    except ValueError as error:
        raise _invalid(str(error)) from None
    if text is not None or html is None:
        message.set_content(text or "")
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    return message


def _parsed(data: str, source: str, destinations: Sequence[str]) -> EmailMessage:
    """A raw message as it came, with the sender and the recipients that the call names where it names none itself."""
    message = message_from_bytes(_decoded(data), policy=policy.SMTPUTF8)
    for name, value in (("From", source), ("To", ", ".join(destinations))):
        if value and message[name] is None:
            message[name] = value
    return message


def _decoded(data: str) -> bytes:
    try:
        return a2b_base64(data)
    except (Base64Error, ValueError):
        raise _invalid("The data is not valid Base64.") from None


def _invalid(problem: str) -> RefusalError:
    return RefusalError("BadRequestException", problem, xml_code="InvalidParameterValue")


def _shown(header: object) -> str:
    """A header for the terminal, without control characters."""
    return "".join(character if character.isprintable() else " " for character in str(header or "-"))
