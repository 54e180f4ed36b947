"""What schemathesis makes up is seldom the name of anything: in half of its requests these hooks put
in names that are there, and schemas that are some. They choose by what they are given, so that the
same seed makes the same requests."""

import json

import schemathesis

from schemathesis_choice import choose

SUBJECTS = ["orders-value", "payments-value", "money", ":.eu:orders-value", ":.eu:", ":.:", ":*:"]
MONEY = {"name": "shop.Money", "subject": "money", "version": 1}
FIELDS = [
    {"name": "order_id", "type": "string"},
    {"name": "cents", "type": "long"},
    {"name": "cents", "type": "int"},
    {"name": "note", "type": ["null", "string"], "default": None},
    {"name": "total", "type": "Money"},
]


def record(choice):
    fields = [field for bit, field in enumerate(FIELDS) if choice >> bit & 1]
    order = {"type": "record", "name": "Order", "namespace": "shop", "fields": fields}
    return {"schema": json.dumps(order), "references": [MONEY] if choice >> 4 & 1 else []}


def json_schema(choice):
    properties = {"cents": {"type": ["integer", "number", "string"][choice % 3]}}
    if choice >> 2 & 1:
        properties["total"] = {"$ref": "#/properties/cents"}
    schema = {"type": "object", "properties": properties}
    if choice >> 3 & 1:
        schema["additionalProperties"] = False
    return {"schema": json.dumps(schema), "schemaType": "JSON", "references": []}


def protobuf(choice):
    kind = ["int64", "int32", "string", "Other"][choice % 4]
    label = ["", "repeated ", "optional "][choice % 3]
    text = f'syntax = "proto3"; package shop; message Order {{ {label}{kind} cents = 1; }}'
    if choice >> 3 & 1:
        text += " message Other { string id = 1; }"
    return {"schema": text, "schemaType": "PROTOBUF", "references": []}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if path_parameters:
        choice = choose(path_parameters)
        if choice & 1:
            known = {
                "subject": SUBJECTS[(choice >> 1) % len(SUBJECTS)],
                "version": ["1", "2", "latest", "-1"][(choice >> 4) % 4],
                "id": (choice >> 6) % 4 + 1,
                "context": [".eu", "eu", "."][(choice >> 8) % 2],
            }
            for name in path_parameters.keys() & known.keys():
                path_parameters[name] = known[name]
    return path_parameters


@schemathesis.hook
def map_body(context, body):
    path = context.operation.path
    takes_schema = path.startswith(("/subjects", "/compatibility")) and not path.endswith("/tags")
    if takes_schema and isinstance(body, dict):
        choice = choose(body)
        if choice & 1:
            language = [record, record, json_schema, protobuf][(choice >> 1) % 4]
            body = {**body, **language(choice >> 3), "id": None, "version": None}
    return body
