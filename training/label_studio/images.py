"""The images of tasks: from the folder that Label Studio serves as local files, from its server, or from named hosts.

A task says where its image is, and a task is a stranger's: no file outside the folder is read, the token goes to the
server alone, and no other host is asked than those that were named.
"""

import base64
import json
import posixpath
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import urllib3

from fcn_keras.datasets.images import read_image

_CLOUD = ("s3:", "gs:", "azure-blob:")
_MOST = 1 << 28  # bytes of an image
_REDIRECTS = 5
_WAIT = urllib3.Timeout(connect=10, read=60)


class Images:
    """Where images are read from.

    Args:
        folder: that Label Studio serves as local files (its `LOCAL_FILES_DOCUMENT_ROOT`); None asks the server.
        url: of Label Studio's server; None where every image is a local file.
        token: of a user there: a personal access token or a legacy one.
        hosts: further hosts, `name` or `name:port`, whose images are fetched, without the token.
    """

    def __init__(self, folder=None, url=None, token=None, hosts=()):
        self._folder = None if folder is None else Path(folder).resolve()
        self._url, self._token, self._hosts = url and url.rstrip("/"), token, frozenset(hosts)
        self._http = urllib3.PoolManager(timeout=_WAIT, retries=False)

    def read(self, address, task):
        """Read an image.

        Args:
            address: as the task has it.
            task: its number, for images in a cloud.

        Returns:
            `(H, W, 3)` uint8 RGB.

        Raises:
            ValueError: if it may not be read, is not there, or is no image.
        """
        if address.startswith("/data/local-files/") and self._folder is not None:
            return _read(self._local_file(address), address)
        with tempfile.NamedTemporaryFile() as file:
            for part in self._fetched(self._place(address, task), address):
                file.write(part)
            file.flush()
            return _read(file.name, address)

    def _local_file(self, address):
        asked = (parse_qs(urlsplit(address).query).get("d") or [""])[-1]
        place = self._folder / posixpath.normpath(asked.replace("\0", "")).lstrip("/")
        try:
            path = place.resolve()
        except RuntimeError:  # as Python raises it before 3.13
            raise ValueError(f"{_shown(address)} is a link that leads to itself, and is not read.") from None
        if not path.is_relative_to(self._folder):
            raise ValueError(f"{_shown(address)} leads out of the folder of local files, and is not read.")
        return path

    def _place(self, address, task):
        """Return the URL of an image that is no local file."""
        if address.startswith(("upload/", "/upload/")):
            address = f"/data/{address.lstrip('/')}"
        if address.startswith(_CLOUD):
            coded = base64.urlsafe_b64encode(address.encode()).decode()
            address = f"/tasks/{quote(str(task))}/presign/?fileuri={coded}"
        if address.startswith(("http://", "https://")):
            return address
        if not address.startswith("/") or address.startswith("//"):
            raise ValueError(f"{_shown(address)} is no place of an image: expected http, https, a cloud's or /data/...")
        if self._url is None:
            raise ValueError(f"{_shown(address)} is on Label Studio's server. Say which that is: --url.")
        return self._url + address

    def _fetched(self, url, address):
        """Yield the bytes of what lies at a URL, and of where the server sends to."""
        sent_on = False
        for _ in range(_REDIRECTS):
            own = self._is_own(url)
            if not own and not sent_on and urlsplit(url).netloc not in self._hosts:
                host = urlsplit(url).netloc.rpartition("@")[2]
                raise ValueError(
                    f"{_shown(address)} is on {host}, which is not asked. Say --image-host {host} to allow."
                )
            try:
                answer = self._http.request(
                    "GET", url, headers=self._authorization() if own else {}, redirect=False, preload_content=False
                )
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                raise ValueError(f"{_shown(address)} cannot be fetched: {error!s:.200}") from None
            with answer:
                if answer.status not in (301, 302, 303, 307, 308):
                    yield from _parts(answer, address)
                    return
                url, sent_on = urljoin(url, answer.headers.get("Location", "")), own
                if not url.startswith(("http://", "https://")):
                    break
        raise ValueError(f"{_shown(address)} is sent on from place to place.")

    def _is_own(self, url):
        return self._url is not None and urlsplit(url)[:2] == urlsplit(self._url)[:2]

    def _authorization(self):
        """Return the header that brings the token; a personal access token is exchanged for one that lasts minutes."""
        if not self._token:
            return {}
        kind = _claims(self._token).get("token_type")
        if kind is None:
            return {"Authorization": f"Token {self._token}"}
        if kind != "refresh":
            return {"Authorization": f"Bearer {self._token}"}
        try:
            answer = self._http.request(
                "POST", f"{self._url}/api/token/refresh/", json={"refresh": self._token}, redirect=False
            )
            if answer.status == 200:
                return {"Authorization": f"Bearer {answer.json()['access']}"}
            why = f"it answered {answer.status}"
        except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as error:
            why = f"{error!s:.200}"
        raise ValueError(f"{self._url} did not exchange the token of LABEL_STUDIO_API_KEY: {why}.")


def _read(path, address):
    try:
        return read_image(path)
    except ValueError as error:
        raise ValueError(str(error).replace(str(path), _shown(address))) from None


def _parts(answer, address):
    if answer.status != 200:
        raise ValueError(f"{_shown(address)} cannot be fetched: the server answered {answer.status}.")
    size = 0
    try:
        for part in answer.stream(1 << 16):
            size += len(part)
            if size > _MOST:
                raise ValueError(f"{_shown(address)} has more than {_MOST >> 20} MiB, and is not read.")
            yield part
    except urllib3.exceptions.HTTPError as error:
        raise ValueError(f"{_shown(address)} cannot be fetched: {error!s:.200}") from None


def _claims(token):
    """Return what a token says of itself, nothing where it is no JSON web token."""
    try:
        _, claims, _ = token.split(".")
        said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _shown(address):
    """Name an image without what may be a secret of its address."""
    at = urlsplit(address)
    place = f"{at.scheme}://{at.netloc.rpartition('@')[2]}" if at.netloc else f"{at.scheme}:" if at.scheme else ""
    return f"{place}{at.path}{f'?{at.query}' if at.path.startswith('/data/local-files') else ''}"[:200]
