"""As much of a CVAT server as `cvat-cli task auto-annotate` asks: one task of images, and its annotations kept."""

import contextlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from PIL import Image

TASK, FIRST = 7, 50  # the task, and the id of its first label
KIND = "application/vnd.cvat+json"
DATE, LINK = "2026-01-01T00:00:00Z", {"url": "http://localhost"}
_NONE = "project_id source_storage target_storage owner assignee guide_id organization organization_id"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {
            "/api/server/about": {
                "name": "CVAT",
                "description": "",
                "version": "2.80.0",
                "subtitle": "",
                "logo_url": "",
            },
            f"/api/tasks/{TASK}": self.server.task,
            f"/api/tasks/{TASK}/data/meta": self.server.meta,
            "/api/labels": self.server.labels,
        }
        path = urlsplit(self.path).path.rstrip("/")
        if path == f"/api/tasks/{TASK}/data":
            self._answer(self.server.chunk, "application/zip")
        else:
            self._answer(json.dumps(answers[path]).encode(), KIND)

    def do_PATCH(self):
        self.server.kept = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(json.dumps(self.server.kept).encode(), KIND)

    def _answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(photos, names):
    """Serve a task of images with the labels `names`; `.kept` of what this yields are the annotations."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    frames = []
    chunk = io.BytesIO()
    with zipfile.ZipFile(chunk, "w") as archive:
        for number, photo in enumerate(photos):
            width, height = Image.open(photo).size
            frames.append({"name": photo.name, "width": width, "height": height, "related_files": 0})
            archive.write(photo, f"{number:06d}{photo.suffix}")
    server.chunk, count = chunk.getvalue(), len(photos)
    label = {"color": "#000000", "attributes": [], "type": "any", "sublabels": [], "has_parent": False}
    labels = [{"id": FIRST + number, "name": name, **label} for number, name in enumerate(names)]
    server.labels = {"count": len(labels), "next": None, "previous": None, "results": labels}
    sizes = {"size": count, "image_quality": 70}
    server.meta = {
        **sizes,
        **{"chunk_size": count, "start_frame": 0, "stop_frame": count - 1, "frame_filter": "", "frames": frames},
        **{"deleted_frames": [], "included_frames": None, "chunks_updated_date": DATE, "storage_method": "cache"},
        **{"storage": "local", "cloud_storage_id": None},
    }
    server.task = {
        **sizes,
        **{"id": TASK, "name": "t", "mode": "annotation", "overlap": 0, "segment_size": count, "dimension": "2d"},
        **{"data_chunk_size": count, "data_compressed_chunk_type": "imageset", "data": 1, "subset": "", **LINK},
        **{"data_original_chunk_type": "imageset", "status": "annotation", "bug_tracker": "", "labels": LINK},
        **{"jobs": {"count": 1, "completed": 0, "validation": 0, **LINK}, "created_date": DATE, "updated_date": DATE},
        **dict.fromkeys(_NONE.split()),
    }
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
