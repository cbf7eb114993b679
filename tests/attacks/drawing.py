"""Draw requests: as the server's OpenAPI description has them, and with something wrong."""

import base64
import json
import random
from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "serving" / "server" / "page"
DESCRIPTION = json.loads((STATIC / "openapi.json").read_text(encoding="utf-8"))
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


def requests():
    """Draw `(method, path, headers, body)`: half as described, half with something wrong."""
    from hypothesis import strategies as st

    names = st.sampled_from(["m", "m", "m", "M", "none", "..", "%2e%2e%2fetc%2fpasswd", "%00", "a" * 3000, "%ff", "é"])
    names |= st.text("abm%.2/: \\?#é\0", max_size=8)
    numbers = st.sampled_from(["1", "1", "0", "7", "007", str(2**63 - 1), str(2**63), "9" * 400, "-1", "x", "1.0"])
    values = {"model": names, "version": numbers, "label": names}

    def path(template, drawn):
        text = template.format(**drawn)
        return "".join(c if "!" <= c <= "~" and c not in "#" else f"%{b:02x}" for c in text for b in c.encode()[:1])

    templates = st.sampled_from(sorted(DESCRIPTION["paths"]))
    described = st.builds(path, templates, st.fixed_dictionaries(values))
    others = ["/", "/v1", "/v1/", "/v1/models", "/v1/models/", "/V1/MODELS/m:PREDICT", "/v1/models/m:classify"]
    others += ["/page/models", "/page/..%2f..%2fserver.py", "/..%2f..%2fetc/passwd", "/v1//models/m"]
    odd = st.builds("/{}".format, st.text("v1/models:prdict%2.?&=", max_size=40)) | st.sampled_from(others)
    kinds = [{}, {"Content-Type": "application/json"}, {"Content-Encoding": "gzip"}, {"Origin": "http://x"}]
    kinds += [{"Content-Type": "text/html; charset=utf-16"}, {"Accept": "x" * 4000}, {"Authorization": "Bearer \xff"}]
    suffixes = st.sampled_from(["", "", "/versions/1", "/versions/01", "/versions/7", "/labels/stable"])
    right = st.tuples(st.just("POST"), suffixes.map("/v1/models/m{}:predict".format), st.just({}), _bodies())
    whole = st.tuples(st.just("POST"), st.just("/v1/models/m:predict"), st.sampled_from(kinds), _whole_bodies())
    known = st.tuples(templates, st.fixed_dictionaries(values), _bodies()).map(
        lambda drawn: (
            next(method.upper() for method in DESCRIPTION["paths"][drawn[0]] if method != "parameters"),
            path(*drawn[:2]),
            {},
            drawn[2],
        )
    )
    wrong = st.tuples(st.sampled_from(METHODS), described | odd, st.sampled_from(kinds), _bodies())
    return st.sampled_from([right, right, whole, whole, known, wrong]).flatmap(lambda kind: kind)


def _whole_bodies():
    """Draw bodies that are answered with 200."""
    from hypothesis import strategies as st

    image = st.sampled_from([base64.b64encode(contents).decode() for contents in images()])
    files = st.lists(image.map(lambda b64: {"b64": b64}), min_size=1, max_size=4)
    pixels = st.builds(lambda value, h, w: [[[value] * 3] * w] * h, st.integers(0, 255), *[st.integers(1, 9)] * 2)
    column = st.builds(lambda name, x: {"signature_name": name, "inputs": [x]}, st.just("predict_tensors"), pixels)
    row = st.builds(lambda x: {"signature_name": "predict_scores", "instances": [x, x]}, pixels)
    return (files.map(lambda rows: {"instances": rows}) | column | row).map(lambda value: json.dumps(value).encode())


def _bodies():
    """Draw bodies: by the description's schema, JSON of any kind, such texts changed, and gzip."""
    from hypothesis import strategies as st

    schemas = DESCRIPTION["components"]["schemas"]
    image = st.sampled_from([base64.b64encode(contents).decode() for contents in images()])
    files = st.builds(lambda b64: {"image_bytes": {"b64": b64}}, image | st.text("A=/+ é", max_size=9))
    values, sizes = st.sampled_from([0, 255, 256, -1, 0.5, "x"]), [st.integers(0, 4)] * 3
    pixels = st.builds(lambda value, n, h, w: [[[[value] * 3] * w] * h] * n, values, *sizes)
    one = pixels.map(lambda value: value[0] if value else value)
    rows = files | pixels | one | st.builds(lambda x: {"image": x}, pixels | one)
    signatures = ["serving_default", "predict_tensors", "predict_scores", "", "__saved_model_init_op", "../x"]
    names = st.sampled_from(signatures)
    requests = st.fixed_dictionaries(
        {}, optional={"signature_name": names, "instances": st.lists(rows, max_size=4), "inputs": rows | st.just([])}
    )
    anything = _from_schema(schemas["Predict"], schemas)
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
    keys = st.text(max_size=4)
    wild = st.recursive(scalars, lambda x: st.lists(x, max_size=4) | st.dictionaries(keys, x, max_size=3))
    texts = (requests | requests | anything | wild).map(lambda value: json.dumps(value).encode())
    changed = st.builds(change, texts, st.integers(0, 2**32))
    marks = st.sampled_from([b"[", b'{"a":', b'{"instances":['])
    nested = st.builds(lambda mark, count: mark * count, marks, st.integers(1, 3000))
    return texts | texts | changed | nested | st.binary(max_size=40)


def images():
    """List files that are right, and some that are not."""
    import io

    from PIL import Image

    sizes = {"PNG": (5, 4), "JPEG": (9, 8), "BMP": (3, 3), "WEBP": (6, 2), "GIF": (2, 2), "TIFF": (400, 400)}
    for kind, size in sizes.items():
        file = io.BytesIO()
        Image.new("RGB", size, (1, 2, 3)).save(file, kind)
        yield file.getvalue()
        yield file.getvalue()[:40]


def _from_schema(schema, known, depth=4):
    """Draw what a JSON schema of the description allows, as far as these use schemas."""
    from hypothesis import strategies as st

    if "$ref" in schema:
        return _from_schema(known[schema["$ref"].rsplit("/", 1)[1]], known, depth)
    for word in ("oneOf", "anyOf"):
        if word in schema and "properties" not in schema:
            parts = [part for part in schema[word] if depth > 0 or part.get("type") in ("number", "boolean", "string")]
            return st.one_of([_from_schema(part, known, depth - 1) for part in parts] or [st.just(0)])
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        required = {*schema.get("required", ()), *schema.get("oneOf", [{}])[0].get("required", ())}
        made = {name: _from_schema(part, known, depth - 1) for name, part in schema["properties"].items()}
        optional = {name: part for name, part in made.items() if name not in required}
        return st.fixed_dictionaries({name: made[name] for name in required}, optional=optional)
    if kind == "object":
        values = _from_schema(schema["additionalProperties"], known, depth - 1)
        return st.dictionaries(st.sampled_from(["image_bytes", "image", "x"]), values, max_size=3)
    if kind == "array":
        return st.lists(_from_schema(schema["items"], known, depth - 1), min_size=schema.get("minItems", 0), max_size=3)
    return {"number": st.floats() | st.integers(), "boolean": st.booleans(), "string": st.text(max_size=12)}[kind]


def change(data, seed):
    """Flip, cut, double, insert or remove bytes, one to four times."""
    draw, data = random.Random(seed), bytearray(data)
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(len(data) + 1)
        end = min(len(data), start + draw.choice([1, 1, 2, 8, 64]))
        how = draw.randrange(5)
        if how == 0 and start < len(data):
            data[start] ^= 1 << draw.randrange(8)
        elif how == 1:
            del data[start : len(data) if draw.random() < 0.3 else end]
        elif how == 2:
            data[start:start] = data[start:end] * draw.choice([1, 2, 50])
        elif how == 3:
            data[start:start] = draw.choice([b"\xff" * 10, b"\0", b"\x80" * 9 + b"\1", b"[" * 9, draw.randbytes(4)])
        else:
            data[start:end] = draw.randbytes(end - start)
    return bytes(data)


def twist(request, seed):
    """Change the fields of a `PredictRequest`, so that it stays a message."""
    draw = random.Random(seed)
    for name in list(request.inputs):
        tensor = request.inputs[name]
        for _ in range(draw.randint(1, 3)):
            how = draw.randrange(6)
            if how == 0:
                tensor.dtype = draw.randrange(30)
            elif how == 1 and tensor.tensor_shape.dim:
                draw.choice(tensor.tensor_shape.dim).size = draw.choice([-1, 0, 1, 3, 2**31, 2**62, draw.randrange(99)])
            elif how == 2:
                tensor.tensor_shape.dim.add(size=draw.choice([0, 1, 2]))
            elif how == 3:
                tensor.tensor_content = change(tensor.tensor_content or bytes(60), draw.random())
            elif how == 4 and tensor.string_val:
                place = draw.randrange(len(tensor.string_val))
                tensor.string_val[place] = change(tensor.string_val[place], draw.random())
            else:
                tensor.float_val.append(draw.choice([float("nan"), 1e38, 0.0]))
        if draw.random() < 0.1:
            request.inputs[draw.choice(["", "x", "image" * 500])].CopyFrom(tensor)
    if draw.random() < 0.3:
        request.output_filter.append(draw.choice(["label", "", "../x", "\0"]))
    if draw.random() < 0.3:
        request.model_spec.version_label = draw.choice(["stable", "\n", "x" * 5000])
    return request.SerializeToString()
