"""What a run is worth, for people and for machines: one frozen summary, written in four forms."""
