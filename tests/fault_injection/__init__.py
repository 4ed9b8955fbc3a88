"""Injects faults into real runs: kills, failing calls, power cuts, other programs, planted bugs. See README.md."""
