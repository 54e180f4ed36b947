"""Reads scrapes back with Prometheus' own client for Python, and compares them with the list of all metrics.

Input, as JSON: `documented`, by name: type, unit and labels; `scrapes`: a name, the text format and OpenMetrics of each;
`without_samples`: families that may be exposed without a sample.
"""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_format

ENDINGS = ("_bucket", "_sum", "_count")


def read(parse, text):
    """The families, and of each series its name and labels."""
    families = list(parse(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), f"twice: {[n for n in names if names.count(n) > 1]}"
    series = [(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples]
    assert len(series) == len(set(series)), "a series is there twice"
    return families, series


def declared_as(family):
    return family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")


def main():
    given = json.load(sys.stdin)
    documented = given["documented"]
    exposed, sampled = set(), set()
    for scrape in given["scrapes"]:
        _, in_text = read(text_format, scrape["text"])
        families, in_open = read(open_metrics, scrape["openmetrics"])
        # series may have come in between
        assert set(in_text) <= set(in_open), f"{scrape['name']}: {set(in_text) - set(in_open)}"
        for family in families:
            name = declared_as(family)
            assert name in documented, f"{scrape['name']}: {name} is not documented"
            about = documented[name]
            assert family.type == about["type"], f"{name} is a {family.type}"
            assert not family.unit or family.unit == about["unit"], f"{name} is in {family.unit}"
            exposed.add(name)
            for sample in family.samples:
                labels = set(sample.labels) - ({"le"} if family.type == "histogram" else set())
                assert labels == set(about["labels"]), f"{sample.name} has labels {labels}"
                sampled.add(name)
    assert exposed == set(documented), f"nowhere exposed: {set(documented) - exposed}"
    empty = exposed - sampled - set(given["without_samples"])
    assert not empty, f"without a sample: {sorted(empty)}"


main()
