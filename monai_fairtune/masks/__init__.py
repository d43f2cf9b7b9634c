"""What of a network is tuned: components, partitions, masks, and the network that obeys them."""

from monai_fairtune.masks.component import Component
from monai_fairtune.masks.mask import Mask
from monai_fairtune.masks.partition import Partition
from monai_fairtune.masks.tiny_vit import TINY_VIT_SHA256, TINY_VIT_WEIGHTS, tiny_vit

__all__ = ["TINY_VIT_SHA256", "TINY_VIT_WEIGHTS", "Component", "Mask", "Partition", "tiny_vit"]
