"""``python -m monai_fairtune``, the same as ``monai-fairtune``."""

import sys

from monai_fairtune.cli import main

sys.exit(main())
