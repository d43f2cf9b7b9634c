"""Attributes that an expression may take, whatever object it takes them from."""

from __future__ import annotations

__all__ = ["ATTRIBUTES"]

_NAMES = """
    T abs add_event_handler all anchors any append argmax astype batch batches children class_names clone contiguous
    copy count cpu cuda data dataset detach device dim dtype endswith epoch epoch_length eval exists extend flatten
    float get half head_parameter_names index int inverse is_dir is_file isdigit item items iteration join joinpath
    keys load_state_dict long lower lstrip max max_epochs mean metrics min modules n_processes named_children
    named_parameters ndim numel numpy output param_groups parameters parent partition permute removeprefix
    removesuffix requires_grad requires_grad_ reshape round rsplit rstrip run shape sigmoid size softmax split
    squeeze startswith state state_dict std stem strip suffix sum title to tolist train transform transforms
    transpose type unsqueeze upper values view zero_grad
"""
ATTRIBUTES = frozenset(_NAMES.split())
"""What is refused would be a list without end: ``loader.multiprocessing_context`` leads to pickle."""
