"""An audit over time: windows, case mix, and alarms by a stated rule."""

from monai_fairtune.audit.windows.over_time import assess_windows, read_reference
from monai_fairtune.audit.windows.periods import whole_windows
from monai_fairtune.audit.windows.request import OverTime
from monai_fairtune.audit.windows.suppression import suppress_windows
from monai_fairtune.audit.windows.text import windows_text

__all__ = ["OverTime", "assess_windows", "read_reference", "suppress_windows", "whole_windows", "windows_text"]
