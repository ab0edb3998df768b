"""Looking after backups that are taken: verified, copied, encrypted anew, and pruned."""
