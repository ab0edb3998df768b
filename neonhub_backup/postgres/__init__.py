"""PostgreSQL: reaching it, dumping it, restoring into it, starting one that nobody needs."""
