"""One thread for tiny networks: two that wait for each other are five times slower on a busy machine."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
