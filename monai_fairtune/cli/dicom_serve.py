"""``monai-fairtune dicom serve``: a listening DICOM node."""

from __future__ import annotations

import argparse
import signal
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_fairtune.cli.answer_log import add_answer_log, open_log
from monai_fairtune.cli.exported_model import add_model, load_model
from monai_fairtune.cli.key_file import add_key_file
from monai_fairtune.exceptions import ConfigurationError

if TYPE_CHECKING:
    from monai_fairtune.deploy.node import NodeSettings

__all__ = ["add_parser", "require_node"]


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "serve",
        help="listen as a DICOM node and send a report on each study received",
        description="Receives images by C-STORE, answers each study once it falls silent, and sends the report as a "
        "structured report by C-STORE. Killed at any moment it loses nothing it has confirmed: the same command goes "
        "on. SIGTERM lets it finish the study under way.",
    )
    add_model(parser)
    parser.add_argument(
        "--spool", type=Path, required=True, metavar="DIR", help="queue and images: patient data, on a local disk"
    )
    parser.add_argument("--send-to", required=True, metavar="TITLE@HOST:PORT", help="receives the reports")
    _add_listening(parser)
    _add_limits(parser)
    tls = parser.add_argument_group("TLS, on both sides; all three or none")
    tls.add_argument("--tls-certificate", type=Path, metavar="PEM", help="the node's own")
    tls.add_argument("--tls-key", type=Path, metavar="PEM", help="its private key")
    tls.add_argument(
        "--tls-authority", type=Path, metavar="PEM", help="what the peers' certificates are checked against"
    )
    add_answer_log(parser)
    add_key_file(parser, "of the pseudonyms in the answer log, made if it is not there; keep it away from the log")
    levels = ("debug", "info", "warning", "error")
    parser.add_argument("--log-level", default="info", choices=levels, help="(default: %(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command."""
    require_node()
    from monai_fairtune.deploy.dicom import ImageReader, ReadingRules, answer_study
    from monai_fairtune.deploy.in_use import logged
    from monai_fairtune.deploy.node import Node, configure_logs

    settings = _settings(options)
    log = None if options.answer_log is None else open_log(options.answer_log, options.key_file)
    model = load_model(options)
    configure_logs(options.log_level)
    with ImageReader(ReadingRules(model.intended_use)) as reader:
        reader.read(options.spool / "nothing")  # starts the process that reads before the first study waits for it
        answer = partial(answer_study, reader=reader)
        node = Node(settings, model, answer if log is None else logged(answer, log))
        signal.signal(signal.SIGTERM, lambda *_: node.stop.set())
        node.run()
    return 0


def require_node() -> None:
    """Refuses where the libraries of the extra ``dicom`` are missing."""
    needed = ("pynetdicom", "highdicom", "dicomweb_client", "prometheus_client")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)} is not installed. Run pip install 'monai-fairtune[dicom]'.")


def _add_listening(parser: argparse.ArgumentParser) -> None:
    listening = parser.add_argument_group("listening")
    listening.add_argument("--title", default="FAIRTUNE", help="application entity title (default: %(default)s)")
    listening.add_argument("--host", default="127.0.0.1", help="address; 0.0.0.0 for all (default: %(default)s)")
    listening.add_argument("--port", type=int, default=11112, help="(default: %(default)s)")
    listening.add_argument("--caller", nargs="+", default=[], metavar="TITLE", help="who may send (default: anyone)")
    listening.add_argument("--http-host", default="127.0.0.1", help="of the operator's endpoint (default: %(default)s)")
    listening.add_argument("--http-port", type=int, default=9112, help="likewise (default: %(default)s)")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("times and limits")
    limits.add_argument(
        "--study-idle",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="without a new image, after which a study is answered (default: %(default)s)",
    )
    limits.add_argument(
        "--keep-days", type=float, default=0.0, help="of images whose report is delivered (default: %(default)s)"
    )
    limits.add_argument(
        "--remember-days",
        type=float,
        default=30.0,
        help="for which an image that comes again is known, and failed studies are kept (default: %(default)s)",
    )
    limits.add_argument("--max-images", type=int, default=20_000, help="kept at a time (default: %(default)s)")
    limits.add_argument("--max-gib", type=float, default=50.0, help="of images at a time (default: %(default)s)")
    limits.add_argument("--max-image-mib", type=float, default=128.0, help="of one image (default: %(default)s)")
    limits.add_argument("--max-associations", type=int, default=8, help="at a time (default: %(default)s)")
    limits.add_argument(
        "--network-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for which a peer may be silent (default: %(default)s)",
    )
    limits.add_argument(
        "--image-timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="for each image of a study under work, after which the node is unhealthy (default: %(default)s)",
    )


def _settings(options: argparse.Namespace) -> NodeSettings:
    from monai_fairtune.deploy.node import NodeLimits, NodeSettings, RemoteNode, tls_contexts

    tls = [options.tls_certificate, options.tls_key, options.tls_authority]
    if any(tls) and not all(tls):
        raise ConfigurationError(
            "Some of --tls-certificate, --tls-key and --tls-authority are missing. Give all, or none for plain TCP."
        )
    return NodeSettings(
        spool=options.spool,
        send_to=RemoteNode.parse(options.send_to),
        title=options.title,
        host=options.host,
        port=options.port,
        callers=tuple(options.caller),
        study_seconds=options.study_idle,
        keep_days=options.keep_days,
        remember_days=options.remember_days,
        http_host=options.http_host,
        http_port=options.http_port,
        limits=NodeLimits(
            n_images=options.max_images,
            n_bytes=options.max_gib * (1 << 30),
            object_bytes=options.max_image_mib * (1 << 20),
            n_associations=options.max_associations,
            network_seconds=options.network_timeout,
            image_seconds=options.image_timeout,
        ),
        tls=tls_contexts(*tls) if all(tls) else None,
    )
