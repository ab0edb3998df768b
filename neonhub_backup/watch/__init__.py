"""Whether the backups keep their promises: what is found in the stores, judged, and told."""
