"""JSON schemas of the kit's YAML files, as far as the kit uses them: anything else, a misspelt key too, is refused."""


def closed(required, **properties):
    """Describe an object that holds these properties and no other."""
    names = required.split()
    return {"type": "object", "required": names, "properties": properties, "additionalProperties": False}


TEXT, COUNT, FLAG = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
TEXTS = {"type": "array", "items": TEXT, "minItems": 1}
DURATION = {"type": "string", "pattern": "^[0-9]+[smh]$"}
# The parts that are used of https://github.com/compose-spec/compose-spec, schema/compose-spec.json.
COMPOSE = closed(
    "services volumes",
    services={
        "type": "object",
        "additionalProperties": closed(
            "image ports volumes",
            image={"type": "string", "pattern": r"^[a-z/]+:v?[0-9]+\.[0-9]+\.[0-9]+$"},  # pinned
            command=TEXTS,
            ports={"type": "array", "items": {"type": "string", "pattern": "^127.0.0.1:[0-9]+:[0-9]+$"}},
            volumes={"type": "array", "items": {"type": "string", "pattern": "^[^:]+(:-[^:]+)?:/[^:]+(:ro)?$"}},
            environment={"type": "object", "additionalProperties": TEXT},
            healthcheck=closed(
                "test", test=TEXTS, interval=DURATION, timeout=DURATION, retries=COUNT, start_period=DURATION
            ),
            restart={"enum": ["no", "always", "on-failure", "unless-stopped"]},
        ),
    },
    volumes={"type": "object"},
)
# Of the custom resource inferenceservices.serving.kserve.io, v1beta1.
AMOUNTS = {"type": "object", "additionalProperties": TEXT}
KSERVE = closed(
    "apiVersion kind metadata spec",
    apiVersion={"const": "serving.kserve.io/v1beta1"},
    kind={"const": "InferenceService"},
    metadata=closed("name", name={"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"}),
    spec=closed(
        "predictor",
        predictor=closed(
            "model",
            minReplicas=COUNT,
            maxReplicas=COUNT,
            model=closed(
                "modelFormat storageUri",
                modelFormat=closed("name", name={"const": "tensorflow"}, version={"enum": ["1", "2"]}),
                runtimeVersion=TEXT,
                protocolVersion={"enum": ["v1", "grpc-v1"]},
                storageUri={"type": "string", "pattern": "^(pvc|gs|s3)://"},
                resources=closed("", requests=AMOUNTS, limits=AMOUNTS),
            ),
        ),
    ),
)
PROMETHEUS = closed(
    "scrape_configs",
    **{"global": closed("", scrape_interval=DURATION)},
    scrape_configs={
        "type": "array",
        "items": closed(
            "job_name",
            job_name=TEXT,
            metrics_path=TEXT,
            fallback_scrape_protocol={"enum": ["PrometheusText0.0.4", "PrometheusText1.0.0"]},
            static_configs={"type": "array", "items": closed("targets", targets=TEXTS)},
        ),
    },
)
KUSTOMIZATION = closed(
    "apiVersion kind resources",
    apiVersion={"const": "kustomize.config.k8s.io/v1beta1"},
    kind={"const": "Kustomization"},
    resources=TEXTS,
    configMapGenerator={"type": "array", "items": closed("name files", name=TEXT, files=TEXTS)},
    generatorOptions=closed("", disableNameSuffixHash=FLAG),
)
SOURCES = closed(
    "apiVersion datasources",
    apiVersion={"const": 1},
    datasources={
        "type": "array",
        "items": closed(
            "name type", name=TEXT, uid=TEXT, type=TEXT, access={"enum": ["proxy"]}, url=TEXT, isDefault=FLAG
        ),
    },
)
DASHBOARDS = closed(
    "apiVersion providers",
    apiVersion={"const": 1},
    providers={
        "type": "array",
        "items": closed("name type options", name=TEXT, type={"const": "file"}, options=closed("path", path=TEXT)),
    },
)
