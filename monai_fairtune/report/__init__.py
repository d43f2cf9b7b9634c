"""Reports for people, from stored results: no training code."""

from monai_fairtune.report.audit.alarms import alarm_words
from monai_fairtune.report.audit.report import write_audit_report
from monai_fairtune.report.cohort_card.report import write_cohort_card
from monai_fairtune.report.console import result_table
from monai_fairtune.report.model_card import ModelFacts, write_model_card
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.report import write_report

__all__ = [
    "ModelFacts",
    "Reading",
    "alarm_words",
    "result_table",
    "write_audit_report",
    "write_cohort_card",
    "write_model_card",
    "write_report",
]
