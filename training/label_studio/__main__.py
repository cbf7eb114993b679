"""`python -m training.label_studio`, in a checkout."""

import sys

from . import main

sys.exit(main())
