"""Reports for people, from stored results: no training code."""

from monai_fairtune.report.audit.alarms import alarm_words
from monai_fairtune.report.audit.report import write_audit_report
from monai_fairtune.report.cohort_card.report import write_cohort_card
from monai_fairtune.report.console import result_table
from monai_fairtune.report.report import write_report

__all__ = ["alarm_words", "result_table", "write_audit_report", "write_cohort_card", "write_report"]
