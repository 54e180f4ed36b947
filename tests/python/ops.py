"""What is in ops/ for containers.

The Helm chart: lint, the manifests of each set of values against Kubernetes' schemas, and the settings that they contain. The files of
docker-compose: against the schema of their specification.

python ops.py CHECK HELM WEIR     CHECK is one of the functions below: manifests, refusals, compose
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

OPS = pathlib.Path(__file__).parent.parent.parent / "ops"
CHART = OPS / "helm" / "weir"
KUBERNETES = "1.35.0"
# what Kubernetes itself does not know: its operators bring these, and their schemas
CUSTOM = {"ServiceMonitor", "PrometheusRule", "Certificate", "HTTPRoute"}


def run(*command, env=None):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


def rendered(helm, *args):
    command = [helm, "template", "rel", str(CHART), "--namespace", "kafka", "--kube-version", KUBERNETES, *args]
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def by_kind(manifests, kind):
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pod_specs(manifests):
    for manifest in manifests:
        if manifest["kind"] in ("StatefulSet", "Deployment"):
            yield manifest["spec"]["template"]["spec"]
        if manifest["kind"] == "Pod":
            yield manifest["spec"]


def check_pod(spec):
    """A pod runs without rights, has its limits, and mounts what it has."""
    assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] and context["capabilities"] == {"drop": ["ALL"]}
        assert not context["allowPrivilegeEscalation"] and "memory" in container["resources"]["limits"]
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounted <= volumes | {"data"}, mounted - volumes
        if container["args"][0] == "serve":
            probes = {kind: container[kind]["httpGet"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
            assert {probe["path"] for probe in probes.values()} == {"/startupz", "/readyz", "/healthz"}
            assert all(probe["port"] == "management" for probe in probes.values())


def environment(manifests, component):
    """The variables of a component's pod, with a word for what secrets and fields of the pod have."""
    specs = [spec for spec in pod_specs(manifests) for container in spec["containers"] if container["name"] == component]
    variables = specs[0]["containers"][0].get("env", [])
    return {variable["name"]: variable.get("value", "word") for variable in variables}


def check_settings(weir, manifests, folder):
    """Each weir.toml of the manifests is one that the binary takes, with files where the pod would have them."""
    files = pathlib.Path(folder)
    for name in ("weir-tls", "weir-users", "weir-keys", "weir-node", "weir-access"):
        (files / name).mkdir(exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=weir",
         "-keyout", files / "weir-tls/tls.key", "-out", files / "weir-tls/tls.crt"],
        check=True, stderr=subprocess.DEVNULL,
    )
    (files / "weir-tls/ca.crt").write_bytes((files / "weir-tls/tls.crt").read_bytes())
    (files / "weir-users/users").write_text("")
    (files / "weir-node/secret").write_text("0123456789abcdef0123456789abcdef\n")
    found = 0
    for manifest in by_kind(manifests, "ConfigMap"):
        for name, text in manifest["data"].items():
            if name == "access.toml":
                (files / "weir-access/access.toml").write_text(text)
    for manifest in by_kind(manifests, "ConfigMap"):
        if "weir.toml" not in manifest["data"]:
            continue
        file = files / "weir.toml"
        file.write_text(manifest["data"]["weir.toml"].replace("/etc/weir-", f"{files}/weir-"))
        component = manifest["metadata"]["labels"]["app.kubernetes.io/component"]
        done = run(weir, "config", "check", str(file), env=environment(manifests, component))
        assert done.returncode == 0, f"{manifest['metadata']['name']}: {done.stdout}{done.stderr}"
        found += 1
    assert found


def manifests(helm, weir):
    for values in sorted((CHART / "ci").glob("*.yaml")):
        lint = run(helm, "lint", "--strict", str(CHART), "--values", str(values))
        assert lint.returncode == 0, lint.stdout
        found = rendered(helm, "--values", str(values))
        for manifest in found:
            if manifest["kind"] not in CUSTOM:
                kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
            assert manifest["metadata"]["labels"]["app.kubernetes.io/instance"] == "rel"
        for spec in pod_specs(found):
            check_pod(spec)
        with tempfile.TemporaryDirectory() as folder:
            check_settings(weir, found, folder)
        kinds = {manifest["kind"] for manifest in found}
        if values.stem == "secured-values":
            assert CUSTOM | {"Ingress", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler"} <= kinds, kinds
            text = yaml.safe_dump_all(found)
            assert "WEIR_KAFKA_SASL_PASSWORD" in text and "secretKeyRef" in text
        if values.stem == "single-values":
            assert "PodDisruptionBudget" not in kinds
            [registry] = by_kind(found, "StatefulSet")
            assert registry["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "data"
        # which version of Kubernetes is old enough not to know how a container sleeps
        old = rendered(helm, "--values", str(values), "--kube-version", "1.29.0")
        assert all("lifecycle" not in container for spec in pod_specs(old) for container in spec["containers"])


def refusals(helm, _):
    """Values that cannot work are refused with what to do; names that nobody knows too."""
    for args, words in [
        ([], "kafka.bootstrapServers is needed"),
        (["--set", "registry.store=sled", "--set", "proxy.enabled=false"], "registry.replicas=1"),
        (["--set", "registry.enabled=false", "--set", "kafka.bootstrapServers=k:9092"], "proxy.schemaRegistryUrl"),
        (["--set", "registry.enabled=false", "--set", "proxy.enabled=false"], "nothing to install"),
        (["--set", "kafka.bootstrapServers=k:9092", "--set", "tls.enabled=true"], "tls.secretName"),
        (["--set", "registry.replica=3"], "replica"),
    ]:
        done = run(helm, "template", "rel", str(CHART), *args)
        assert done.returncode != 0 and re.search(re.escape(words), done.stderr), (args, done.stderr)


def compose(_helm, _weir):
    """The files are what the specification says, and what they mount is there."""
    files = [OPS / "compose" / "docker-compose.yml", OPS / "compose" / "confluent.yml"]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = run(*command, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr
    services = yaml.safe_load(files[0].read_text())["services"]
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (OPS / "compose" / source).is_file(), f"{name}: {source}"


if __name__ == "__main__":
    check, helm, weir = sys.argv[1:]
    {"manifests": manifests, "refusals": refusals, "compose": compose}[check](helm, weir)
