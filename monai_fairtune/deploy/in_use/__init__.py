"""A deployed model in use: what it answered is logged under pseudonyms, and audited over time."""

from monai_fairtune.deploy.in_use.answer import SCOPES, Answer
from monai_fairtune.deploy.in_use.answered import AnsweredImages, read_answers
from monai_fairtune.deploy.in_use.attributes import header_attributes
from monai_fairtune.deploy.in_use.auditing import audit_log
from monai_fairtune.deploy.in_use.log import Added, AnswerLog, Recorded
from monai_fairtune.deploy.in_use.recording import logged, record_answers
from monai_fairtune.deploy.in_use.tables import answers_of_table, attributes_of_table, outcomes_of_table

__all__ = [
    "SCOPES",
    "Added",
    "Answer",
    "AnswerLog",
    "AnsweredImages",
    "Recorded",
    "answers_of_table",
    "attributes_of_table",
    "audit_log",
    "header_attributes",
    "logged",
    "outcomes_of_table",
    "read_answers",
    "record_answers",
]
