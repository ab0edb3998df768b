"""Rolling a migration back: what it touches is kept, its SQL undone, and it is marked as undone."""
