//! `millrace manifest`: what runs a version in a container, written out to be changed and kept.

use clap::ValueEnum;

use ::registry::Name;
use anyhow::{Context, Result, bail};

use super::{Where, resolved};
use crate::{Outcome, say};

/// What `manifest` is asked.
#[derive(clap::Args)]
pub struct Arguments {
    /// What for
    #[arg(value_enum)]
    kind: Kind,
    /// The version: `models:/churn/3`, `models:/churn@champion`
    #[arg(long, value_name = "MODEL")]
    model: String,
    #[command(flatten)]
    place: Where,
    /// The image [default: the model's name and version]
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// At least so many of them run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    min_replicas: u32,
    /// At most so many of them run
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    max_replicas: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// A Dockerfile: the program and the package alone
    Docker,
    /// A compose.yaml
    Compose,
    /// A Deployment with a Service and an autoscaler
    Kubernetes,
    /// An InferenceService
    Kserve,
}

/// Prints a manifest.
pub fn manifest(arguments: &Arguments) -> Result<Outcome> {
    if arguments.max_replicas < arguments.min_replicas {
        bail!("--max-replicas {} is less than --min-replicas {}", arguments.max_replicas, arguments.min_replicas);
    }
    let folder = arguments.place.folder();
    let log = folder.log()?;
    let (model, version) = resolved(log.registry(), &arguments.model)?;
    let package = folder.package(&log.registry().version(&model, version)?.package)?;
    let name = dns_name(&model)?;
    let facts = Facts {
        image: arguments.image.clone().unwrap_or_else(|| format!("{name}:{version}")),
        name,
        model,
        version,
        memory_mib: memory_mib(package.len()),
        min_replicas: arguments.min_replicas,
        max_replicas: arguments.max_replicas,
    };
    say::out(&match arguments.kind {
        Kind::Docker => facts.docker(),
        Kind::Compose => facts.compose(),
        Kind::Kubernetes => facts.kubernetes(),
        Kind::Kserve => facts.kserve(),
    })?;
    Ok(Outcome::Good)
}

/// What manifests are about.
struct Facts {
    /// As the Domain Name System takes it.
    name: String,
    model: Name,
    version: u32,
    image: String,
    memory_mib: usize,
    min_replicas: u32,
    max_replicas: u32,
}

/// A name of lower-case letters, digits and hyphens.
fn dns_name(model: &Name) -> Result<String> {
    let name: String = model.as_str().to_ascii_lowercase().replace(['_', '.'], "-");
    let name = name.trim_matches('-');
    let is_one = !name.is_empty() && name.len() <= 52;
    is_one
        .then(|| name.to_owned())
        .with_context(|| format!("{model} makes no name of at most 52 letters for a service"))
}

/// What a server takes with some requests under way, and several times the package, which is unpacked.
fn memory_mib(n_bytes: usize) -> usize {
    const STEP: usize = 32;
    (64 + 8 * n_bytes.div_ceil(1 << 20)).next_multiple_of(STEP)
}

impl Facts {
    fn docker(&self) -> String {
        let Self { model, version, image, .. } = self;
        format!(
            r#"# models:/{model}/{version}. Beside this file lie the package and the program, linked with nothing else:
#   millrace registry export models:/{model}/{version} {model}.millrace
#   cargo build --release -p cli --target x86_64-unknown-linux-musl
#   docker build -t {image} .
# Keys are mounted at /keys/keys.json, as `millrace keys make` writes them.
FROM scratch
COPY millrace /millrace
COPY {model}.millrace /models/{model}.millrace
USER 65532:65532
EXPOSE 8081
ENTRYPOINT ["/millrace", "serve", "/models/{model}.millrace", "--host", "0.0.0.0", "--keys", "/keys/keys.json"]
"#
        )
    }

    fn compose(&self) -> String {
        let Self { name, model, version, image, memory_mib, .. } = self;
        format!(
            r#"# models:/{model}/{version}. Beside this file lie the Dockerfile (`millrace manifest docker`) and keys.json.
services:
  {name}:
    image: "{image}"
    build: .
    ports:
      - "127.0.0.1:8081:8081"
    secrets:
      - source: {name}-keys
        target: /keys/keys.json
    read_only: true
    user: "65532:65532"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
    stop_grace_period: 15s
    deploy:
      resources:
        limits:
          cpus: "1"
          memory: {memory_mib}M
secrets:
  {name}-keys:
    file: ./keys.json
"#
        )
    }

    fn kubernetes(&self) -> String {
        let Self { name, model, version, min_replicas, max_replicas, .. } = self;
        let (pod, container) = (self.pod("      "), self.container("          ", "http"));
        format!(
            r#"# models:/{model}/{version}. Its keys: kubectl create secret generic {name}-keys --from-file=keys.json
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: &labels
    app.kubernetes.io/name: {name}
    app.kubernetes.io/version: "{version}"
spec:
  replicas: {min_replicas}
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels: *labels
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "8081"
        prometheus.io/path: /metrics
    spec:
      terminationGracePeriodSeconds: 15
{pod}
      containers:
        - name: millrace
{container}
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
  minReplicas: {min_replicas}
  maxReplicas: {max_replicas}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 70
"#
        )
    }

    fn kserve(&self) -> String {
        let Self { name, model, version, min_replicas, max_replicas, .. } = self;
        let (pod, container) = (self.pod("    "), self.container("        ", "http1"));
        format!(
            r#"# models:/{model}/{version}. Its keys: kubectl create secret generic {name}-keys --from-file=keys.json
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {name}
spec:
  predictor:
    minReplicas: {min_replicas}
    maxReplicas: {max_replicas}
    scaleMetric: concurrency
    scaleTarget: 16
    timeout: 10
{pod}
    containers:
      - name: kserve-container
{container}
"#
        )
    }

    /// What a pod may not do, and where its keys come from, indented.
    fn pod(&self, indent: &str) -> String {
        let text = format!(
            r#"automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: keys
    secret:
      secretName: {}-keys"#,
            self.name
        );
        indented(&text, indent)
    }

    /// The rest of a container, indented.
    fn container(&self, indent: &str, port: &str) -> String {
        let Self { image, memory_mib, .. } = self;
        let text = format!(
            r#"image: "{image}"
ports:
  - name: {port}
    containerPort: 8081
    protocol: TCP
livenessProbe:
  httpGet:
    path: /v2/health/live
    port: 8081
  periodSeconds: 10
  timeoutSeconds: 2
readinessProbe:
  httpGet:
    path: /v2/health/ready
    port: 8081
  periodSeconds: 5
  timeoutSeconds: 2
resources:
  requests:
    cpu: 100m
    memory: {memory_mib}Mi
  limits:
    memory: {memory_mib}Mi
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: keys
    mountPath: /keys
    readOnly: true"#
        );
        indented(&text, indent)
    }
}

fn indented(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}
