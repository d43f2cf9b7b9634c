"""FairTune for MONAI: find what to fine-tune so that the worst-off subgroup is served best."""

__version__ = "0.1.0"
