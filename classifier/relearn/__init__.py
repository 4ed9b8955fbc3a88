"""Learns again, in a process of its own, while a person decides; knows no page, and moves no picture but by a sort."""
