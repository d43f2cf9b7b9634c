from __future__ import annotations

import torch

from monai_fairtune.cohort.decode_all import decode_all
from monai_fairtune.exceptions import ImageError


def test_results_come_in_order_with_errors_in_their_place() -> None:
    def decode(number: int) -> int:
        if number % 300 == 7:
            raise ImageError(f"{number} is damaged.")
        return number

    results = list(decode_all(range(600), decode, progress=False, n_workers=3))
    assert [str(each) if isinstance(each, ImageError) else each for each in results] == [
        f"{number} is damaged." if number in (7, 307) else number for number in range(600)
    ]


def test_meanwhile_no_thread_starts_further_threads_of_pytorch_and_afterwards_they_are_as_before() -> None:
    n_before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        seen = set(decode_all(range(8), lambda _: torch.get_num_threads(), progress=False, n_workers=2))
        assert (seen, torch.get_num_threads()) == ({1}, 3)
    finally:
        torch.set_num_threads(n_before)
