"""What the backups need in Google Cloud."""
