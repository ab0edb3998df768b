"""The emergency restore: from a database that is lost or damaged to one that is in use again."""
