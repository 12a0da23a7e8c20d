"""What a process prints is cut into lines, and read at a pace that leaves time for the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.local.output import Lines, Share


@given(chunks=st.lists(st.binary(max_size=8) | st.sampled_from([b"\n", b"\r\n", "é".encode()])))
def test_lines_are_those_of_the_whole_stream(chunks: list[bytes]) -> None:
    lines = Lines()
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    found += lines.end()
    *whole, rest = b"".join(chunks).split(b"\n")
    expected = [line.removesuffix(b"\r") for line in whole] + ([rest] if rest else [])
    assert found == [line.decode(errors="backslashreplace") for line in expected]


def test_after_output_came_four_times_as_long_is_left_to_others() -> None:
    assert Share().spend(1.0) == pytest.approx(4.0, abs=0.5)


def test_those_that_print_at_once_share_the_time_that_output_may_take() -> None:
    share = Share()
    assert [round(share.spend(10.0), -1) for _ in range(3)] == [40.0, 80.0, 120.0]
