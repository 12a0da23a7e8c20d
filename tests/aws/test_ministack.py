"""What the tests start of MiniStack can be reached from this machine alone."""

import json
import urllib.request
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from tests.aws import ministack


@pytest.mark.synth
def test_ministack_listens_on_loopback_alone(tmp_path: Path) -> None:
    with ministack.serve(tmp_path / "ministack.log") as endpoint:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=10) as answer:
            assert json.load(answer)["iot_mtls"] == "disabled"  # else it begins to listen somewhat later
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = {
            connection.laddr
            for process in processes
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
    assert urlsplit(endpoint).port in {address.port for address in listening}
    assert [address for address in listening if not ip_address(address.ip).is_loopback] == []
