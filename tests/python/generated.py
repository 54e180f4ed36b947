"""A client that openapi-python-client generates from openapi/proxy.yaml, and plain requests, against
a REST proxy.

    python generated.py CONTRACT PROXY TOPIC

TOPIC exists and has one partition.
"""

import importlib
import pkgutil
import subprocess
import sys
import tempfile

import requests

contract, proxy, topic = sys.argv[1:]


def generated(folder):
    """The client's operations, by the contract's names."""
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", contract, "--meta", "none"]
    command += ["--output-path", f"{folder}/weir_proxy_client"]
    # without `ruff` on the path its files are not formatted, which it warns of
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "omitted" not in made.stdout and "not be generated" not in made.stdout, made.stdout
    sys.path.insert(0, folder)
    api = importlib.import_module("weir_proxy_client.api")
    modules = [module.name for module in pkgutil.walk_packages(api.__path__, f"{api.__name__}.")]
    return {name.rsplit(".", 1)[1]: importlib.import_module(name) for name in modules}


def with_generated_client(folder):
    operations = generated(folder)
    models = importlib.import_module("weir_proxy_client.models")
    client = importlib.import_module("weir_proxy_client").Client(base_url=proxy)
    cluster = operations["list_kafka_clusters"].sync(client=client).data[0].cluster_id
    place = {"client": client, "cluster": cluster}
    topics = operations["list_kafka_topics"].sync(**place).data
    assert topic in [found.topic_name for found in topics]
    header = {"name": "leg", "value": "U0FU"}
    entries = [
        {"id": "good", "value": {"type": "JSON", "data": {"delay": 14}}, "headers": [header]},
        {"id": "bad", "value": {"type": "BINARY", "data": "!"}},
    ]
    batch = models.ProduceBatch.from_dict({"entries": entries})
    answer = operations["produce_kafka_record_batch"].sync_detailed(topic=topic, body=batch, **place)
    assert answer.status_code == 207, answer
    produced = answer.parsed.to_dict()
    assert [entry["id"] for entry in produced["successes"]] == ["good"], produced
    assert [(entry["id"], entry["error_code"]) for entry in produced["failures"]] == [("bad", 400)]
    read = operations["read_kafka_records"].sync(topic=topic, partition=0, **place)
    record = read.data[0].to_dict()
    assert record["value"] == {"type": "BINARY", "data": "eyJkZWxheSI6MTR9"}, record
    assert record["headers"] == [header], record


def with_requests():
    session = requests.Session()
    answer = session.post(f"{proxy}/topics/{topic}", json={"records": [{"value": {"delay": -3}}]})
    assert answer.status_code == 200 and answer.json()["offsets"][0]["offset"] == 1, answer.text
    settings = {"name": "requests", "format": "json", "auto.offset.reset": "earliest"}
    base = session.post(f"{proxy}/consumers/{topic}", json=settings).json()["base_uri"]
    partitions = {"partitions": [{"topic": topic, "partition": 0}]}
    assert session.post(f"{base}/assignments", json=partitions).status_code == 204
    values = []
    while len(values) < 2:
        answer = session.get(f"{base}/records", params={"timeout": 5000})
        assert answer.status_code == 200, answer.text
        values += [record["value"] for record in answer.json()]
    assert values == [{"delay": 14}, {"delay": -3}], values
    assert session.post(f"{base}/offsets").json() == []
    committed = session.get(f"{base}/offsets", params={"topic": topic}).json()["offsets"]
    assert [found["offset"] for found in committed] == [2], committed
    assert session.delete(base).status_code == 204


with tempfile.TemporaryDirectory() as folder:
    with_generated_client(folder)
with_requests()
print("ok")
