"""One command for a fresh machine with only Python: sets everything up and runs the demo.

python scripts/demo.py
"""

from __future__ import annotations

import sys

from environment import ready, run

run(ready(), "-m", "classifier", "demo", *sys.argv[1:])
