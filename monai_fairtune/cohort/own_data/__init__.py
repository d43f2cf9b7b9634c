"""A hospital's own images and table: a mapping is proposed, reviewed by people, and makes the manifest."""

from monai_fairtune.cohort.own_data.prepare import PreparedTable, prepare_table
from monai_fairtune.cohort.own_data.proposal import Proposal, propose_mapping

__all__ = ["PreparedTable", "Proposal", "prepare_table", "propose_mapping"]
