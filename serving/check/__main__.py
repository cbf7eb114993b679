"""`python -m serving.check`, in a checkout."""

import sys

from . import main

sys.exit(main())
