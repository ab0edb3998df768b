"""What the stores hold: which backups there are, which one is meant, and how it is read."""
