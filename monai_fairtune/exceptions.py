"""The errors of monai-fairtune.

::

    FairTuneError
    ├── InputError (ValueError)           what the user gave cannot be used           exit code 2
    │   ├── AttributeDeclarationError     a sensitive attribute cannot be declared or read
    │   ├── ManifestError                 the manifest is missing, incomplete or inconsistent
    │   ├── ImageError                    an image cannot be read
    │   ├── SplitError                    a split is empty, leaks or holds one class
    │   ├── EligibilityError              a subgroup is too small for the objective
    │   ├── PredictionsError              scores or labels of a split cannot be assessed
    │   ├── UndefinedMetricError          a metric has no value on these samples
    │   ├── MaskError                     a mask or partition does not fit the network
    │   ├── WeightsError                  weights do not fit the network or their checksum
    │   └── ConfigurationError            an option has a value that cannot be used
    └── RunError (RuntimeError)           work that started could not go on           exit code 1
        ├── TuningError                   training diverged
        ├── NoFeasibleTrialError          no trial satisfies the utility floor
        ├── StudyDriftError               the study belongs to another configuration  exit code 64
        ├── ExportError                   an exported model answers otherwise than the search's
        ├── TrialCrashedError             an unexpected error ended a training twice
        ├── StudyLockedError              another process owns the study              exit code 75
        ├── SearchInterruptedError        somebody asked the search to stop           exit code 75
        ├── DiskFullError                 a result could not be written               exit code 75
        ├── StorageUnreachableError       the database stayed away                    exit code 75
        ├── ProcessLostError              a process that trains along is gone         exit code 75
        ├── ArchiveError                  an image archive is away or refuses         exit code 75
        └── WorkersLostError              no worker process stays alive               exit code 75

A message is one sentence for the fact with the values found, and one for the way out.
"""

from __future__ import annotations

__all__ = [
    "ArchiveError",
    "AttributeDeclarationError",
    "ConfigurationError",
    "DiskFullError",
    "EligibilityError",
    "ExportError",
    "FairTuneError",
    "ImageError",
    "InputError",
    "ManifestError",
    "MaskError",
    "NoFeasibleTrialError",
    "PredictionsError",
    "ProcessLostError",
    "RunError",
    "SearchInterruptedError",
    "SplitError",
    "StorageUnreachableError",
    "StudyDriftError",
    "StudyLockedError",
    "TrialCrashedError",
    "TuningError",
    "UndefinedMetricError",
    "WeightsError",
    "WorkersLostError",
    "find_error",
]


class FairTuneError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code: int = 1


class InputError(FairTuneError, ValueError):
    """What the user gave cannot be used."""

    exit_code = 2


class AttributeDeclarationError(InputError):
    """A sensitive attribute is declared wrongly, or its column cannot be read as declared."""


class ManifestError(InputError):
    """The manifest is missing, incomplete or inconsistent."""


class ImageError(InputError):
    """An image is missing or cannot be read."""


class SplitError(InputError):
    """A split is empty, shares patients with another, or holds one class only."""


class EligibilityError(InputError):
    """A subgroup holds too few positives or negatives for the objective."""


class PredictionsError(InputError):
    """Scores, labels or subgroups of a split cannot be assessed."""


class UndefinedMetricError(InputError):
    """A metric has no value on these samples."""


class MaskError(InputError):
    """A mask or a partition does not fit the network."""


class WeightsError(InputError):
    """Weights do not fit the network, or not their checksum."""


class ConfigurationError(InputError):
    """An option has a value that cannot be used."""


class RunError(FairTuneError, RuntimeError):
    """Work that started could not go on."""


class TuningError(RunError):
    """Training diverged: the loss or the scores are not finite."""


class NoFeasibleTrialError(RunError):
    """No finished trial satisfies the utility floor."""


class StudyDriftError(RunError):
    """The study on disk belongs to another configuration."""

    exit_code = 64


class ExportError(RunError):
    """An exported model gives other probabilities than the search's network."""


class TrialCrashedError(RunError):
    """An error that nobody expected ended a training, and ended it again."""


class StudyLockedError(RunError):
    """Another process owns the study."""

    exit_code = 75


class SearchInterruptedError(RunError):
    """The process was asked to stop; the same command goes on where it stopped."""

    exit_code = 75


class DiskFullError(RunError):
    """A result could not be written because the disk is full; the same command goes on once there is room."""

    exit_code = 75


class StorageUnreachableError(RunError):
    """The study's database could not be reached for too long; the same command goes on once it is back."""

    exit_code = 75


class ProcessLostError(RunError):
    """One of the processes that share a training ended or hangs; the same command goes on."""

    exit_code = 75


class ArchiveError(RunError):
    """An archive of images could not be reached, or refused what was asked."""

    exit_code = 75


class WorkersLostError(RunError):
    """Worker processes end before they finish anything."""

    exit_code = 75


def find_error(exception: BaseException | None) -> FairTuneError | None:
    """Returns the error of this package that ``exception`` is or was raised from, or None.

    MONAI wraps what a config's component raises; users want the sentence inside.

    Example:
        >>> try:
        ...     try:
        ...         raise ManifestError("The manifest is empty.")
        ...     except ManifestError as error:
        ...         raise RuntimeError("Failed to instantiate") from error
        ... except RuntimeError as error:
        ...     print(find_error(error))
        The manifest is empty.
    """
    while exception is not None and not isinstance(exception, FairTuneError):
        exception = exception.__cause__ or exception.__context__
    return exception
