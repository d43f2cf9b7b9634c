"""An archive with DICOMweb, as its client: studies are fetched, reports are stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from monai_fairtune.cohort.decoding.decode import foreign_errors
from monai_fairtune.deploy.dicom import ReadingLimits
from monai_fairtune.deploy.node.receiver import image_classes
from monai_fairtune.exceptions import ArchiveError, ConfigurationError

__all__ = ["PASSWORD_VARIABLE", "TOKEN_VARIABLE", "USER_VARIABLE", "DicomWebArchive"]

USER_VARIABLE = "FAIRTUNE_DICOMWEB_USER"
PASSWORD_VARIABLE = "FAIRTUNE_DICOMWEB_PASSWORD"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE = "FAIRTUNE_DICOMWEB_TOKEN"  # noqa: S105
_PIECE = 1 << 20
_BUSY = (429, 502, 503, 504)


class DicomWebArchive:
    """An archive reached by QIDO-RS, WADO-RS and STOW-RS.

    Credentials come from the environment alone: a user and a password, or a bearer token.

    Args:
        url: of the service, for instance ``https://archive.example.org/dicom-web``.
        seconds: without a byte, after which a request is given up.
        authority: file of certificates that the archive's is checked against; None for those of the system.

    Raises:
        ConfigurationError: if the URL is none, holds credentials, or would send them in clear text to another machine.
    """

    def __init__(self, url: str, *, seconds: float = 60.0, authority: Path | None = None) -> None:
        from dicomweb_client import DICOMwebClient

        self._url, self._seconds, self._session = url.rstrip("/"), seconds, _session(authority)
        _require_safe(url, has_secret=self._session.auth is not _nobody)
        self._client = DICOMwebClient(self._url, session=self._session, permissive_uid=True, timeout=seconds)
        self._client.set_http_retry_params(max_attempts=3, wait_exponential_multiplier=500)

    def find_studies(self, dates: str, modality: str | None = None) -> list[str]:
        """Returns the Study Instance UIDs of a day (``20240131``) or of several (``20240101-20240131``)."""
        filters = {"StudyDate": dates} | ({"ModalitiesInStudy": modality} if modality else {})
        with _errors("searching for studies"):
            return list(_all(partial(self._client.search_for_studies, search_filters=filters), "0020000D"))

    def fetch(self, study: str, folder: Path) -> list[Path]:
        """Fetches the images of a study, one at a time and as they are stored; returns their files in ``folder``.

        What arrives is not parsed here: whoever reads the files does so within limits.
        """
        classes, files = set(image_classes()), []
        with _errors("fetching a study"):
            instances = _all(partial(self._client.search_for_instances, study), "00080018")
            for number, (uid, instance) in enumerate(instances.items()):
                if _value(instance, "00080016") in classes:
                    files.append(folder / f"{number}.dcm")
                    files[-1].write_bytes(self._fetch(study, _value(instance, "0020000E"), uid))
        return files

    def _fetch(self, study: str, series: str, image: str) -> bytes:
        """Returns an instance as a file has it; of one that is too large, so much that a reader sees it."""
        place = zip(("studies", "series", "instances"), (study, series, image), strict=True)
        url = "/".join((self._url, *(f"{level}/{quote(uid, safe='')}" for level, uid in place)))
        accept = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
        with self._session.get(url, headers=accept, stream=True, timeout=self._seconds) as answer:
            answer.raise_for_status()
            body = bytearray()
            for piece in answer.iter_content(_PIECE):
                body += piece
                if len(body) > ReadingLimits.n_bytes + _PIECE:
                    break
            return _only_part(answer.headers.get("Content-Type", ""), bytes(body))

    def store(self, reports: Sequence[Any]) -> None:
        """Stores reports, each a ``pydicom.Dataset`` with file meta.

        Raises:
            ArchiveError: if the archive does not store all of them.
        """
        with _errors("storing a report"):
            answer = self._client.store_instances(reports)
        failed = answer.get("FailedSOPSequence") or []
        if failed:
            codes = sorted({f"{int(item.get('FailureReason', 0)):04X}" for item in failed})
            raise ArchiveError(
                f"The archive did not store {len(failed)} of {len(reports)} reports: status {', '.join(codes)}. "
                "Look up the status in the archive's conformance statement."
            )


def _session(authority: Path | None) -> Any:
    from dicomweb_client.session_utils import add_certs_to_session, create_session
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    session = add_certs_to_session(create_session(), None if authority is None else str(authority))
    again = Retry(2, connect=0, backoff_factor=0.5, status_forcelist=_BUSY, raise_on_status=False)
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    session.auth = _credentials() or _nobody  # without any, requests would look for some in the user's netrc file
    return session


def _credentials() -> Callable[[Any], Any] | None:
    from requests.auth import HTTPBasicAuth

    user, password, token = (os.environ.get(name) for name in (USER_VARIABLE, PASSWORD_VARIABLE, TOKEN_VARIABLE))
    if token:
        return partial(_bearer, token)
    return HTTPBasicAuth(user, password or "") if user else None


def _bearer(token: str, request: Any) -> Any:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _nobody(request: Any) -> Any:
    return request


def _require_safe(url: str, *, has_secret: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("The DICOMweb URL is none. Give https://HOST/PATH, for instance ending in /dicom-web.")
    if parts.username or parts.password:
        raise ConfigurationError(
            "The DICOMweb URL holds credentials, which every user of this machine can read in the list of processes. "
            f"Leave them out and set {USER_VARIABLE} and {PASSWORD_VARIABLE}, or {TOKEN_VARIABLE}."
        )
    if has_secret and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigurationError(
            "Credentials would be sent in clear text to another machine. Give an https URL, or unset them."
        )


def _value(found: dict[str, Any], tag: str) -> str:
    """Returns the only value of an element of DICOM JSON; blank where there is none."""
    return str((found.get(tag, {}).get("Value") or [""])[0])


def _all(search: Callable[..., list[dict[str, Any]]], tag: str) -> dict[str, dict[str, Any]]:
    """Returns all pages of a search, by the UID with this tag.

    It ends with a page of nothing new: some archives ignore the offset and answer the first page for ever.
    """
    found: dict[str, dict[str, Any]] = {}
    while new := {_value(each, tag): each for each in search(offset=len(found)) if _value(each, tag) not in found}:
        found |= new
    return found


def _only_part(content_type: str, body: bytes) -> bytes:
    """Returns what is in a message of one part, or the message if it has no parts."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if boundary is None:
        return body
    part = body.partition(b"\r\n\r\n")[2]
    end = part.rfind(f"\r\n--{boundary}".encode())
    return part if end < 0 else part[:end]


@contextmanager
def _errors(what: str) -> Iterator[None]:
    """Turns errors of the client, whose texts hold URLs with a patient's UIDs, into ours."""
    import requests

    try:
        yield
    except requests.HTTPError as error:
        status = "no status" if error.response is None else error.response.status_code
        raise ArchiveError(
            f"The archive answered {status} ({what}). Check the URL, and {USER_VARIABLE} and {PASSWORD_VARIABLE} or "
            f"{TOKEN_VARIABLE}."
        ) from None
    except requests.RequestException as error:
        raise ArchiveError(
            f"The archive could not be reached ({what}; {type(error).__name__}). Check the URL; start again later."
        ) from None
    except foreign_errors():
        raise ArchiveError(
            f"The archive's answer cannot be read ({what}). Check that the URL is that of a DICOMweb service."
        ) from None
