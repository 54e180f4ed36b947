"""What schemathesis makes up is seldom the name of anything: in most of its requests these hooks put in
names that are there, and schemas that are some. They choose by what they are given, so that the same
seed makes the same requests. Nothing waits for long."""

import os

import schemathesis

from schemathesis_choice import choose

TOPICS = ["flights", "stocks", "remarks", "nowhere"]
NAMES = {
    "cluster": [os.environ["WEIR_TEST_CLUSTER"]],
    "topic": TOPICS,
    "partition": ["0", "0", "1", "7"],
    "broker": ["1", "1", "7"],
    "name": ["retention.ms", "cleanup.policy"],
    "consumer": ["nobody"],
}
# each in a group of its own: Kafka lets nobody else commit for a group that has members
READERS = [{"group": group, "instance": "gate"} for group in ["binary", "json", "avro", "text"]]
# joining takes its time, in which nobody commits
SUBSCRIBER = {"group": "subscriber", "instance": "gate"}
CLOSED = {"group": "closed", "instance": "gate"}
INSTANCES = {
    "deleteConsumer": [CLOSED],
    "subscribe": [SUBSCRIBER],
    "commitOffsets": READERS,
    "getCommittedOffsets": READERS,
}
SCHEMAS = {
    "application/vnd.kafka.avro.v2+json": '["null","string","long"]',
    "application/vnd.kafka.jsonschema.v2+json": '{"type":["string","integer","object"]}',
    "application/vnd.kafka.protobuf.v2+json": 'syntax = "proto3"; message Flight { int64 delay = 1; }',
}
WAIT_MS = 20


def soon(value):
    """Numbers of milliseconds, but few."""
    try:
        return type(value)(min(int(value), WAIT_MS))
    except (TypeError, ValueError, OverflowError):
        return value


def named(value, choice):
    """With topics that are there."""
    if isinstance(value, list):
        return [named(item, choice >> place) for place, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    found = {key: named(item, choice) for key, item in value.items()}
    for key in {"topic", "topic_name"} & found.keys():
        found[key] = TOPICS[choice % len(TOPICS)]
    return found


def consumer(body, choice):
    """What an instance is to be: with a name that is the same each time, and without what reads
    answer 500 for."""
    times = {"consumer.request.timeout.ms", "requestWaitMs"} & body.keys()
    body = {"name": f"made-{choice % 1000}", **body, **{key: soon(body[key]) for key in times}}
    if body.get("auto.offset.reset") == "none":
        body["auto.offset.reset"] = "earliest"
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = context.operation.definition.raw["operationId"]
    query = case.query or {}
    choice = choose([operation, case.path_parameters, query, case.body])
    if operation == "readRecords":
        case.query = query = {"timeout": WAIT_MS, **query}
    for name in {"timeout", "wait_ms"} & query.keys():
        query[name] = soon(query[name])
    if case.path_parameters and choice & 3:
        instances = INSTANCES.get(operation, [*READERS, SUBSCRIBER])
        known = dict(instances[(choice >> 4) % len(instances)])
        for place, (name, names) in enumerate(NAMES.items()):
            known[name] = names[(choice >> (8 + 4 * place)) % len(names)]
        for name in case.path_parameters.keys() & known.keys():
            case.path_parameters[name] = known[name]
    if isinstance(case.body, dict):
        body = named(case.body, choice >> 2) if choice >> 2 & 1 else case.body
        if operation == "createConsumer":
            body = consumer(body, choice)
        if operation == "createKafkaTopic" and choice >> 3 & 1:
            body = {"topic_name": f"made-{choice % 1000}", "partitions_count": choice % 5}
        if case.media_type in SCHEMAS and choice >> 3 & 1:
            body = {**body, "value_schema": SCHEMAS[case.media_type], "value_schema_id": None}
        case.body = body
