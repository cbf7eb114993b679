"""`python -m training.import_weights`, in a checkout."""

import sys

from . import main

sys.exit(main())
