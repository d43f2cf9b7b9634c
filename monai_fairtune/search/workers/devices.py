"""Which processors and which GPU each worker process gets."""

from __future__ import annotations

import os

__all__ = ["default_n_threads", "default_n_workers", "n_sharing", "worker_environment"]


def visible_gpus() -> list[str]:
    """Returns the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name.strip() for name in given.split(",") if name.strip() not in ("", "-1")]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def default_n_workers(device_type: str) -> int:
    """Returns how many workers there are unless somebody says otherwise: one a GPU, or one.

    Args:
        device_type: ``"cuda"`` or another of PyTorch's.
    """
    return max(1, len(visible_gpus())) if device_type == "cuda" else 1


def worker_environment(place: int, n_threads: int, device_type: str) -> dict[str, str]:
    """Returns what a worker's environment says of devices.

    On CUDA, workers take turns at the visible GPUs, each seeing one of them as ``cuda:0``. On processors, libraries
    that would each take all cores are told how many there are for them.

    Args:
        place: of the worker, from 0.
        n_threads: of a worker.
        device_type: ``"cuda"`` or another of PyTorch's.

    Example:
        >>> import os; os.environ["CUDA_VISIBLE_DEVICES"] = "2,5"
        >>> [worker_environment(place, 1, "cuda")["CUDA_VISIBLE_DEVICES"] for place in range(3)]
        ['2', '5', '2']
        >>> del os.environ["CUDA_VISIBLE_DEVICES"]
    """
    if device_type == "cuda":
        gpus = visible_gpus()
        return {"CUDA_VISIBLE_DEVICES": gpus[place % len(gpus)]} if gpus else {}
    return {"OMP_NUM_THREADS": str(n_threads)}


def n_sharing(place: int, n_workers: int, device_type: str) -> int:
    """Returns how many workers share a worker's GPU, itself included; on processors 1, since they share none.

    Args:
        place: of the worker, from 0.
        n_workers: of the driver.
        device_type: ``"cuda"`` or another of PyTorch's.

    Example:
        >>> import os; os.environ["CUDA_VISIBLE_DEVICES"] = "2,5"
        >>> [n_sharing(place, 3, "cuda") for place in range(3)]
        [2, 1, 2]
        >>> del os.environ["CUDA_VISIBLE_DEVICES"]
    """
    if device_type != "cuda":
        return 1
    n_gpus = max(1, len(visible_gpus()))
    return len(range(place % n_gpus, n_workers, n_gpus))


def default_n_threads() -> int:
    """Returns how many threads this process would use by itself: its cores, or what ``OMP_NUM_THREADS`` says."""
    import torch

    return torch.get_num_threads()
