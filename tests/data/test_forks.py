"""A process made by `os.fork` has connections of its own."""

import os
import threading

from tests.data.models import Order

from taxiway.data import TableClient


def test_a_child_reads_and_writes_while_its_parent_goes_on(table: TableClient) -> None:
    table.create(Order(account="1", id="parent"))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            table.create(Order(account="1", id="child"))
            found = table.get(Order.by_id("1", "parent"), consistent=True)
            os.write(write, b"found" if found else b"nothing")
        finally:
            os._exit(0)
    os.close(write)
    guard = threading.Timer(20, os.kill, (child, 9))
    guard.start()
    table.create(Order(account="1", id="meanwhile"))
    assert os.read(read, 100) == b"found"
    os.waitpid(child, 0)
    guard.cancel()
    os.close(read)
    assert [each.id for each in table.query(Order.of_account("1")).items] == ["child", "meanwhile", "parent"]
