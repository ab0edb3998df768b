"""What the tool asks of PostgreSQL: dumps, restores, servers of its own."""
