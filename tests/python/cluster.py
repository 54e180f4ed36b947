"""Serializers and the registry client of confluent-kafka, against nodes behind a balancer of which one
dies: what was answered is there, and an answer comes after a try or two.

    cluster.py URL ROUNDS

Says `round N` after each; the caller kills a node meanwhile.
"""

import sys
import time

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

TRIES = 10


def patiently(ask):
    """What an application does when its registry is away for a moment."""
    for left in reversed(range(TRIES)):
        try:
            return ask()
        except Exception as error:  # of the connection, or a 5xx
            if left == 0 or 400 <= getattr(error, "http_status_code", 500) < 500:
                raise
            global failures
            failures += 1
            time.sleep(0.1)


def main(url, rounds):
    ids = {}
    for number in range(rounds):
        # a client of its own each round: the next connection is to the next node
        client = SchemaRegistryClient({"url": url, "max.retries": 0})
        topic, name = f"flights{number % 7}", f"Flight{number}"
        text = f'{{"type":"record","name":"{name}","fields":[{{"name":"origin","type":"string"}}]}}'
        subject = f"{topic}-{number}-value"
        ids[name] = (patiently(lambda: client.register_schema(subject, Schema(text, "AVRO"))), text)
        latest = patiently(lambda: client.get_latest_version(subject))
        assert latest.version == 1 and latest.schema_id == ids[name][0], latest
        serializer = AvroSerializer(client, text)
        context = SerializationContext(f"{topic}-{number}", MessageField.VALUE)
        data = patiently(lambda: serializer({"origin": name}, context))
        other = SchemaRegistryClient({"url": url, "max.retries": 0})
        read = patiently(lambda: AvroDeserializer(other)(data, context))
        assert read == {"origin": name}, read
        print(f"round {number}", flush=True)
    assert len({id for id, _ in ids.values()}) == rounds, "no id twice"
    for name, (id, text) in ids.items():
        client = SchemaRegistryClient({"url": url, "max.retries": 0})
        found = patiently(lambda: client.get_schema(id)).schema_str
        assert f'"{name}"' in found, (name, id, found)
    print(f"failures {failures}", flush=True)


failures = 0
main(sys.argv[1], int(sys.argv[2]))
