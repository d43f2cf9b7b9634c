"""Worker processes: what they do, how they start, and who looks after them."""

from monai_fairtune.search.workers.devices import default_n_threads, default_n_workers, n_sharing, worker_environment
from monai_fairtune.search.workers.local import leaving_errors, local_board, work_for_driver
from monai_fairtune.search.workers.runner import JobRunner
from monai_fairtune.search.workers.signals import StopRequest, die_with_parent
from monai_fairtune.search.workers.starting import CommandStarter, StartWorker, WorkerProcess, WorkerRole
from monai_fairtune.search.workers.supervisor import Slot, Supervisor
from monai_fairtune.search.workers.worker import Worker, worker_name

__all__ = [
    "CommandStarter",
    "JobRunner",
    "Slot",
    "StartWorker",
    "StopRequest",
    "Supervisor",
    "Worker",
    "WorkerProcess",
    "WorkerRole",
    "default_n_threads",
    "default_n_workers",
    "die_with_parent",
    "leaving_errors",
    "local_board",
    "n_sharing",
    "work_for_driver",
    "worker_environment",
    "worker_name",
]
