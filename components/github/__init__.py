"""What the backups need in GitHub."""
