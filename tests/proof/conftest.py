"""The proofs share modules of their own, which also run as programs from this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
