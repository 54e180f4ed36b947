"""Ways to log in.

logins.py REGISTRY, with lines of JSON to read: the client's settings, and the status of a refusal that they come to, or null.
"""

import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

ORDER = Schema('{"type":"record","name":"Order","fields":[]}', "AVRO")


def status(call, *args):
    """None, or the status and the error code of what is refused."""
    try:
        call(*args)
    except SchemaRegistryError as error:
        return error.http_status_code, error.error_code
    return None


for line in sys.stdin:
    settings, refused = json.loads(line)
    client = SchemaRegistryClient({"url": sys.argv[1], "max.retries": 0, **settings})
    found = status(client.register_schema, "orders-value", ORDER)
    if refused is None:
        assert found is None, (settings, found)
        assert client.get_latest_version("orders-value").schema_id > 0
        assert "payments-value" not in client.get_subjects()
        denied = status(client.register_schema, "payments-value", ORDER)
        assert denied == (403, 40301), (settings, denied)
    else:
        assert found == (refused, refused), (settings, found)
