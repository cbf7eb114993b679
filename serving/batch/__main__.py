"""`python -m serving.batch`, in a checkout."""

import sys

from . import main

sys.exit(main())
