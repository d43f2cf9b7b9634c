"""The card of a cohort, in the tradition of datasheets for datasets."""
