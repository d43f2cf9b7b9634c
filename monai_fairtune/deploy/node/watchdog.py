"""Telling systemd that the node is up and sound, as ``sd_notify`` does."""

from __future__ import annotations

import logging
import os
import socket

from monai_fairtune.deploy.node.logs import log

__all__ = ["tell_service_manager"]


def tell_service_manager() -> None:
    """Says that the node is sound; systemd starts it anew once it has not said so for too long.

    Nothing is said where the environment names no socket of a service manager.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
            messages.sendto(b"READY=1\nWATCHDOG=1", address.replace("@", "\0", 1) if address[0] == "@" else address)
    except OSError as error:
        log(logging.WARNING, "service manager not reached", reason=type(error).__name__)
