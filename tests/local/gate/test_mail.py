"""Mail behind the gate: captured for both versions of SES, with boto3 as their client."""

import stat
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.local.gate.gating import Gating, client

from taxiway.local.gate.mail import Mail

RAW = b"From: shop@example.com\r\nTo: you@example.com\r\nSubject: Raw\r\n\r\nAs it is\r\n"


class Captured:
    """A gate that captures mail, and what it has captured."""

    def __init__(self, gating: Gating, directory: Path, notes: list[str]) -> None:
        self.notes = notes
        self._directory = directory
        self.credentials = gating.admit().credentials
        self.v1 = client("ses", gating.url, self.credentials)
        self.v2 = client("sesv2", gating.url, self.credentials)

    @property
    def only(self):
        (path,) = self._directory.glob("*.eml")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(self._directory.stat().st_mode) == 0o700
        return message_from_bytes(path.read_bytes(), policy=policy.default)


@pytest.fixture
def captured(tmp_path: Path):
    notes: list[str] = []
    with Gating({"ses": Mail(tmp_path / "mail", notes.append)}) as gating:
        yield Captured(gating, tmp_path / "mail", notes)


def test_a_message_of_version_2_is_a_file_and_a_line_on_the_terminal(captured: Captured) -> None:
    answer = captured.v2.send_email(
        FromEmailAddress="Shöp <shop@example.com>",
        Destination={"ToAddresses": ["you@example.com", "me@example.com"], "CcAddresses": ["cc@example.com"]},
        ReplyToAddresses=["reply@example.com"],
        Content={
            "Simple": {
                "Subject": {"Data": "Grüße"},
                "Body": {"Text": {"Data": "Hello ☃"}, "Html": {"Data": "<p>Hello ☃</p>"}},
                "Attachments": [{"RawContent": b"%PDF\x00", "FileName": "a.pdf", "ContentType": "application/pdf"}],
            }
        },
    )
    assert answer["MessageId"]
    message = captured.only
    assert (message["subject"], message["to"]) == ("Grüße", "you@example.com, me@example.com")
    assert message["from"] == "Shöp <shop@example.com>"
    assert (message["cc"], message["reply-to"]) == ("cc@example.com", "reply@example.com")
    assert message.get_body(("plain",)).get_content().strip() == "Hello ☃"
    assert message.get_body(("html",)).get_content().strip() == "<p>Hello ☃</p>"
    assert [each.get_content() for each in message.iter_attachments()] == [b"%PDF\x00"]
    (note,) = captured.notes
    assert "you@example.com, me@example.com: Grüße" in note
    assert note.endswith(".eml")


def test_a_message_of_version_1_is_the_same(captured: Captured) -> None:
    answer = captured.v1.send_email(
        Source="shop@example.com",
        Destination={"ToAddresses": ["you@example.com"], "BccAddresses": ["secret@example.com"]},
        Message={"Subject": {"Data": "Hi & bye"}, "Body": {"Html": {"Data": "<b>1+1=2</b>"}}},
    )
    assert answer["MessageId"]
    message = captured.only
    assert (message["subject"], message["to"], message["bcc"]) == ("Hi & bye", "you@example.com", "secret@example.com")
    assert message.get_body(("html",)).get_content().strip() == "<b>1+1=2</b>"


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_raw_message_is_kept_as_it_is(captured: Captured, version: str) -> None:
    if version == "1":
        captured.v1.send_raw_email(RawMessage={"Data": RAW})
    else:
        captured.v2.send_email(Content={"Raw": {"Data": RAW}})
    message = captured.only
    assert (message["from"], message["to"], message["subject"]) == ("shop@example.com", "you@example.com", "Raw")
    assert message.get_content().strip() == "As it is"


def test_a_template_shows_its_name_and_its_data(captured: Captured) -> None:
    template = {"TemplateName": "welcome", "TemplateData": '{"name": "you"}'}
    captured.v2.send_email(FromEmailAddress="a@example.com", Content={"Template": template})
    assert captured.only["subject"] == "[template welcome]"
    assert captured.only.get_content().strip() == '{"name": "you"}'


@pytest.mark.parametrize("subject", ["two\nlines", "Bcc:\r\nBcc: x@example.com"])
def test_a_header_with_a_line_break_is_refused(captured: Captured, subject: str) -> None:
    body = {"Text": {"Data": "x"}}
    with pytest.raises(ClientError) as caught:
        captured.v2.send_email(
            FromEmailAddress="a@example.com", Content={"Simple": {"Subject": {"Data": subject}, "Body": body}}
        )
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
    with pytest.raises(ClientError) as caught:
        captured.v1.send_email(
            Source="a@example.com", Destination={}, Message={"Subject": {"Data": subject}, "Body": body}
        )
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert captured.notes == []


def test_no_control_character_of_a_message_reaches_the_terminal(captured: Captured) -> None:
    body = {"Text": {"Data": "x"}}
    captured.v2.send_email(
        FromEmailAddress="a@example.com", Content={"Simple": {"Subject": {"Data": "a\x1b[2Jb"}, "Body": body}}
    )
    assert captured.notes[0].isprintable()


def test_what_else_ses_does_is_refused_by_name(captured: Captured) -> None:
    for call in (captured.v1.list_identities, captured.v2.list_email_identities):
        with pytest.raises(ClientError, match="is not available locally") as caught:
            call()
        assert caught.value.response["Error"]["Code"].startswith("AccessDenied")
