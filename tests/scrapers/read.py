"""Reads what monitoring reads, from standard input, with the libraries of those who made the formats, and prints it as JSON.

prometheus     a page in Prometheus' text format, version 0.0.4
openmetrics    a page in OpenMetrics' text format, version 1.0.0: this parser is strict
yaml           a file of alert rules
"""

import json
import sys

import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus


def families(parse, page):
    """Each family: name, type, help, and samples as [name, labels, value]."""
    return [
        {
            "name": family.name,
            "type": family.type,
            "help": family.documentation,
            "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
        }
        for family in parse(page)
    ]


READERS = {
    "prometheus": lambda text: families(prometheus, text),
    "openmetrics": lambda text: families(openmetrics, text),
    "yaml": yaml.safe_load,
}

print(json.dumps(READERS[sys.argv[1]](sys.stdin.read())))
