"""The example's package, as its own tests would find it."""

import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "helpdesk"
sys.path.append(str(EXAMPLE))
