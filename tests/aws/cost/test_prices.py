"""Prices are data: each has a source with its day, and every commercial region has prices or the nearest region's."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from taxiway.aws.cost import prices
from taxiway.aws.cost.prices import Allowance, Prices, free_tier, known_regions, prices_of

FILE: dict[str, Any] = json.loads(Path(prices.__file__).with_name("prices.json").read_text())
COMMERCIAL = boto3.Session().get_available_regions("lambda", partition_name="aws")


@pytest.mark.parametrize("region", COMMERCIAL)
def test_every_commercial_region_has_prices(region: str) -> None:
    found = prices_of(region)
    assert found.region in known_regions()
    assert found.region == region or region not in known_regions()


@pytest.mark.parametrize("place", ["cn-north-1", "us-gov-east-1", "us-iso-east-1", "eusc-de-east-1"])
def test_a_region_of_another_partition_has_none(place: str) -> None:
    with pytest.raises(LookupError, match=f"The prices of {place} are unknown"):
        prices_of(place)


@pytest.mark.parametrize("region", FILE["regions"])
def test_every_price_is_in_one_list_that_has_a_source_and_a_day(region: str) -> None:
    lists = FILE["regions"][region]
    named = [name for each in lists for name in each["usd"]]
    assert sorted(named) == sorted({field.name for field in msgspec.structs.fields(Prices)} - {"region", "sources"})
    for each in lists:
        assert each["source"].startswith("https://")
        assert re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", each["as_of"])
        if "/offers/" in each["source"]:
            assert each["source"].endswith(f"/current/{region}/index.json")
    assert len({each["source"] for each in lists}) == len(lists)
    assert prices_of(region).oldest == min(each["as_of"] for each in lists)


def test_everything_free_has_a_source_and_a_day() -> None:
    named = [name for each in FILE["free_tier"] for name in each["free"]]
    assert sorted(named) == sorted(field.name for field in msgspec.structs.fields(Allowance))
    assert all(each["source"].startswith("https://aws.amazon.com/") and each["as_of"] for each in FILE["free_tier"])
    assert all(amount > 0 for amount in msgspec.structs.asdict(free_tier()).values())


def test_the_nearest_regions_are_known() -> None:
    assert set(FILE["nearest"].values()) <= FILE["regions"].keys()
