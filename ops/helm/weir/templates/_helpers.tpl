{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "weir.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "weir.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The name of a component: (dict "root" $ "component" "registry"). */}}
{{- define "weir.component" -}}
{{ include "weir.fullname" .root }}-{{ .component }}
{{- end }}

{{- define "weir.nodes" -}}
{{ include "weir.fullname" . }}-registry-nodes
{{- end }}

{{- define "weir.selector" -}}
app.kubernetes.io/name: {{ include "weir.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "weir.labels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "weir.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "weir.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "weir.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "weir.scheme" -}}
{{ ternary "https" "http" .Values.tls.enabled }}
{{- end }}

{{- define "weir.tlsSecret" -}}
{{ default (printf "%s-tls" (include "weir.fullname" .)) .Values.tls.secretName }}
{{- end }}

{{- define "weir.registryUrl" -}}
{{- if .Values.proxy.schemaRegistryUrl -}}
{{ .Values.proxy.schemaRegistryUrl }}
{{- else -}}
{{ include "weir.scheme" . }}://{{ include "weir.fullname" . }}-registry.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ .Values.registry.service.port }}
{{- end }}
{{- end }}

{{/* A value of TOML. Numbers of a values file come as floats, so that toToml would write 1000.0. */}}
{{- define "weir.tomlValue" -}}
{{- if kindIs "float64" . -}}
{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- else -}}
{{ toJson . }}
{{- end }}
{{- end }}

{{/* weir.toml, a line for each setting, of a tree of sections. */}}
{{- define "weir.toml" -}}
{{- range $section, $settings := . }}
{{- if not (kindIs "map" $settings) }}
{{ $section }} = {{ include "weir.tomlValue" $settings }}
{{- else }}
{{- range $name, $value := $settings }}
{{- if kindIs "map" $value }}
{{- range $key, $text := $value }}
{{ $section }}.{{ $name }}.{{ $key | quote }} = {{ toJson (toString $text) }}
{{- end }}
{{- else }}
{{ $section }}.{{ $name }} = {{ include "weir.tomlValue" $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What registry and proxy have in common in weir.toml. */}}
{{- define "weir.commonConfig" -}}
{{- $config := dict "management" (dict "listeners" (list (printf "http://0.0.0.0:%v?authentication=none" .Values.management.port))) }}
{{- $_ := set $config "insecure" .Values.insecure }}
{{- $kafka := dict }}
{{- with .Values.kafka.bootstrapServers }}{{ $_ := set $kafka "bootstrap_servers" . }}{{ end }}
{{- with .Values.kafka.client }}{{ $_ := set $kafka "client" . }}{{ end }}
{{- if $kafka }}{{ $_ := set $config "kafka" $kafka }}{{ end }}
{{- if .Values.tls.enabled }}
{{- $tls := dict "cert" "/etc/weir-tls/tls.crt" "key" "/etc/weir-tls/tls.key" }}
{{- if ne .Values.tls.clientAuth "none" }}
{{- $_ := set $tls "client_auth" .Values.tls.clientAuth }}
{{- $_ := set $tls "client_ca" (list (printf "/etc/weir-tls/%s" .Values.tls.clientCaKey)) }}
{{- end }}
{{- $_ := set $config "tls" $tls }}
{{- end }}
{{- $access := dict }}
{{- if .Values.access.rules }}{{ $_ := set $access "rules" "/etc/weir-access/access.toml" }}{{ end }}
{{- if .Values.access.users.secret }}{{ $_ := set $access "users" (printf "/etc/weir-users/%s" .Values.access.users.key) }}{{ end }}
{{- if .Values.access.keys.secret }}{{ $_ := set $access "keys" (printf "/etc/weir-keys/%s" .Values.access.keys.key) }}{{ end }}
{{- if .Values.access.auditLog }}{{ $_ := set $access "audit_log" .Values.access.auditLog }}{{ end }}
{{- if $access }}{{ $_ := set $config "access" $access }}{{ end }}
{{- toJson (mergeOverwrite $config (deepCopy .Values.config)) }}
{{- end }}

{{- define "weir.registryConfig" -}}
{{- $registry := dict "store" .Values.registry.store "listeners" (list (printf "%s://0.0.0.0:8081" (include "weir.scheme" .))) }}
{{- if eq .Values.registry.store "sled" }}{{ $_ := set $registry "data_dir" "/var/lib/weir" }}{{ end }}
{{- if .Values.access.nodeSecret.secret }}{{ $_ := set $registry "node_secret" (printf "/etc/weir-node/%s" .Values.access.nodeSecret.key) }}{{ end }}
{{- $config := dict "roles" (list "registry") "registry" $registry }}
{{- toJson (mergeOverwrite $config (include "weir.commonConfig" . | fromJson) (deepCopy .Values.registry.config)) }}
{{- end }}

{{- define "weir.proxyConfig" -}}
{{- $proxy := dict "listeners" (list (printf "%s://0.0.0.0:8082" (include "weir.scheme" .))) "schema_registry_url" (include "weir.registryUrl" .) }}
{{- with .Values.proxy.advertisedUrl }}{{ $_ := set $proxy "advertised_url" . }}{{ end }}
{{- if and .Values.tls.enabled .Values.tls.certManager.enabled (not .Values.proxy.schemaRegistryUrl) }}
{{- $_ := set $proxy "schema_registry_ca" "/etc/weir-tls/ca.crt" }}
{{- end }}
{{- $config := dict "roles" (list "proxy") "proxy" $proxy }}
{{- toJson (mergeOverwrite $config (include "weir.commonConfig" . | fromJson) (deepCopy .Values.proxy.config)) }}
{{- end }}

{{/* The variable of a setting of librdkafka's, as weir reads it: sasl.password is WEIR_KAFKA_SASL_PASSWORD. */}}
{{- define "weir.kafkaVariable" -}}
WEIR_KAFKA_{{ . | replace "-" "\x00" | replace "_" "__" | replace "\x00" "___" | replace "." "_" | upper }}
{{- end }}

{{/* The part of a pod that registry and proxy have in common: (dict "root" $ "component" .. "values" ..  "port" ..). */}}
{{- define "weir.pod" -}}
{{- $root := .root }}
{{- $values := .values }}
metadata:
  labels:
    {{- include "weir.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include (printf "weir.%sConfig" .component) $root | sha256sum }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "weir.serviceAccount" $root }}
  automountServiceAccountToken: false
  # variables of other services have names that look like settings
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: {{ .component }}
      image: {{ include "weir.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [serve, --config, /etc/weir/weir.toml]
      ports:
        - name: {{ include "weir.scheme" $root }}
          containerPort: {{ .port }}
        - name: management
          containerPort: {{ $root.Values.management.port }}
      {{- if or .env $root.Values.kafka.clientSecrets $values.extraEnv }}
      env:
        {{- with .env }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- range $root.Values.kafka.clientSecrets }}
        - name: {{ include "weir.kafkaVariable" .name }}
          valueFrom:
            secretKeyRef:
              name: {{ .secret }}
              key: {{ .key }}
        {{- end }}
        {{- with $values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      # a registry waits a minute for its Kafka, and then reads its log
      startupProbe:
        httpGet: {path: /startupz, port: management}
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: 150
      readinessProbe:
        httpGet: {path: /readyz, port: management}
        periodSeconds: 5
        timeoutSeconds: 4
        failureThreshold: 2
      livenessProbe:
        httpGet: {path: /healthz, port: management}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- if and $root.Values.drainSeconds (semverCompare ">=1.30.0-0" $root.Capabilities.KubeVersion.Version) }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $root.Values.drainSeconds }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/weir, readOnly: true}
        - {name: data, mountPath: /var/lib/weir}
        - {name: tmp, mountPath: /tmp}
        {{- if $root.Values.tls.enabled }}
        - {name: tls, mountPath: /etc/weir-tls, readOnly: true}
        {{- end }}
        {{- if $root.Values.access.rules }}
        - {name: access, mountPath: /etc/weir-access, readOnly: true}
        {{- end }}
        {{- if $root.Values.access.users.secret }}
        - {name: users, mountPath: /etc/weir-users, readOnly: true}
        {{- end }}
        {{- if $root.Values.access.keys.secret }}
        - {name: keys, mountPath: /etc/weir-keys, readOnly: true}
        {{- end }}
        {{- if and $root.Values.access.nodeSecret.secret (eq .component "registry") }}
        - {name: node-secret, mountPath: /etc/weir-node, readOnly: true}
        {{- end }}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "weir.component" . }}
    - name: tmp
      emptyDir: {}
    {{- if not .claim }}
    - name: data
      emptyDir: {}
    {{- end }}
    {{- if $root.Values.tls.enabled }}
    - name: tls
      secret:
        secretName: {{ include "weir.tlsSecret" $root }}
        defaultMode: 0440
    {{- end }}
    {{- if $root.Values.access.rules }}
    - name: access
      configMap:
        name: {{ include "weir.fullname" $root }}-access
    {{- end }}
    {{- if $root.Values.access.users.secret }}
    - name: users
      secret:
        secretName: {{ $root.Values.access.users.secret }}
        defaultMode: 0440
    {{- end }}
    {{- if $root.Values.access.keys.secret }}
    - name: keys
      secret:
        secretName: {{ $root.Values.access.keys.secret }}
        defaultMode: 0440
    {{- end }}
    {{- if and $root.Values.access.nodeSecret.secret (eq .component "registry") }}
    - name: node-secret
      secret:
        secretName: {{ $root.Values.access.nodeSecret.secret }}
        defaultMode: 0440
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  topologySpreadConstraints:
    {{- if $values.topologySpreadConstraints }}
    {{- toYaml $values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "weir.selector" $ | nindent 10 }}
    {{- end }}
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
