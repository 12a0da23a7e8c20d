"""`python -m taxiway`, which is the `taxiway` command."""

import sys

from taxiway.cli.main import main

sys.exit(main())
