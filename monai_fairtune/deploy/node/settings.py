"""How a DICOM node is set up."""

from __future__ import annotations

import math
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from monai_fairtune.exceptions import ConfigurationError

__all__ = ["NodeLimits", "NodeSettings", "RemoteNode", "tls_contexts"]

_TITLE = re.compile(r"[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?")
_REMOTE = re.compile(r"(?P<title>[^@\\]{1,16})@(?P<host>[^@\s]+):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class RemoteNode:
    """Where another DICOM node listens.

    Attributes:
        title: its application entity title, 1 to 16 characters.
        host: name or address.
        port: 1 to 65535.
    """

    title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> RemoteNode:
        """Returns the node that ``TITLE@HOST:PORT`` names.

        Raises:
            ConfigurationError: if it names none.

        Example:
            >>> RemoteNode.parse("ARCHIVE@pacs.local:104")
            RemoteNode(title='ARCHIVE', host='pacs.local', port=104)
        """
        found = _REMOTE.fullmatch(text)
        if found is None or not 0 < int(found["port"]) < 1 << 16:
            raise ConfigurationError(
                f"'{text}' names no DICOM node. Give TITLE@HOST:PORT, for instance ARCHIVE@pacs.local:104."
            )
        return cls(found["title"], found["host"].strip("[]"), int(found["port"]))


@dataclass(frozen=True)
class NodeLimits:
    """What a node takes at most; beyond, it answers "out of resources" (A700) and the sender tries again later.

    Raises:
        ConfigurationError: if a limit is not above 0 or not finite.

    Attributes:
        n_images: images whose files are kept, answered or not.
        n_bytes: of their files together.
        object_bytes: of one image.
        min_free_bytes: of the disk that stay free.
        n_associations: at a time.
        network_seconds: for which a peer may be silent.
        image_seconds: of work on a study, for each of its images, after which the node calls itself unhealthy.
        n_attempts: to answer a study, or to have its report taken, before it has failed.
    """

    n_images: int = 20_000
    n_bytes: float = 50 << 30
    object_bytes: float = 128 << 20
    min_free_bytes: int = 1 << 30
    n_associations: int = 8
    network_seconds: float = 60.0
    image_seconds: float = 120.0
    n_attempts: int = 5

    def __post_init__(self) -> None:
        if not all(0 < each < math.inf for each in vars(self).values()):
            raise ConfigurationError(
                f"A limit of the node is not above 0, or not finite: {self}. Give positive limits."
            )


@dataclass(frozen=True)
class NodeSettings:
    """A node: where it listens, whom it takes images from, where reports go.

    Raises:
        ConfigurationError: if a title, a port or a time cannot be used.

    Attributes:
        spool: folder of the queue and the images; patient data, readable for its owner alone.
        send_to: receives the reports.
        title: the node's own application entity title.
        host: address that it listens at.
        port: likewise; 0 lets the system choose.
        callers: application entity titles that may send; empty allows all.
        study_seconds: without a new image, after which a study is ready.
        keep_days: for which images and reports stay after their delivery or refusal.
        remember_days: for which an image that comes again is known, and failed studies are kept.
        http_host: address of the operator's endpoint.
        http_port: likewise; 0 lets the system choose.
        limits: what it takes at most.
        tls: contexts for what it accepts and for what it sends; None for plain TCP.
    """

    spool: Path
    send_to: RemoteNode
    title: str = "FAIRTUNE"
    host: str = "127.0.0.1"
    port: int = 11112
    callers: tuple[str, ...] = ()
    study_seconds: float = 10.0
    keep_days: float = 0.0
    remember_days: float = 30.0
    http_host: str = "127.0.0.1"
    http_port: int = 9112
    limits: NodeLimits = field(default_factory=NodeLimits)
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None

    def __post_init__(self) -> None:
        for title in (self.title, *self.callers):
            if not _TITLE.fullmatch(title):
                raise ConfigurationError(
                    f"'{title}' is no application entity title. Give 1 to 16 ASCII characters without a backslash."
                )
        if not all(0 <= each < math.inf for each in (self.study_seconds, self.keep_days, self.remember_days)):
            raise ConfigurationError("A time of the node is negative or not finite. Give seconds and days from 0.")
        for port in (self.port, self.http_port):
            if not 0 <= port < 1 << 16:
                raise ConfigurationError(f"{port} is no port. Give one from 1 to 65535, or 0 for any that is free.")


def tls_contexts(certificate: Path, key: Path, authority: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Returns TLS contexts in which both sides show a certificate: for accepting and for connecting.

    Args:
        certificate: the node's own, with intermediate ones, as PEM.
        key: its private key, as PEM without a passphrase.
        authority: certificates that the peers' are checked against, as PEM.

    Raises:
        ConfigurationError: if one of them cannot be used.
    """
    try:
        accepting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
        accepting.verify_mode = ssl.CERT_REQUIRED
        connecting = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authority)
        for context in (accepting, connecting):
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one
        raise ConfigurationError(
            f"The TLS files cannot be used: {error.strerror or error}. Give a certificate, its private key without a "
            "passphrase and the authority's certificate, each as PEM."
        ) from error
    return accepting, connecting
