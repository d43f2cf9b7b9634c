"""What of a network is tuned: components, partitions, masks, and the network that obeys them."""

from monai_fairtune.masks.anchors import anchor_masks
from monai_fairtune.masks.component import Component
from monai_fairtune.masks.delta import load_delta, read_delta_metadata, save_delta
from monai_fairtune.masks.head import head_parameter_names
from monai_fairtune.masks.mask import Mask
from monai_fairtune.masks.mask_files import find_mask, read_mask
from monai_fairtune.masks.network import FairTuneNetwork
from monai_fairtune.masks.partition import Partition
from monai_fairtune.masks.partitioning import Partitioner
from monai_fairtune.masks.pattern import PatternPartitioner
from monai_fairtune.masks.resnet import ResNetPartitioner
from monai_fairtune.masks.search_spaces import partitioner
from monai_fairtune.masks.stages import Stages
from monai_fairtune.masks.tiny_vit import TINY_VIT_SHA256, TINY_VIT_WEIGHTS, tiny_vit
from monai_fairtune.masks.transformer import TRANSFORMER_SEARCH_SPACES, TransformerPartitioner

__all__ = [
    "TINY_VIT_SHA256",
    "TINY_VIT_WEIGHTS",
    "TRANSFORMER_SEARCH_SPACES",
    "Component",
    "FairTuneNetwork",
    "Mask",
    "Partition",
    "Partitioner",
    "PatternPartitioner",
    "ResNetPartitioner",
    "Stages",
    "TransformerPartitioner",
    "anchor_masks",
    "find_mask",
    "head_parameter_names",
    "load_delta",
    "partitioner",
    "read_delta_metadata",
    "read_mask",
    "save_delta",
    "tiny_vit",
]
